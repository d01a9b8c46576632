"""From create to the first step, and to the end, beside bare Jobs in the same run."""

import asyncio
from statistics import quantiles

from performance.cluster.bare_job import BareJob, bare_job
from performance.cluster.place import Place, place
from performance.cluster.timed_run import TimedRun, timed_run
from performance.measure import WALL, Comparison, summarise
from performance.row import Row
from stage.manifests import greeting

ROUNDS = 30
FIRST_STEP = 3.0
"""How many times a bare Job's first line the first step may take."""

SUCCEEDED = 1.0
"""A run is settled no later than a bare Job is complete."""

RUNNER_GOAL = 0.5


def start() -> list[Row]:
    """Time runs of three native steps and bare Jobs in turns, p50 of 30 each."""
    return asyncio.run(_start())


async def _start() -> list[Row]:
    async with place() as made:
        made.kubectl.apply(greeting())
        # The first of each finds nothing warm.
        await _round(made)
        rounds = [await _round(made) for _ in range(ROUNDS)]
    return rows(rounds)


async def _round(made: Place) -> tuple[TimedRun, BareJob]:
    bare = await bare_job(made)
    ours = await timed_run(made, "greeting", {"name": "world"})
    return ours, bare


def rows(rounds: list[tuple[TimedRun, BareJob]]) -> list[Row]:
    """Return the table's rows for some rounds."""
    first = summarise([(ours.first_step, bare.first_line) for ours, bare in rounds], WALL)
    whole = summarise([(ours.succeeded, bare.complete) for ours, bare in rounds], WALL)
    runner = summarise([(ours.runner, bare.first_line) for ours, bare in rounds], WALL)
    slow = tail([ours.first_step for ours, _ in rounds], [bare.first_line for _, bare in rounds])
    return [
        Row(
            name="create to first step, p50",
            rival="bare Job, first line",
            measured=first,
            at_most=FIRST_STEP,
        ),
        Row(name="create to first step, p90", rival="bare Job, first line", measured=slow),
        Row(
            name="create to Succeeded, p50",
            rival="bare Job, complete",
            measured=whole,
            at_most=SUCCEEDED,
        ),
        Row(
            name="runner: process to first step",
            rival="bare Job, first line",
            measured=runner,
            goal=RUNNER_GOAL,
        ),
    ]


def tail(ours: list[float], rivals: list[float]) -> Comparison:
    """Compare the ninth deciles."""
    cost, rival = quantiles(ours, n=10)[-1], quantiles(rivals, n=10)[-1]
    return Comparison(cost=cost, rival_cost=rival, ratio=cost / rival, clock=WALL)
