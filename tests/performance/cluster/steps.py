"""Steps on warm workers: ten in sequence, and what lies between a runner and its workers."""

import asyncio
from statistics import quantiles
from typing import Any

from performance.cluster.bare_job import bare_job
from performance.cluster.place import MODULE, POOL, place
from performance.cluster.timed_run import timed_run
from performance.measure import WALL, Comparison, summarise
from performance.row import Row
from stage.kubectl import Object, is_true
from stage.manifests import resource

ROUNDS = 5
TEN_GOAL = 3.0
TEN_MOST = 2.0
"""How many times a bare Job a run of ten steps may last: each step of its own pod would be ten."""

LONG = 100
P50_GOAL, P99_GOAL = 0.010, 0.050


def steps() -> list[Row]:
    """Time runs of ten and of a hundred steps in sequence, each a call that does nothing."""
    return asyncio.run(_steps())


async def _steps() -> list[Row]:
    async with place() as made:
        for name, length in (("ten", 10), ("hundred", LONG)):
            made.kubectl.apply(sequence(name, length))
            made.kubectl.until("pipeline.dspex.dev", name, is_true("Ready"))
        await timed_run(made, "ten", {})
        pairs = []
        for _ in range(ROUNDS):
            bare = await bare_job(made)
            ours = await timed_run(made, "ten", {})
            pairs.append((ours.succeeded, bare.complete))
        calls = [
            each for _ in range(ROUNDS) for each in (await timed_run(made, "hundred", {})).steps
        ]
        floor = (await bare_job(made)).first_line
    return [
        Row(
            name="ten steps, create to Succeeded",
            rival="bare Job, complete",
            measured=summarise(pairs, WALL),
            at_most=TEN_MOST,
            goal=TEN_GOAL,
        ),
        _dispatch("dispatch in the cluster, p50", calls, 50, floor, P50_GOAL),
        _dispatch("dispatch in the cluster, p99", calls, 99, floor, P99_GOAL),
    ]


def sequence(name: str, length: int) -> Object:
    """Return a Pipeline of steps in sequence, each of which calls the module that does nothing."""
    made: list[dict[str, Any]] = []
    for number in range(length):
        step: dict[str, Any] = {
            "name": f"s{number}",
            "dspy": {
                "module": MODULE,
                "signature": "question -> answer",
                "poolRef": {"name": POOL},
            },
            "inputs": {"question": "How many legs has a spider?"},
        }
        if number:
            step["after"] = [f"s{number - 1}"]
        made.append(step)
    return resource("Pipeline", name, steps=made)


def _dispatch(name: str, calls: list[float], percent: int, floor: float, goal: float) -> Row:
    cost = quantiles(calls, n=100)[percent - 1]
    measured = Comparison(cost=cost, rival_cost=floor, ratio=cost / floor, clock=WALL)
    return Row(name=name, rival="bare Job, first line", measured=measured, goal=goal)
