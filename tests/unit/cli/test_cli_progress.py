"""What a person sees while a run goes on, and when it has ended."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from dspex.bridge.protocol import Usage
from dspex.cli.progress import choose_progress
from dspex.cli.progress.lines import LineProgress
from dspex.cli.progress.table import TableProgress
from dspex.cli.progress.words import describe, ended, summary
from dspex.cli.report import exit_status, print_fault
from dspex.local import WorkerDied, WorkerReady, WorkerStarting
from dspex.pipeline.events import (
    AttemptFailed,
    Event,
    FallbackTaken,
    FinallyStarted,
    ItemFinished,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from dspex.pipeline.record import Fault, Items, RunRecord, State, StepRecord

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FAULT = Fault(reason="WorkerLost", message="the connection\nbroke " + "x" * 500)


def record(name: str, state: State = State.SUCCEEDED, **values: object) -> StepRecord:
    """Make a step's record."""
    given: dict[str, object] = {
        "kind": "dspy",
        "start_time": NOW,
        "completion_time": NOW + timedelta(seconds=1.25),
        **values,
    }
    return StepRecord(name=name, state=state, **given)  # type: ignore[arg-type]


def ended_run(state: State, reason: str, **values: object) -> RunRecord:
    """Make a run's record."""
    return RunRecord(
        state=state,
        reason=reason,
        message="what happened",
        outputs=None,
        **values,  # type: ignore[arg-type]
    )


STARTED = RunStarted(
    time=NOW,
    run="r",
    pipeline="p",
    digest="",
    steps=(record("a", State.PENDING), record("b", State.PENDING)),
)
LOST = AttemptFailed(
    time=NOW, step="a", item=3, attempt=2, error=FAULT, retry_in=0.5, worker="small-0"
)
LAST = AttemptFailed(time=NOW, step="a", item=None, attempt=3, error=FAULT, retry_in=None)
DIED = WorkerDied(
    pool="small", worker="small-0", why="was killed by SIGKILL", restart_in=0.2, last_lines=("bye",)
)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (STARTED, "run r of pipeline p: 2 steps"),
        (StepStarted(time=NOW, step="a"), "a started"),
        (StepStarted(time=NOW, step="a", items=1), "a started, 1 item"),
        (LOST, "a[3] attempt 2 failed on small-0: WorkerLost: the connection broke xxx"),
        (LOST, "; again in 0.5 s"),
        (LAST, "a attempt 3 failed: WorkerLost"),
        (
            FallbackTaken(time=NOW, step="a", item=None, number=0, reason="WorkerLost"),
            "a falls back (WorkerLost)",
        ),
        (
            ItemFinished(time=NOW, step="a", item=4, state=State.FAILED, error=FAULT),
            "a[4] failed: WorkerLost",
        ),
        (FinallyStarted(time=NOW, reason="Succeeded"), "finally steps begin"),
        (StepFinished(time=NOW, record=record("a")), "a succeeded, 1.25 s"),
    ],
)
def test_events_have_words(event: Event, words: str) -> None:
    """One line each, however long a message is."""
    text = describe(event)
    assert text is not None
    assert words in text
    assert "\n" not in text
    assert len(text) < 420


def test_what_happens_too_often_is_not_told() -> None:
    """An item that succeeded, and the run's end, which has its own line."""
    assert describe(ItemFinished(time=NOW, step="a", item=1, state=State.SUCCEEDED)) is None
    finished = RunFinished(time=NOW, record=ended_run(State.SUCCEEDED, "Succeeded"))
    assert describe(finished) is None


def test_ends_of_steps_tell_what_matters() -> None:
    """Time, attempts, items, worker and tokens; or the error; or why it did not run."""
    spent = Usage(calls=2, prompt_tokens=30, completion_tokens=4)
    assert ended(record("a", attempts=3, worker="w", usage=spent)) == (
        "succeeded, 1.25 s, 3 attempts, w, 34 tokens"
    )
    counts = Items(total=10, succeeded=9, failed=1)
    assert ended(record("a", attempts=12, items=counts)) == "succeeded, 9 of 10 items, 1.25 s"
    assert ended(record("a", start_time=None)) == "succeeded"
    failed = ended(record("a", State.FAILED, error=FAULT, attempts=2))
    assert failed == "failed after 2 attempts: WorkerLost"
    assert ended(record("a", State.FAILED, reason="Timeout")) == "failed: Timeout"
    assert ended(record("a", State.SKIPPED, reason="ConditionFalse")) == "skipped: ConditionFalse"
    assert ended(record("a", State.CANCELLED)) == "cancelled"


def test_the_summary_names_cost_and_cause() -> None:
    """Seconds, calls, tokens; for a run that failed, why."""
    spent = Usage(calls=1, prompt_tokens=3)
    succeeded = ended_run(State.SUCCEEDED, "Succeeded", usage=spent)
    assert summary(succeeded, 1.26) == "succeeded in 1.3 s, 1 model call, 3 tokens"
    failed = ended_run(State.FAILED, "StepsFailed")
    assert summary(failed, 2) == "failed (StepsFailed) in 2.0 s"


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        (State.SUCCEEDED, "Succeeded", 0),
        (State.FAILED, "StepsFailed", 1),
        (State.FAILED, "RunTimeout", 1),
        (State.FAILED, "InputInvalid", 2),
        (State.CANCELLED, "Cancelled", 130),
        (State.CANCELLED, "Stopped", 130),
    ],
)
def test_exit_statuses(state: State, reason: str, status: int) -> None:
    """0, 1, 2 and 130, as the help says."""
    assert exit_status(ended_run(state, reason)) == status


def test_faults_show_violations_remedy_and_where_the_trace_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The trace itself only with -v; an unknown reason has no remedy."""
    fault = Fault(
        reason="ModuleFailed",
        message="it broke",
        error_class="shop.Oops",
        traceback="File shop.py\nOops",
        details={"violations": ["a: must be an integer"]},
    )
    print_fault("step", fault, verbose=False)
    quiet = capsys.readouterr().err
    assert "step: ModuleFailed: it broke\n  a: must be an integer\n  remedy: Read" in quiet
    assert "shop.Oops; -v shows its traceback" in quiet
    assert "File shop.py" not in quiet
    print_fault("step", fault, verbose=True)
    assert "  File shop.py\n  Oops\n" in capsys.readouterr().err
    print_fault("step", Fault(reason="Newer", message="m"), verbose=False)
    assert capsys.readouterr().err == "step: Newer: m\n"


def test_lines_are_stamped_with_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Engine, workers and logs; a death shows the end of the log."""
    with LineProgress() as progress:
        progress.on_event(STARTED)
        progress.on_event(ItemFinished(time=NOW, step="a", item=1, state=State.SUCCEEDED))
        progress.on_worker(WorkerReady(pool="small", worker="small-0", seconds=1.2))
        progress.on_worker(DIED)
        progress.on_log("small-0", "hello")
    lines = capsys.readouterr().err.splitlines()
    assert [line[:8].strip()[-1] for line in lines] == ["s"] * 5
    assert lines[0].endswith("  run r of pipeline p: 2 steps")
    assert lines[3].endswith("small-0 | bye")


def drawn(progress: TableProgress, height: int = 30) -> str:
    """Draw a table's present state."""
    console = Console(file=io.StringIO(), width=100, height=height, force_terminal=False)
    console.print(progress)
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def table() -> tuple[TableProgress, io.StringIO]:
    """Make a table on a terminal that is a text."""
    screen = io.StringIO()
    return TableProgress(Console(file=screen, width=100, height=30, force_terminal=True)), screen


def test_the_table_shows_each_steps_state() -> None:
    """Pending, running with items and retries, ended with worker, failed with the error."""
    progress, screen = table()
    assert "starting" in drawn(progress)
    progress.on_worker(WorkerStarting(pool="small", worker="small-0", pid=1, log=""))
    assert "waiting for small-0" in drawn(progress)
    progress.on_worker(WorkerReady(pool="small", worker="small-0", seconds=1))
    assert "waiting" not in drawn(progress)
    with progress:
        progress.on_event(STARTED)
        assert "r (p)" in drawn(progress)
        progress.on_event(StepStarted(time=NOW, step="a", items=3))
        progress.on_event(ItemFinished(time=NOW, step="a", item=0, state=State.SUCCEEDED))
        assert "1 of 3 items" in drawn(progress)
        progress.on_event(LOST)
        assert "attempt 2 failed" in drawn(progress)
        progress.on_event(StepFinished(time=NOW, record=record("a", worker="small-0")))
        progress.on_event(StepFinished(time=NOW, record=record("b", State.FAILED, error=FAULT)))
        progress.on_event(FinallyStarted(time=NOW, reason="StepsFailed"))
        progress.on_event(StepStarted(time=NOW, step="unannounced"))
        progress.on_worker(DIED)
        progress.on_log("small-0", "a line of its log")
    text = drawn(progress)
    assert "✓" in text
    assert "1.25 s" in text
    assert "small-0" in text
    assert "✗" in text
    assert "WorkerLost" in text
    printed = screen.getvalue()
    for words in ("a[3] attempt 2 failed", "was killed by SIGKILL", "small-0 | a line of its log"):
        assert words in printed


def test_a_table_higher_than_the_screen_shows_what_matters() -> None:
    """What runs and what failed stays in sight, the rest is counted."""
    progress, _ = table()
    steps = tuple(record(f"step{index}", State.PENDING) for index in range(40))
    progress.on_event(RunStarted(time=NOW, run="r", pipeline="p", digest="", steps=steps))
    progress.on_event(StepStarted(time=NOW, step="step37"))
    progress.on_event(StepFinished(time=NOW, record=record("step3", State.FAILED, error=FAULT)))
    text = drawn(progress, height=12)
    assert "step37" in text
    assert "step3 " in text
    assert "and 34 more steps" in text
    assert len(text.splitlines()) <= 12


@pytest.mark.parametrize(
    ("terminal", "term", "kind"),
    [(True, "xterm", TableProgress), (True, "dumb", LineProgress), (False, "xterm", LineProgress)],
)
def test_a_table_needs_a_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, term: str, kind: type
) -> None:
    """Files, pipes and dumb terminals get lines."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("TERM", term)
    assert isinstance(choose_progress(), kind)
