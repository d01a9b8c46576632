"""Threads of a kind: bounded, stuck ones counted, and an end to the worker once half are stuck."""

import asyncio
import functools
import signal
import threading
from collections.abc import Iterator

import pytest

from dspex_worker.lifecycle import Lifecycle, Phase
from dspex_worker.threads import Threads, ThreadsStuckError

release = threading.Event()


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    """Let threads that hang end with their test."""
    release.clear()
    yield
    release.set()


async def give_up(threads: Threads, calls: int) -> None:
    """Have calls begin that hang, and give them up."""
    began = [threading.Event() for _ in range(calls)]

    def hang(event: threading.Event) -> None:
        event.set()
        release.wait()

    tasks = [asyncio.create_task(threads.run(functools.partial(hang, event))) for event in began]
    for event in began:
        await asyncio.to_thread(event.wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_half_of_them_stuck_for_a_while_is_told() -> None:
    """Once they had their time to come back, and not before."""
    told = asyncio.Event()
    threads = Threads("module", 4, told.set, patience=0.05)
    await give_up(threads, 1)
    await asyncio.sleep(0.1)
    assert not told.is_set()
    await give_up(threads, 1)
    assert (threads.stuck, told.is_set()) == (2, False)
    async with asyncio.timeout(5):
        await told.wait()


async def test_threads_that_come_back_in_time_are_forgiven() -> None:
    """A call that was given up while its model was asked ends at once: nothing is wrong."""
    told = asyncio.Event()
    threads = Threads("module", 2, told.set, patience=0.1)
    await give_up(threads, 2)
    release.set()
    await asyncio.sleep(0.2)
    assert (threads.stuck, told.is_set()) == (0, False)
    assert await threads.run(lambda: "well") == "well"


async def test_with_all_of_them_stuck_a_call_fails_at_once() -> None:
    """It would wait for a thread that does not come."""
    threads = Threads("module", 1, lambda: None)
    await give_up(threads, 1)
    with pytest.raises(ThreadsStuckError, match="All 1 threads for modules are stuck"):
        await threads.run(lambda: None)


async def test_a_call_that_had_no_thread_yet_leaves_none_behind() -> None:
    """It waited for its turn, and is taken out of the row."""
    threads = Threads("module", 1, lambda: None)
    first = asyncio.create_task(threads.run(release.wait))
    second = asyncio.create_task(threads.run(release.wait))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert threads.stuck == 0
    release.set()
    assert await first


async def test_a_worker_is_recycled_once(caplog: pytest.LogCaptureFixture) -> None:
    """It drains as after SIGTERM; asked again, it does not end its calls."""
    lifecycle = Lifecycle()
    lifecycle.loaded()
    lifecycle.recycle("stuck")
    lifecycle.recycle("stuck")
    assert (lifecycle.phase, lifecycle.stopped.is_set()) == (Phase.DRAINING, True)
    assert not lifecycle.over.is_set()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert signal.SIGTERM  # the same drain as by the signal: see test_worker_process.py
