"""Where the workers of a pool are: the edge between the client and what finds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One worker.

    Attributes:
        address: `http://host:port`, without a path.
        name: As logs and the status of a run show it.
    """

    address: str
    name: str


class Resolver(Protocol):
    """Knows the workers of one pool: child processes in local mode, a Service in a cluster."""

    async def workers(self) -> Sequence[Endpoint]:
        """Return the workers that may be sent to now, never an empty sequence.

        Waits, without a limit of its own, while none is ready but one will be: the client bounds
        the wait by the call's deadline.

        Raises:
            PythonError: With WorkerUnavailable, where there is none and none is to be expected.
        """
        ...

    def report(self, endpoint: Endpoint) -> None:
        """Hear that a worker could not be reached, broke a connection, or did not answer in time.

        The resolver looks for itself and may leave the worker out until it answers again.
        """
        ...
