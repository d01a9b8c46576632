"""A run of the engine as a contender, and the least that anything like it must do."""

import asyncio
from collections.abc import Mapping
from typing import Any

import minijinja

from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.plan import Plan
from fakes.dispatcher import ScriptedDispatcher
from performance.measure import Contender


def engine_run(
    name: str, plan: Plan, inputs: Mapping[str, Any], units: int, loop: asyncio.AbstractEventLoop
) -> Contender:
    """Run a plan whose engine is ready; a unit is a step, or an item of a forEach."""

    def run(engine: Engine) -> None:
        record = loop.run_until_complete(engine.run(inputs))
        assert record.reason == "Succeeded", record

    return Contender(name=name, run=run, prepare=lambda: ready(plan), units=units)


def ready(plan: Plan) -> Engine:
    """Make an engine: expressions, templates and validators of the plan are compiled here."""
    return Engine(plan, ScriptedDispatcher({}), RunIdentity("bench"))


def bare_tasks(source: str, units: int, loop: asyncio.AbstractEventLoop) -> Contender:
    """Render the template once in each of some asyncio tasks: no types, no states, no events."""
    environment = minijinja.Environment(templates={"t": source})

    async def render(value: str) -> str:
        return environment.render_template("t", v=value)

    async def run() -> None:
        tasks = [loop.create_task(render("x")) for _ in range(units)]
        await asyncio.gather(*tasks)

    return Contender(
        name="minijinja in a task",
        run=lambda _: loop.run_until_complete(run()),
        units=units,
    )
