"""The status that a run's events fold into."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from dspex.api.pipelinerun import PipelineRun
from dspex.api.pipelinerundata import PipelineRunData
from dspex.bridge.protocol import Call
from dspex.errors import PythonError, Reason
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import Event, RunFinished
from dspex.pipeline.progress import fault_status
from dspex.pipeline.record import Fault, RunRecord, State
from dspex.pipeline.status import StatusWriter
from fakes.dispatcher import ScriptedDispatcher
from fakes.objects import plan
from fakes.virtual_time import START, run_virtually, virtual_clock

TEXT = """
    inputs: [{name: words, type: "list[str]"}]
    steps:
    - name: ask
      forEach: {items: $(inputs.words), concurrency: 1}
      onError: Continue
      retry: {attempts: 2, jitter: None}
      inputs: {x: $(item)}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    - {name: late, after: [ask], if: $(false), template: {source: never}}
    outputs: [{name: all, type: "list[str]", value: "$(coalesce(steps.ask.outputs.out, []))"}]
    """


async def _script(call: Call) -> Mapping[str, Any]:
    await asyncio.sleep(1)
    if call.inputs["x"] == "bad":
        raise PythonError(
            Reason.MODEL_UNAVAILABLE,
            "down " * 2000,
            error_class="aiohttp.ClientError",
            traceback="line 1",
            worker="fast-0",
        )
    return {"out": call.inputs["x"]}


def history(words: list[str]) -> list[dict[str, Any]]:
    """Run, and return the status after each event."""
    statuses: list[dict[str, Any]] = []
    writer = StatusWriter("r", generation=3)

    def listen(event: Event) -> None:
        writer(event)
        statuses.append(writer.status)

    async def whole() -> None:
        engine = Engine(
            plan(TEXT),
            ScriptedDispatcher({"fast": _script}),
            RunIdentity("r"),
            on_event=listen,
            clock=virtual_clock,
        )
        await engine.run({"words": words})

    run_virtually(whole())
    return statuses


def condition(status: dict[str, Any], type_: str) -> dict[str, Any]:
    """Find a condition."""
    found: dict[str, Any] = next(each for each in status["conditions"] if each["type"] == type_)
    return found


def test_every_status_is_one_that_the_kind_allows() -> None:
    """At each event the status fits the PipelineRun's schema."""
    for status in history(["a", "bad"]):
        PipelineRun.model_validate(
            {"metadata": {"name": "r"}, "spec": {"pipelineRef": {"name": "p"}}, "status": status}
        )


def test_progress_is_seen_while_it_runs() -> None:
    """Counts, attempts and the last error of a running step are there before it ends."""
    statuses = history(["a", "bad"])
    ask = [status["steps"][0] for status in statuses]
    assert {"total": 2, "succeeded": 1, "failed": 0, "skipped": 0} in [
        step.get("items") for step in ask if step["state"] == "Running"
    ]
    assert any(
        step["state"] == "Running" and step.get("message", "").startswith("ModelUnavailable: down")
        for step in ask
    )


def test_the_end_has_outputs_usage_errors_and_conditions() -> None:
    """The final status tells all that came of the run; long messages are cut."""
    statuses = history(["a", "bad"])
    last = statuses[-1]
    assert last["outputs"] == {"all": ["a"]}
    assert last["usage"]["calls"] == 1
    step = last["steps"][0]
    assert step["attempts"] == 3
    assert step["items"] == {"total": 2, "succeeded": 1, "failed": 1, "skipped": 0}
    assert step["error"]["reason"] == "ModelUnavailable"
    assert len(step["error"]["message"]) <= 4096
    assert last["steps"][1]["reason"] == "ConditionFalse"
    assert last["startTime"] == "2026-01-01T00:00:00.000000Z"
    assert condition(last, "Succeeded")["status"] == "True"
    assert condition(last, "Ready")["observedGeneration"] == 3
    assert condition(statuses[0], "Reconciling")["status"] == "True"
    assert condition(last, "Reconciling")["status"] == "False"


def test_a_condition_that_does_not_change_keeps_its_time() -> None:
    """Stalled=False is as old as the run's start, Ready changed at its end."""
    last = history(["a"])[-1]
    assert condition(last, "Stalled")["lastTransitionTime"] == last["startTime"]
    assert condition(last, "Ready")["lastTransitionTime"] == last["completionTime"]


def test_before_the_first_event_nobody_has_looked_at_it() -> None:
    """Ready is Unknown with the reason Pending."""
    status = StatusWriter("r").status
    assert condition(status, "Ready")["status"] == "Unknown"
    assert condition(status, "Succeeded")["reason"] == "Pending"


@pytest.mark.parametrize("field", ["startTime", "completionTime", "steps", "outputs", "usage"])
def test_what_is_not_known_is_left_out(field: str) -> None:
    """No nulls and no empty texts."""
    assert field not in StatusWriter("r").status


def test_outputs_too_large_for_a_status_stand_in_an_object_of_their_own() -> None:
    """The status names it; the object fits its kind; nothing is cut."""
    long_name = "r" * 63
    writer = StatusWriter(long_name)
    outputs = {"text": "x" * 100_000}
    record = RunRecord(state=State.SUCCEEDED, reason="Succeeded", message="", outputs=outputs)
    writer(RunFinished(time=START, record=record))
    assert "outputs" not in writer.status
    data = PipelineRunData.model_validate(writer.data)
    assert writer.status["outputsRef"] == {"name": data.name}
    assert data.spec.outputs == outputs
    assert data.spec.run_ref.name == long_name
    assert StatusWriter("r").data is None


def test_details_of_an_error_are_bounded() -> None:
    """A model's answer of megabytes does not make the status as large."""
    details = {"answer": "x" * 3_000_000, "violations": ["v" * 10_000] * 100, "deep": [[[[[[1]]]]]]}
    kept = fault_status(Fault(reason="OutputInvalid", message="m", details=details))["details"]
    assert len(kept["answer"]) == 512
    assert len(kept["violations"]) == 20
    assert kept["deep"] == [[["…"]]]
