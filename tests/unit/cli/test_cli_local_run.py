"""Runs in this process: signals at each phase, and what the engine's last word becomes."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dspex.cli.local_run import execute
from dspex.cli.prepare import Request, prepare
from dspex.cli.progress.lines import LineProgress
from dspex.cli.report import report
from dspex.local import WorkerEvent, WorkerStarting
from dspex.pipeline.events import Event, RunFinished, StepStarted
from dspex.pipeline.record import State


class Interrupting(LineProgress):
    """Sends this process a signal when something happens, and remembers the workers."""

    def __init__(self, when: Callable[[object], bool], times: int = 1) -> None:
        super().__init__()
        self.when = when
        self.times = times
        self.pids: list[int] = []

    def on_event(self, event: Event) -> None:
        """Interrupt at an event of the engine."""
        super().on_event(event)
        self._consider(event)

    def on_worker(self, event: WorkerEvent) -> None:
        """Interrupt at an event of a worker."""
        super().on_worker(event)
        if isinstance(event, WorkerStarting):
            self.pids.append(event.pid)
        self._consider(event)

    def _consider(self, event: object) -> None:
        if self.when(event):
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)

    def assert_gone(self) -> None:
        """Hold that no worker is left."""
        assert self.pids
        assert not [pid for pid in self.pids if (Path("/proc") / str(pid)).exists()]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, fake_workers: None) -> Callable[..., None]:
    """Return a function that sets what the workers play."""
    del fake_workers
    return lambda **script: monkeypatch.setenv("DSPEX_FAKE_SCRIPT", json.dumps(script))


async def test_an_interrupt_in_a_step_cancels_the_run(
    support: Path, play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine ends it; the report says what had been done."""
    play(calls=["hang"])
    work = prepare(Request(files=[str(support)], assignments=["message=x"]))
    progress = Interrupting(lambda event: isinstance(event, StepStarted))
    outcome = await execute(work, progress)
    assert outcome.record.state is State.CANCELLED
    assert outcome.interrupted
    progress.assert_gone()
    assert report(work, outcome, output="text", verbose=False) == 130
    assert "none of 2 steps had been done" in capsys.readouterr().err


async def test_steps_that_were_done_are_named(
    support: Path, play: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """After a cancel the states of all steps are listed, long lists cut."""
    play(calls=["echo", "hang"])
    second = (
        "  - name: second\n    after: [triage]\n    inputs: {message: x}\n"
        "    dspy: {module: Predict, signatureRef: {name: triage}, poolRef: {name: small}}\n"
    )
    rest = "".join(
        f"  - {{name: rest{index}, template: {{source: x}}, after: [second]}}\n"
        for index in range(9)
    )
    support.write_text(support.read_text().replace("  outputs:", f"{second}{rest}  outputs:", 1))
    work = prepare(Request(files=[str(support)], assignments=["message=x"]))

    def when(event: object) -> bool:
        return isinstance(event, StepStarted) and event.step == "second"

    report(work, await execute(work, Interrupting(when)), output="text", verbose=False)
    told = capsys.readouterr().err
    assert "succeeded: triage; " in told
    assert "cancelled: second" in told
    assert "skipped: page, rest0, " in told
    assert ", …" in told


async def test_an_interrupt_before_the_first_step_is_told_by_the_engine(
    support: Path, play: Callable[..., None]
) -> None:
    """Workers that never get ready: every step is cancelled, nothing is left."""
    play(start="unready")
    work = prepare(Request(files=[str(support)], assignments=["message=x"]))
    progress = Interrupting(lambda event: isinstance(event, WorkerStarting))
    outcome = await execute(work, progress)
    assert outcome.record.state is State.CANCELLED
    assert {step["state"] for step in outcome.status["steps"]} <= {"Cancelled", "Skipped"}
    progress.assert_gone()


async def test_an_interrupt_after_the_end_only_hurries(
    support: Path, play: Callable[..., None]
) -> None:
    """The run has succeeded and stays so; a worker that ignores SIGTERM is killed at once."""
    play(ignore_term=True)
    work = prepare(Request(files=[str(support)], assignments=["message=x"]))
    progress = Interrupting(lambda event: isinstance(event, RunFinished), times=2)
    outcome = await execute(work, progress)
    assert outcome.record.state is State.SUCCEEDED
    assert outcome.record.outputs == {"topic": "x", "note": "no page"}
    progress.assert_gone()


async def test_a_timeout_of_the_manifest_is_the_runs(support_run: Path) -> None:
    """spec.timeout of the PipelineRun, overridden by the flag."""
    support_run.write_text(support_run.read_text() + "  timeout: 90s\n")
    files = [str(support_run)]
    assert prepare(Request(files=files)).timeout == 90
    overridden = prepare(Request(files=files, timeout="5s"))
    assert overridden.timeout == 5
    assert overridden.run.spec.timeout == "5s"


@pytest.mark.parametrize("steps", [1, 2, 4])
async def test_a_cancelled_task_is_a_cancelled_run(support: Path, steps: int) -> None:
    """Ctrl-C before our handlers stand cancels the task itself: no step runs, and it is said."""
    work = prepare(Request(files=[str(support)], assignments=["message=x"]))
    task = asyncio.create_task(execute(work, LineProgress()))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    outcome = await task
    assert outcome.interrupted
    assert outcome.record.reason == "Cancelled"
    assert {step["state"] for step in outcome.status["steps"]} == {"Skipped"}
