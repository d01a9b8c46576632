"""That cost grows with the number of steps and items, and not faster."""

import asyncio
from collections.abc import Callable

from dspex.pipeline.compile import compile_pipeline
from dspex.pipeline.plan import Plan
from fakes.objects import sources
from performance.engine_run import engine_run, ready
from performance.measure import Comparison, Contender, compare
from performance.plans import long, over_items, wide, wide_pipeline
from performance.row import Row

FEW, MANY = 16, 256
FEW_ITEMS, MANY_ITEMS = 1_000, 100_000
MOST = 2.0
"""A unit may cost twice as much among many as among few."""


def linear() -> list[Row]:
    """Time a step among 16 and among 256, an item among 1,000 and among 100,000."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        return [
            _steps("compile a pipeline, per step", _compiling),
            _steps("make a plan ready, per step", _readying),
            _steps("run steps side by side, per step", lambda n: _running(wide(n), n, loop)),
            _steps("run a sequence, per step", lambda n: _running(long(n), n, loop)),
            _row("run a forEach, per item", _items(loop), FEW_ITEMS, "items"),
        ]


def _steps(name: str, contender: Callable[[int], Contender]) -> Row:
    measured = compare(contender(MANY), contender(FEW), rounds=5, collect=True)
    return _row(f"{name} of {MANY}", measured, FEW, "steps")


def _row(name: str, measured: Comparison, few: int, unit: str) -> Row:
    return Row(name=name, rival=f"among {few:,} {unit}", measured=measured, at_most=MOST)


def _compiling(size: int) -> Contender:
    given, found = wide_pipeline(size), sources()
    return Contender(
        name=f"compile {size}", run=lambda _: compile_pipeline(given, found), units=size
    )


def _readying(size: int) -> Contender:
    plan = wide(size)
    return Contender(name=f"ready {size}", run=lambda _: ready(plan), units=size)


def _running(plan: Plan, size: int, loop: asyncio.AbstractEventLoop) -> Contender:
    return engine_run(f"run {size}", plan, {"q": "x"}, size, loop)


def _items(loop: asyncio.AbstractEventLoop) -> Comparison:
    few, many = (
        engine_run(f"{size:,}", over_items(), {"q": list(range(size))}, size, loop)
        for size in (FEW_ITEMS, MANY_ITEMS)
    )
    # One round of 100,000 is long enough for noise to even out.
    return compare(many, few, rounds=1, collect=True)
