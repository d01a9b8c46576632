"""What a run costs the operator, and how often the API server is written to for it."""

import asyncio

from performance.cluster.place import place
from performance.cluster.timed_run import timed_run
from performance.measure import CPU, Comparison
from performance.row import Row
from stage.manifests import greeting

RUNS = 20
CPU_GOAL = 0.020
WRITES_GOAL = 12


def cost() -> list[Row]:
    """Run a native pipeline some times and read the counters before and after."""
    return asyncio.run(_cost())


async def _cost() -> list[Row]:
    async with place() as made:
        made.kubectl.apply(greeting())
        await timed_run(made, "greeting", {"name": "world"})

        def counters() -> tuple[float, float, float]:
            writes = made.leader_metric("dspex_writes_total")
            cpu = made.leader_metric("process_cpu_seconds_total")
            status = made.server_metric(
                "apiserver_request_total",
                resource="pipelineruns",
                subresource="status",
                verb="PATCH",
                code="200",
            ) + made.server_metric(
                "apiserver_request_total",
                resource="pipelineruns",
                subresource="status",
                verb="APPLY",
                code="200",
            )
            return cpu, writes, status

        before = counters()
        for _ in range(RUNS):
            await timed_run(made, "greeting", {"name": "world"})
        after = counters()
    cpu, writes, status = ((late - early) / RUNS for early, late in zip(before, after, strict=True))
    return [
        Row(
            name="operator's CPU a run",
            rival="the goal",
            measured=Comparison(cost=cpu, rival_cost=CPU_GOAL, ratio=cpu / CPU_GOAL, clock=CPU),
            goal=CPU_GOAL,
        ),
        _count("writes of the operator a run", writes),
        _count("requests for a run's status", status),
    ]


def _count(name: str, number: float) -> Row:
    measured = Comparison(
        cost=number, rival_cost=WRITES_GOAL, ratio=number / WRITES_GOAL, clock=CPU
    )
    return Row(name=name, rival="at most", measured=measured, at_most=1.0, counts=True)
