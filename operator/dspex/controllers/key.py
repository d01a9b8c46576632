"""What the queue holds: the names of objects."""

from typing import NamedTuple

from dspex.kube.kind import Kind


class Key(NamedTuple):
    """One object, by its name."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """`Kind namespace/name`, for logs."""
        return f"{self.kind.name} {self.namespace}/{self.name}"
