"""Random plans against the model: graph, durations, failures, retries, skips, outside ends."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.bridge.protocol import Call
from dspex.errors import PythonError, Reason
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import Event, RunFinished, StepFinished, StepStarted
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import RunRecord, State, StepRecord
from fakes.dispatcher import ScriptedDispatcher
from fakes.objects import plan
from fakes.semantics_model import End, ModelStep, simulate
from fakes.virtual_time import run_virtually, virtual_clock

pytestmark = pytest.mark.slow

ENDS: tuple[End, ...] = ("Stopped", "Cancelled", "RunTimeout")


@st.composite
def step_lists(draw: st.DrawFn) -> list[ModelStep]:
    """Draw up to seven steps whose ends never coincide: each duration has a weight of its own."""
    steps: list[ModelStep] = []
    for index in range(draw(st.integers(1, 7))):
        earlier = [step.name for step in steps]
        roles = {
            name: draw(st.sampled_from(["", "", "read", "handled", "after"])) for name in earlier
        }
        step = ModelStep(
            name=f"s{index}",
            reads=tuple(name for name, role in roles.items() if role == "read"),
            handled=tuple(name for name, role in roles.items() if role == "handled"),
            after=tuple(name for name, role in roles.items() if role == "after"),
            condition=draw(st.integers(0, 5)) > 0,
            duration=draw(st.integers(1, 5)) + 4.0 ** -(index + 1),
            failures=draw(st.sampled_from([0, 0, 0, 1, 2, 9])),
            attempts=draw(st.integers(1, 3)),
            on_error=draw(st.sampled_from(["Fail", "Fail", "Continue", "Default"])),
        )
        steps.append(step)
    return steps


def as_plan(steps: list[ModelStep]) -> Plan:
    """Write the steps as a manifest and compile it."""
    return plan("steps:\n" + "\n".join(_as_yaml(step) for step in reversed(steps)))


def _as_yaml(step: ModelStep) -> str:
    parts = [f"steps.{name}.outputs.out" for name in step.reads]
    parts += [f"coalesce(steps.{name}.outputs.out, '')" for name in step.handled]
    lines = [
        f"- name: {step.name}",
        f"  after: [{', '.join(step.after)}]",
        f"  if: $({'true' if step.condition else 'false'})",
        "  dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}",
        f'  inputs: {{x: "$({" + ".join(parts) or repr("")})"}}',
        f"  retry: {{attempts: {step.attempts}, jitter: None, maxDelay: 4s, reasons: [ModuleFailed]}}",
        f"  onError: {step.on_error}",
    ]
    if step.on_error == "Default":
        lines.append("  default: {outputs: {out: d}}")
    return "\n".join(lines)


async def run_engine(
    steps: list[ModelStep], compiled: Plan, end: tuple[float, End] | None
) -> tuple[RunRecord, list[Event], ScriptedDispatcher, float]:
    """Run the plan with the steps' durations and failures, and end it at the moment."""
    by_name = {step.name: step for step in steps}
    tried: dict[str, int] = {}

    async def script(call: Call) -> Mapping[str, Any]:
        name = call.key.split("/")[1]
        tried[name] = tried.get(name, 0) + 1
        number = tried[name]
        await asyncio.sleep(by_name[name].duration)
        if number <= by_name[name].failures:
            raise PythonError(Reason.MODULE_FAILED, "scripted")
        return {"out": name}

    dispatcher = ScriptedDispatcher({"fast": script})
    events: list[Event] = []
    timeout = end[0] if end is not None and end[1] == "RunTimeout" else None
    engine = Engine(
        compiled,
        dispatcher,
        RunIdentity("run"),
        on_event=events.append,
        timeout=timeout,
        clock=virtual_clock,
    )
    loop = asyncio.get_running_loop()
    if end is not None and end[1] != "RunTimeout":
        loop.call_later(end[0], engine.stop if end[1] == "Stopped" else engine.cancel)
    record = await engine.run({})
    return record, events, dispatcher, loop.time()


@settings(max_examples=300, deadline=None)
@given(
    steps=step_lists(),
    moment=st.one_of(st.none(), st.integers(0, 25)),
    kind=st.sampled_from(ENDS),
)
def test_the_engine_agrees_with_the_model(
    steps: list[ModelStep], moment: int | None, kind: End
) -> None:
    """States, reasons, attempts, the run's end and its moment are the model's; nothing is left."""
    end = None if moment is None else (moment + 0.5 + 4.0**-9, kind)
    expected = simulate(steps, end)
    record, events, dispatcher, now = run_virtually(run_engine(steps, as_plan(steps), end))
    finished = {e.record.name: e.record for e in events if isinstance(e, StepFinished)}
    assert {name: (str(r.state), r.reason) for name, r in finished.items()} == expected.states
    assert {name: r.attempts for name, r in finished.items()} == expected.attempts
    assert record.reason == expected.reason
    assert abs(now - expected.ended) < 1e-4
    assert dispatcher.active == 0
    check_stream(events, finished)


def check_stream(events: list[Event], finished: Mapping[str, StepRecord]) -> None:
    """Every step ends once, after it started; the run's end is last; errors are all there."""
    ended = [e.record.name for e in events if isinstance(e, StepFinished)]
    assert len(ended) == len(set(ended))
    last = events[-1]
    assert isinstance(last, RunFinished)
    started = {e.step for e in events if isinstance(e, StepStarted)}
    assert started == {name for name, record in finished.items() if record.start_time is not None}
    with_errors = {name for name, record in finished.items() if record.error is not None}
    assert {name for name, _ in last.record.errors} == with_errors
    assert all(
        record.error is not None for record in finished.values() if record.state is State.FAILED
    )
