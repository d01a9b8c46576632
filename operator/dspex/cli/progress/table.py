"""Progress as a table that is drawn anew while the run goes on, for terminals."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dspex.cli.progress.words import count, describe, ended, in_seconds, tokens
from dspex.local import WorkerDied, WorkerEvent, WorkerReady, WorkerStarting
from dspex.pipeline.events import (
    AttemptFailed,
    Event,
    FallbackTaken,
    ItemFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from dspex.pipeline.record import State, StepRecord

_STYLES: Final = {
    State.PENDING: ("·", "dim"),
    State.RUNNING: ("…", "cyan"),
    State.SUCCEEDED: ("✓", "green"),
    State.FAILED: ("✗", "bold red"),
    State.SKIPPED: ("-", "dim"),
    State.CANCELLED: ("■", "yellow"),
}
_RANK: Final = (State.RUNNING, State.FAILED, State.CANCELLED, State.SUCCEEDED, State.SKIPPED)
_OTHER_LINES: Final = 6
"""Lines of the screen that are no steps: title, workers, what is left out."""

_FRAMES_PER_SECOND: Final = 8
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass(slots=True)
class _Row:
    record: StepRecord
    began: float | None = None
    items: int | None = None
    items_done: int = 0
    note: str = ""
    changed: int = 0


@dataclass(slots=True)
class _Workers:
    starting: set[str] = field(default_factory=set)
    ready: set[str] = field(default_factory=set)


class TableProgress:
    """Draws the steps of a run on a terminal; what must not be lost is printed above them."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._began = time.monotonic()
        self._title = ""
        self._rows: dict[str, _Row] = {}
        self._workers = _Workers()
        self._changes = 0
        self._live = Live(
            self,
            console=self._console,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def on_event(self, event: Event) -> None:
        """Take in an event; retries and fallbacks are also printed, for they pass."""
        self._changes += 1
        match event:
            case RunStarted():
                self._title = f"{event.run} ({event.pipeline})"
                self._rows = {record.name: _Row(record) for record in event.steps}
            case StepStarted():
                self._start(event)
            case ItemFinished():
                self._row(event.step).items_done += 1
            case AttemptFailed() | FallbackTaken():
                row = self._row(event.step)
                row.note, row.changed = describe(event) or "", self._changes
                self.say(row.note)
            case StepFinished():
                row = self._row(event.record.name)
                row.record, row.note, row.changed = event.record, "", self._changes

    def on_worker(self, event: WorkerEvent) -> None:
        """Take in a worker's event; a death is also printed."""
        match event:
            case WorkerStarting():
                self._workers.starting.add(event.worker)
            case WorkerReady():
                self._workers.starting.discard(event.worker)
                self._workers.ready.add(event.worker)
            case WorkerDied():
                self._workers.ready.discard(event.worker)
                self._workers.starting.discard(event.worker)
                self.say(event.describe(), style="yellow")

    def on_log(self, worker: str, line: str) -> None:
        """Print a line of a worker's log above the table."""
        self.say(f"{worker} | {line}", style="dim")

    def say(self, message: str, style: str = "") -> None:
        """Print a line above the table."""
        self._console.print(Text(message, style=style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw: a headline, then the steps, as many as the screen holds."""
        shown, hidden = self._visible(console.size.height - _OTHER_LINES)
        yield self._headline()
        table = Table.grid(padding=(0, 2))
        for row in shown:
            table.add_row(*self._cells(row))
        if shown:
            yield table
        if hidden:
            yield Text(f"  and {count(hidden, 'more step')}", style="dim")

    def _start(self, event: StepStarted) -> None:
        row = self._row(event.step)
        row.record = StepRecord(
            name=row.record.name,
            kind=row.record.kind,
            state=State.RUNNING,
            start_time=event.time,
        )
        row.began, row.items, row.changed = time.monotonic(), event.items, self._changes

    def _row(self, name: str) -> _Row:
        return self._rows.setdefault(name, _Row(StepRecord(name=name, kind="")))

    def _visible(self, space: int) -> tuple[Sequence[_Row], int]:
        """Choose the rows that are shown: what runs, what failed, what ended last."""
        rows = list(self._rows.values())
        if len(rows) <= space:
            return rows, 0
        ranked = sorted(rows, key=lambda row: (_rank(row.record.state), -row.changed))
        kept = {id(row) for row in ranked[: max(1, space)]}
        return [row for row in rows if id(row) in kept], len(rows) - len(kept)

    def _headline(self) -> Text:
        seconds = time.monotonic() - self._began
        frame = _FRAMES[int(seconds * _FRAMES_PER_SECOND) % len(_FRAMES)]
        text = Text.assemble(frame, " ", (self._title or "starting", "bold"), f"  {seconds:.1f} s")
        if self._workers.starting:
            names = ", ".join(sorted(self._workers.starting))
            text.append(f"  waiting for {names}", style="dim")
        return text

    def _cells(self, row: _Row) -> tuple[Text, ...]:
        record = row.record
        mark, style = _STYLES[record.state]
        return (
            Text(f" {mark}", style=style),
            Text(record.name, style="bold" if record.state is State.RUNNING else ""),
            Text(record.kind, style="dim"),
            Text(_time(row), justify="right"),
            Text(tokens(record), style="dim", justify="right"),
            Text(_note(row), style=style if record.state is State.FAILED else "dim", no_wrap=True),
        )


def _rank(state: State) -> int:
    return _RANK.index(state) if state in _RANK else len(_RANK)


def _time(row: _Row) -> str:
    if row.record.state is State.RUNNING and row.began is not None:
        return f"{time.monotonic() - row.began:.1f} s"
    return in_seconds(row.record)


def _note(row: _Row) -> str:
    record = row.record
    if record.state is State.RUNNING:
        done = "" if row.items is None else f"{row.items_done} of {count(row.items, 'item')}"
        return "  ".join(part for part in (done, row.note) if part)
    if record.state is State.SUCCEEDED:
        return record.worker
    return "" if record.state is State.PENDING else ended(record)
