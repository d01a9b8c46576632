"""The images: what each is made of, and by which name pods ask for it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspex import __version__

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("operator/dspex", "worker-image/dspex_worker")


@dataclass(frozen=True, slots=True)
class Image:
    """One image.

    Attributes:
        name: By which commands call it.
        reference: Name and tag.
        dockerfile: Its Dockerfile, from the root.
        locks: The locks that it installs.
        target: Target of the Dockerfile; empty for the last.
    """

    name: str
    reference: str
    dockerfile: str
    locks: tuple[str, ...]
    target: str = ""

    def digest(self, base: str) -> str:
        """Return a short name for all that the image is made of, its base included."""
        whole = hashlib.sha256(base.encode())
        files = [
            self.dockerfile,
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "requirements/build.txt",
        ]
        for file in (*files, *self.locks):
            whole.update(hashlib.sha256((ROOT / file).read_bytes()).digest())
        for path in _sources():
            whole.update(str(path.relative_to(ROOT)).encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        whole.update(self.target.encode())
        # It is a label of the image.
        whole.update(__version__.encode())
        return whole.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for folder in SOURCES:
        yield from sorted(
            path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"
        )


_WORKER: Final = "worker-image/Dockerfile"
IMAGES: Final = {
    image.name: image
    for image in (
        Image(
            "operator", "dspex/operator:dev", "operator/Dockerfile", ("requirements/operator.txt",)
        ),
        Image("worker", "dspex/worker:dev", _WORKER, ("requirements/worker.txt",), "worker"),
        Image(
            "embedded",
            "dspex/worker:dev-embedded",
            _WORKER,
            ("requirements/worker.txt", "requirements/embedded.txt"),
            "embedded",
        ),
        Image(
            "litellm",
            "dspex/worker:dev-litellm",
            _WORKER,
            ("requirements/worker.txt", "requirements/litellm.txt"),
            "litellm",
        ),
    )
}
"""All images by name."""

ON_CLUSTER: Final = ("operator", "worker", "embedded")
"""Those that the tests on a cluster need."""
