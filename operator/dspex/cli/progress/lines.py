"""Progress as lines, for files, pipes and CI: one for each thing that happened."""

import time
from types import TracebackType
from typing import Self

import click

from dspex.cli.progress.words import describe
from dspex.local import WorkerDied, WorkerEvent
from dspex.pipeline.events import Event


class LineProgress:
    """Writes lines to standard error, each with the seconds since the command began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left to be written."""

    def on_event(self, event: Event) -> None:
        """Write a line about an event, if it is worth one."""
        text = describe(event)
        if text is not None:
            self.say(text)

    def on_worker(self, event: WorkerEvent) -> None:
        """Write a line about a worker, and the end of its log where it died."""
        self.say(event.describe())
        # One that was given up ends the run with an error that holds them.
        if isinstance(event, WorkerDied) and event.restart_in is not None:
            for line in event.last_lines:
                # What it logged in good days does not explain its death.
                if not line.startswith("info: "):
                    self.on_log(event.worker, line)

    def on_log(self, worker: str, line: str) -> None:
        """Write a line of a worker's log."""
        self.say(f"{worker} | {line}")

    def say(self, message: str) -> None:
        """Write a line."""
        click.echo(f"{time.monotonic() - self._began:7.2f}s  {message}", err=True)
