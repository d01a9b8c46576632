"""The bounded queue by itself."""

import asyncio

import pytest

from dspex_worker.gate import Gate, QueueFullError


async def hold(gate: Gate, inside: asyncio.Event, leave: asyncio.Event) -> float:
    """Take a place and keep it until told."""
    async with gate.place() as waited:
        inside.set()
        await leave.wait()
        return waited


async def test_calls_wait_in_their_order() -> None:
    """First come, first served."""
    gate, order, leave = Gate(1, 10, 5), list[int](), asyncio.Event()

    async def run(number: int) -> None:
        async with gate.place():
            order.append(number)
            await leave.wait()

    tasks = [asyncio.create_task(run(number)) for number in range(4)]
    await asyncio.sleep(0)
    assert (gate.active, gate.queued) == (1, 3)
    leave.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]
    assert (gate.active, gate.queued) == (0, 0)


async def test_a_place_that_does_not_come_free_in_time_is_refused() -> None:
    """Waiting is bounded, and the refusal says when to come again."""
    gate, inside, leave = Gate(1, 1, 0.05), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(hold(gate, inside, leave))
    await inside.wait()
    with pytest.raises(QueueFullError, match=r"0\.05 s") as caught:
        async with gate.place():
            raise AssertionError
    assert caught.value.retry_after > 0
    leave.set()
    assert await running == 0
    assert (gate.active, gate.queued) == (0, 0)


async def test_one_that_gives_up_while_it_waits_leaves_no_trace() -> None:
    """A cancelled waiter is not served, and those behind it move up."""
    gate, leave = Gate(1, 3, 5), asyncio.Event()
    marks = [asyncio.Event() for _ in range(3)]
    first, second, third = (asyncio.create_task(hold(gate, mark, leave)) for mark in marks)
    await marks[0].wait()
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    leave.set()
    await asyncio.gather(first, third)
    assert not marks[1].is_set()
    assert marks[2].is_set()
    assert (gate.active, gate.queued) == (0, 0)


async def test_a_place_that_comes_as_its_waiter_gives_up_goes_to_the_next() -> None:
    """No place is lost in the moment between the two."""
    gate, leave = Gate(1, 3, 5), asyncio.Event()
    marks = [asyncio.Event() for _ in range(3)]
    first, second, third = (asyncio.create_task(hold(gate, mark, leave)) for mark in marks)
    await marks[0].wait()
    await asyncio.sleep(0)
    # The turn is handed over and, before the waiter runs, it is cancelled.
    gate._leave()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    leave.set()
    await asyncio.wait_for(third, 5)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert marks[2].is_set()


async def test_retry_after_follows_the_observed_service_time() -> None:
    """Quick calls make the estimate small; a longer queue makes it larger."""
    gate = Gate(2, 8, 5)
    before = gate.retry_after()
    for _ in range(30):
        async with gate.place():
            pass
    assert gate.retry_after() < before / 10


async def test_no_queue_means_no_waiting() -> None:
    """A size of 0 turns every call away that can't run at once."""
    gate, inside, leave = Gate(1, 0, 5), asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(hold(gate, inside, leave))
    await inside.wait()
    with pytest.raises(QueueFullError):
        async with gate.place():
            raise AssertionError
    leave.set()
    await running
