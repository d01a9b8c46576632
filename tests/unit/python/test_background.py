"""The loop of the process: sync and async callers, cancelling, its end."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from dspex.errors import ConfigurationError
from dspex.python.background import Background, _Job

pytestmark = pytest.mark.slow


class Scene:
    """Work to hand over, and what became of it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.cancelled = threading.Event()
        self.ended = 0
        self.killed = 0
        self.background = Background(self.at_exit, self.kill)

    async def at_exit(self) -> None:
        """Count the orderly ends."""
        self.ended += 1

    def kill(self) -> None:
        """Count the others."""
        self.killed += 1

    async def name(self) -> str:
        """Return the thread that does this."""
        return threading.current_thread().name

    async def fail(self) -> None:
        """Raise."""
        raise ValueError("no")

    async def for_ever(self) -> None:
        """Wait until it is cancelled, and take some time to end."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # what is ended in order takes its time
            self.cancelled.set()
            raise


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A loop of the test's own."""
    made = Scene()
    yield made
    made.background.close()


def test_work_happens_in_one_thread_of_its_own(scene: Scene) -> None:
    """The same one for every call."""
    assert {scene.background.run(scene.name) for _ in range(3)} == {"dspex"}
    with pytest.raises(ValueError, match="no"):
        scene.background.run(scene.fail)


async def test_both_kinds_of_calls_work_where_a_loop_runs(scene: Scene) -> None:
    """In a notebook's cell, say."""
    assert scene.background.run(scene.name) == await scene.background.wait(scene.name)
    with pytest.raises(ValueError, match="no"):
        await scene.background.wait(scene.fail)


async def test_cancelling_the_caller_cancels_the_work_and_waits(scene: Scene) -> None:
    """When the caller goes on, nothing of it is left running."""
    caller = asyncio.create_task(scene.background.wait(scene.for_ever))
    await asyncio.to_thread(scene.begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert scene.cancelled.is_set()


async def test_work_that_is_cancelled_from_inside_is_told(scene: Scene) -> None:
    """The caller hears of it as of any other end."""

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await scene.background.wait(cancelled)


def test_work_that_waits_for_its_own_loop_is_refused(scene: Scene) -> None:
    """It would wait for ever."""

    async def nested() -> str:
        return scene.background.run(scene.name)

    with pytest.raises(ConfigurationError, match="would wait for itself"):
        scene.background.run(nested)


def test_the_end_awaits_what_is_to_be_ended(scene: Scene) -> None:
    """And a call behind it begins anew."""
    scene.background.close()
    assert scene.ended == 0, "nothing had begun"
    scene.background.run(scene.name)
    scene.background.close()
    scene.background.close()
    assert scene.ended == 1
    assert scene.killed == 0
    assert scene.background.run(scene.name) == "dspex"


def test_an_end_that_fails_kills(scene: Scene) -> None:
    """No process is left because an orderly end was not to be had."""

    async def fail() -> None:
        raise OSError("no")

    background = Background(fail, scene.kill)
    background.run(scene.name)
    with pytest.raises(OSError, match="no"):
        background.close()
    assert scene.killed == 1


def test_who_interrupts_twice_waits_no_longer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first cancels, the second kills."""

    def interrupted(self: object, timeout: float | None = None) -> None:
        del self, timeout
        scene.begun.wait(10)
        raise KeyboardInterrupt

    def again(futures: object) -> None:
        del futures
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.result", interrupted)
    monkeypatch.setattr("concurrent.futures.wait", again)
    with pytest.raises(KeyboardInterrupt):
        scene.background.run(scene.for_ever)
    monkeypatch.undo()
    assert scene.killed == 1
    assert scene.cancelled.wait(10)


def test_an_interrupt_before_the_work_was_handed_over_ends_it_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never begins, and nobody waits for it."""

    def interrupted(job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dspex.python.background._Job.begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scene.background.run(scene.for_ever)
    monkeypatch.undo()
    assert not scene.begun.is_set()


def test_an_interrupt_while_the_work_is_handed_over_cancels_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's thread may have begun when the caller's is interrupted."""
    begin = _Job.begin

    def interrupted(job: "_Job[None]") -> None:
        begin(job)
        scene.begun.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr("dspex.python.background._Job.begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scene.background.run(scene.for_ever)
    monkeypatch.undo()
    assert scene.cancelled.is_set()
