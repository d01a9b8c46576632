"""A run that goes on where a former process of it ended."""

import asyncio
import datetime
from collections.abc import Mapping
from typing import Any

from dspex.bridge.protocol import Call
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import Event, ItemFinished, StepFinished
from dspex.pipeline.record import ItemRecord, RunRecord, State, StepRecord
from fakes.dispatcher import ScriptedDispatcher
from fakes.objects import plan
from fakes.virtual_time import run_virtually, virtual_clock

TEXT = """
    inputs: [{name: words, type: "list[str]"}]
    steps:
    - name: first
      inputs: {x: start}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    - name: each
      forEach: {items: $(inputs.words), concurrency: 1}
      inputs: {x: "$(steps.first.outputs.out) $(item)"}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    outputs: [{name: all, type: "list[str]", value: $(steps.each.outputs.out)}]
    """


class Kept:
    """What was kept of the events of a run."""

    def __init__(self) -> None:
        self.steps: dict[str, StepRecord] = {}
        self.items: dict[tuple[str, int], ItemRecord] = {}

    def __call__(self, event: Event) -> None:
        """Keep what is done for good."""
        if isinstance(event, StepFinished) and event.record.state is State.SUCCEEDED:
            self.steps[event.record.name] = event.record
        if isinstance(event, ItemFinished) and event.kept is not None:
            self.items[event.step, event.item] = event.kept

    def step(self, name: str) -> StepRecord | None:
        """Return a finished step."""
        return self.steps.get(name)

    def item(self, name: str, index: int) -> ItemRecord | None:
        """Return a finished item."""
        return self.items.get((name, index))


def test_nothing_that_was_finished_is_paid_for_twice() -> None:
    """After a cut at every second each call is made once over both processes together."""
    for cut in range(6):
        calls: list[str] = []

        async def script(call: Call, calls: list[str] = calls) -> Mapping[str, Any]:
            await asyncio.sleep(1)
            calls.append(call.inputs["x"])
            return {"out": call.inputs["x"].upper()}

        async def whole(cut: int = cut, script: Any = script) -> RunRecord:
            kept = Kept()
            inputs = {"words": ["a", "b", "c"]}
            dispatcher = ScriptedDispatcher({"fast": script})
            former = Engine(
                plan(TEXT), dispatcher, RunIdentity("r"), on_event=kept, clock=virtual_clock
            )
            asyncio.get_running_loop().call_later(cut + 0.5, former.cancel)
            await former.run(inputs)
            again = Engine(
                plan(TEXT), dispatcher, RunIdentity("r"), clock=virtual_clock, resume=kept
            )
            return await again.run(inputs)

        record = run_virtually(whole())
        assert record.outputs == {"all": ["START A", "START B", "START C"]}
        assert calls == ["start", "START a", "START b", "START c"]
        assert record.usage.calls == 4


def test_a_run_that_goes_on_has_the_rest_of_its_time() -> None:
    """The time that a former process took counts; run.startTime stays what it was."""
    text = """
        timeouts: {total: 10s}
        steps:
        - name: slow
          dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
          inputs: {x: "$(string(run.startTime))"}
        outputs: [{name: out, value: $(steps.slow.outputs.out)}]
        """

    async def ended(elapsed: float) -> tuple[RunRecord, str]:
        async def script(call: Call) -> Mapping[str, Any]:
            await asyncio.sleep(4)
            return {"out": call.inputs["x"]}

        started = virtual_clock() - datetime.timedelta(seconds=elapsed)
        dispatcher = ScriptedDispatcher({"fast": script})
        identity = RunIdentity("r")
        engine = Engine(plan(text), dispatcher, identity, clock=virtual_clock, started=started)
        return await engine.run({}), started.strftime("%Y-%m-%dT%H:%M:%SZ")

    record, start = run_virtually(ended(5))
    assert record.outputs == {"out": start}
    assert run_virtually(ended(7))[0].reason == "RunTimeout"
    assert run_virtually(ended(70))[0].reason == "RunTimeout"
