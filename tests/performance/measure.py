"""Measures a candidate beside its rival: in turns, in one process, the collector off.

Whatever else the machine does falls on both, so the ratio of two neighbours says more than either
figure. `CPU` counts this process' own work alone and fits whatever one process does;
`WALL` is for what several processes do together.
"""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

BATCH_SECONDS = 0.004
"""A batch takes at least this long: long beside the clock, short beside a scheduler's slice."""

MAX_BATCH = 1 << 20


@dataclass(frozen=True, slots=True)
class Clock:
    """What a second is: `read` gives those that have passed since some moment."""

    name: str
    read: Callable[[], float]


CPU = Clock("cpu", time.process_time)
WALL = Clock("wall", time.perf_counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Something to be timed.

    Attributes:
        name: For the table.
        run: Does it once, with what `prepare` made.
        prepare: Makes what a run uses up; not timed.
        units: How many steps, items or strings one run stands for; the cost is that of one.
    """

    name: str
    run: Callable[[Any], object]
    prepare: Callable[[], Any] = lambda: None
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two contenders cost.

    Attributes:
        cost: Seconds of the candidate's unit, the median of its rounds.
        rival_cost: The same of the rival's.
        ratio: The candidate's over the rival's, the median of the rounds' own ratios.
        clock: What was read.
    """

    cost: float
    rival_cost: float
    ratio: float
    clock: Clock


def compare(
    candidate: Contender,
    rival: Contender,
    *,
    clock: Clock = CPU,
    rounds: int = 25,
    collect: bool = False,
) -> Comparison:
    """Time two contenders in turns.

    Args:
        candidate: What is ours.
        rival: What it is measured against.
        clock: What to read.
        rounds: How often each has its turn; who is first changes from round to round.
        collect: Whether the garbage collector stays on: its work grows with what is alive, so it
            belongs to a cost that is to be linear.
    """
    costs: list[tuple[float, float]] = []
    with frozen():
        sizes = {each.name: _batch(each, clock) for each in (candidate, rival)}
        for number in range(rounds):
            pair = (candidate, rival) if number % 2 == 0 else (rival, candidate)
            found = {
                each.name: _time(each, sizes[each.name], clock, collect) / each.units
                for each in pair
            }
            costs.append((found[candidate.name], found[rival.name]))
    return summarise(costs, clock)


def summarise(costs: list[tuple[float, float]], clock: Clock) -> Comparison:
    """Take the medians over rounds, each of which is the candidate's and the rival's cost."""
    return Comparison(
        cost=median(cost for cost, _ in costs),
        rival_cost=median(rival for _, rival in costs),
        ratio=median(cost / rival for cost, rival in costs),
        clock=clock,
    )


def _batch(contender: Contender, clock: Clock) -> int:
    """Find how many runs last long enough to be timed; warms up by the way."""
    size = 1
    while size < MAX_BATCH and _time(contender, size, clock, False) * size < BATCH_SECONDS:
        size *= 2
    return size


def _time(contender: Contender, size: int, clock: Clock, collect: bool) -> float:
    """Return the seconds of one run, over a batch of runs."""
    run = contender.run
    prepared = [contender.prepare() for _ in range(size)]
    with quiet(collect):
        begin = clock.read()
        for each in prepared:
            run(each)
        return (clock.read() - begin) / size


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Leave what is alive now out of every later collection, which else would take most of all."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def quiet(collect: bool = False) -> Iterator[None]:
    """Begin with nothing to collect, and keep the garbage collector off unless it is asked for."""
    gc.collect()
    if not collect:
        gc.disable()
    try:
        yield
    finally:
        gc.enable()
