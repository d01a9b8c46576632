"""The edge between the pipeline engine and the workers: one method."""

from typing import Protocol

from dspex.bridge.protocol import Answer, Call


class Dispatcher(Protocol):
    """Sends calls to the workers of pools by the Pool's name."""

    async def execute(self, pool: str, call: Call) -> Answer:
        """Run one call on some worker of the pool.

        Cancelling the awaiting task cancels the call on the worker.

        Raises:
            PythonError: With the reason that the worker gave, or `WorkerUnavailable`,
                `WorkerLost`, `QueueFull`, `ProtocolError`, `Timeout` where it gave none.
        """
        ...
