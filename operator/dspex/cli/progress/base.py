"""What every way to show progress hears; the events' sources call it, it never raises."""

from types import TracebackType
from typing import Protocol, Self

from dspex.local import WorkerEvent
from dspex.pipeline.events import Event


class Progress(Protocol):
    """Shows a run to a person while it runs; a context manager around the run."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show the last state and end."""
        ...

    def on_event(self, event: Event) -> None:
        """Hear an event of the engine."""
        ...

    def on_worker(self, event: WorkerEvent) -> None:
        """Hear what happened to a worker process."""
        ...

    def on_log(self, worker: str, line: str) -> None:
        """Hear a line of a worker's log."""
        ...

    def say(self, message: str) -> None:
        """Show a message of the command itself."""
        ...
