"""What the engine adds to a step that does little: a template of one line."""

import asyncio

from performance.engine_run import bare_tasks, engine_run
from performance.measure import compare
from performance.plans import SOURCE, wide
from performance.row import Row

GOAL = 1e-3
MOST = {1: 15, 100: 30}
"""How many times the floor a step may cost, by width; alone it bears the whole run's cost."""


def native_step() -> list[Row]:
    """Time a step at widths 1 and 100: from the run's start to its record, events included."""
    with asyncio.Runner() as runner:
        return [_row(width, runner.get_loop()) for width in MOST]


def _row(width: int, loop: asyncio.AbstractEventLoop) -> Row:
    step = engine_run("step", wide(width), {"q": "x"}, width, loop)
    floor = bare_tasks(SOURCE, width, loop)
    return Row(
        name=f"native step, width {width}",
        rival=floor.name,
        measured=compare(step, floor, rounds=15),
        at_most=MOST[width],
        goal=GOAL,
    )
