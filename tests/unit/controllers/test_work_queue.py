"""The work queue, in virtual time: once each, one worker an object, later again after an error."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from dspex.controllers.key import Key
from dspex.controllers.queue import FIRST_DELAY, MAX_DELAY, WorkQueue
from dspex.kube.kind import PIPELINE, SIGNATURE
from fakes.virtual_time import run_virtually

A = Key(SIGNATURE, "shop", "a")
B = Key(SIGNATURE, "shop", "b")
C = Key(PIPELINE, "shop", "c")


def now() -> float:
    """Return the running loop's time."""
    return asyncio.get_running_loop().time()


def is_empty(queue: WorkQueue) -> Coroutine[Any, Any, bool]:
    """Say whether a queue has nothing for anybody within a thousand seconds."""

    async def ask() -> bool:
        try:
            async with asyncio.timeout(1000):
                await queue.get()
        except TimeoutError:
            return True
        return False

    return ask()


def test_a_key_says_in_logs_what_it_is() -> None:
    """Kind, namespace and name."""
    assert str(A) == "Signature shop/a"


def test_keys_come_in_the_order_in_which_they_are_due() -> None:
    """Those of the same time in the order in which they were added."""

    async def work() -> list[Key | None]:
        queue = WorkQueue()
        queue.add(C, 5.0)
        queue.add(B)
        queue.add(A)
        return [await queue.get() for _ in range(3)]

    assert run_virtually(work()) == [B, A, C]


def test_a_key_is_there_once() -> None:
    """However often it is added while it waits."""

    async def work() -> None:
        queue = WorkQueue()
        for _ in range(3):
            queue.add(A)
        assert await queue.get() == A
        queue.done(A)
        assert await is_empty(queue)

    run_virtually(work())


@pytest.mark.parametrize("delays", [(2.0, 7.0), (7.0, 2.0)])
def test_a_key_is_due_at_the_earlier_of_two_times(delays: tuple[float, float]) -> None:
    """And at that one alone."""

    async def work() -> None:
        queue = WorkQueue()
        for delay in delays:
            queue.add(A, delay)
        assert await queue.get() == A
        assert now() == pytest.approx(2.0)
        queue.done(A)
        assert await is_empty(queue)

    run_virtually(work())


def test_whoever_waits_for_a_late_key_is_told_of_an_earlier_one() -> None:
    """Whether it is another key or the same."""

    async def work() -> None:
        queue = WorkQueue()
        queue.add(A, 100.0)
        first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
        await asyncio.sleep(1.0)
        queue.add(B)
        queue.add(A, 1.0)
        assert list(await asyncio.gather(first, second)) == [B, A]
        assert now() == pytest.approx(2.0)

    run_virtually(work())


def test_nobody_gets_a_key_that_is_worked_on() -> None:
    """One that is added meanwhile comes again after that, once, and at the earlier time."""

    async def work() -> None:
        queue = WorkQueue()
        queue.add(A)
        assert await queue.get() == A
        for delay in (9.0, 0.0, 5.0):
            queue.add(A, delay)
        assert await is_empty(queue)
        queue.done(A)
        assert await queue.get() == A
        queue.done(A)
        assert await is_empty(queue)

    run_virtually(work())


def test_one_that_is_to_come_later_keeps_its_time() -> None:
    """Being worked on does not put it off."""

    async def work() -> None:
        queue = WorkQueue()
        queue.add(A)
        await queue.get()
        queue.add(A, 5.0)
        await asyncio.sleep(2.0)
        queue.done(A)
        assert await queue.get() == A
        assert now() == pytest.approx(5.0)

    run_virtually(work())


@pytest.mark.parametrize(("draw", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_errors_put_a_key_off_ever_longer(draw: float, share: float) -> None:
    """The delays double up to a bound, between half of each and the whole, as is drawn."""

    async def work() -> list[float]:
        queue = WorkQueue(draw=lambda: draw)
        queue.add(A)
        delays = []
        for _ in range(14):
            before = now()
            assert await queue.get() == A
            delays.append(now() - before)
            queue.failed(A)
        return delays[1:]

    bounds = [min(MAX_DELAY, FIRST_DELAY * 2**errors) for errors in range(13)]
    assert bounds[-1] == MAX_DELAY
    assert run_virtually(work()) == pytest.approx([share * bound for bound in bounds])


def test_the_delay_of_an_error_is_told() -> None:
    """It is what the key then waits."""

    async def work() -> None:
        queue = WorkQueue(draw=lambda: 1.0)
        queue.add(A)
        await queue.get()
        assert queue.failed(A) == FIRST_DELAY

    run_virtually(work())


def test_success_ends_the_count_of_errors() -> None:
    """The next error is a first one; other keys have their own count."""

    async def work() -> list[float]:
        queue = WorkQueue(draw=lambda: 1.0)
        delays = []
        for key, end in ((A, "failed"), (A, "failed"), (B, "failed"), (A, "done"), (A, "failed")):
            queue.add(key)
            assert await queue.get() == key
            if end == "failed":
                delays.append(queue.failed(key))
            else:
                queue.done(key)
        return delays

    assert run_virtually(work()) == pytest.approx([0.1, 0.2, 0.1, 0.1])


def test_a_change_during_the_work_does_not_shorten_the_delay() -> None:
    """It may be the error's own; one that comes after it does."""

    async def work() -> None:
        queue = WorkQueue(draw=lambda: 1.0)
        queue.add(A)
        await queue.get()
        queue.add(A)
        queue.failed(A)
        assert await queue.get() == A
        assert now() == pytest.approx(FIRST_DELAY)
        queue.failed(A)
        queue.add(A)
        assert await queue.get() == A
        assert now() == pytest.approx(FIRST_DELAY)

    run_virtually(work())


def test_a_closed_queue_gives_nothing() -> None:
    """Whoever waits gets None, and whoever asks later, whatever is due."""

    async def work() -> None:
        queue = WorkQueue()
        waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(1.0)
        queue.close()
        assert await asyncio.gather(*waiting) == [None] * 3
        queue.add(A)
        assert await queue.get() is None

    run_virtually(work())


def test_the_depth_counts_by_kind_what_is_due_or_worked_on() -> None:
    """What is for later is no backlog; once it is due it is."""

    async def work() -> None:
        queue = WorkQueue()
        queue.add(A)
        queue.add(B)
        queue.add(C, 10.0)
        assert queue.depth() == {"Signature": 2}
        await queue.get()
        assert queue.depth() == {"Signature": 2}
        queue.done(A)
        assert queue.depth() == {"Signature": 1}
        await asyncio.sleep(10.0)
        assert queue.depth() == {"Signature": 1, "Pipeline": 1}

    run_virtually(work())
