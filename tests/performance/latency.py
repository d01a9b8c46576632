"""Measures how long one who waits for an answer waits: medians of single calls, in turns."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from performance.measure import WALL, Clock, Comparison, frozen, quiet, summarise

ROUNDS = 15
CALLS = 20
"""Calls of each caller in a round, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Something that is awaited.

    Attributes:
        call: Does it once, with what `prepare` made.
        prepare: Makes what a call uses up; not timed.
    """

    call: Callable[[Any], Awaitable[object]]
    prepare: Callable[[], Any] = lambda: None


async def compare_latency(
    candidates: Sequence[Caller], floor: Caller, *, clock: Clock = WALL
) -> list[Comparison]:
    """Return what a call of each candidate takes beside one of the floor.

    A cost is the median over a round's calls (the p50), then over the rounds.
    """
    everyone = [floor, *candidates]
    rounds: list[dict[Caller, float]] = []
    with frozen():
        for caller in everyone:
            await _median(caller, clock)
        for number in range(ROUNDS):
            order = everyone if number % 2 == 0 else everyone[::-1]
            rounds.append({caller: await _median(caller, clock) for caller in order})
    return [
        summarise([(found[caller], found[floor]) for found in rounds], clock)
        for caller in candidates
    ]


async def _median(caller: Caller, clock: Clock) -> float:
    prepared = [caller.prepare() for _ in range(CALLS)]
    seconds = []
    with quiet():
        for each in prepared:
            begin = clock.read()
            await caller.call(each)
            seconds.append(clock.read() - begin)
    return median(seconds)
