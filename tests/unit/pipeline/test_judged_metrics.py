"""Metrics for which a model judges: how they compile, what is sent, what comes back."""

import asyncio
from typing import Any

import pytest

from dspex.bridge.protocol import Call
from dspex.errors import NativeError, Reason
from dspex.native.metrics import metric
from dspex.pipeline.engine import Engine, RunIdentity
from fakes.dispatcher import ScriptedDispatcher, after
from fakes.objects import compiled, plan, pool
from fakes.virtual_time import run_virtually

STEP = """
    inputs: [{name: answer, type: str}]
    steps:
    - name: judge
      metric: {name: semantic_f1, poolRef: {name: small}, config: {decompositional: true}}
      inputs: {question: why, prediction: $(inputs.answer), reference: so}
    outputs:
    - {name: score, type: float, value: $(steps.judge.outputs.score)}
    - {name: recall, type: float, value: $(steps.judge.outputs.recall)}
    """
SCORES = {"score": 0.5, "precision": 0.4, "recall": 0.7}


def test_a_workers_model_is_asked_once_and_its_tokens_count() -> None:
    """The call goes to the step's Pool, with the Pool's time; outputs and usage are the step's."""
    dispatcher = ScriptedDispatcher({"small": after(0, SCORES)})
    planned = plan(STEP, pools={"small": pool("small", callTimeout="7s")})
    assert planned.pools == ["small"]
    record = run_virtually(Engine(planned, dispatcher, RunIdentity("r")).run({"answer": "because"}))
    assert record.outputs == {"score": 0.5, "recall": 0.7}
    assert record.usage.calls == 1
    ((name, call),) = dispatcher.calls
    assert (name, call.module, call.timeout) == ("small", "DecompositionalSemanticF1", 7.0)
    given = {"question": "why", "prediction": "because", "reference": "so"}
    assert call.inputs == given
    assert [field["name"] for field in call.signature["inputs"]] == list(given)


def test_a_judge_that_fails_is_asked_again() -> None:
    """By the step's retry, like any call."""
    tries: list[Call] = []

    async def judge(call: Call) -> dict[str, Any]:
        tries.append(call)
        if len(tries) == 1:
            raise NativeError(Reason.MODEL_UNAVAILABLE, "gone")
        await asyncio.sleep(0)
        return SCORES

    text = STEP.replace("- name: judge", "- name: judge\n      retry: {attempts: 2}")
    planned = plan(text, pools={"small": pool("small")})
    engine = Engine(planned, ScriptedDispatcher({"small": judge}), RunIdentity("r"))
    record = run_virtually(engine.run({"answer": "because"}))
    assert record.outputs == {"score": 0.5, "recall": 0.7}
    assert len({call.key for call in tries}) == 2


@pytest.mark.parametrize(
    ("step", "code", "path"),
    [
        ("{name: semantic_f1}", "PoolMissing", "metric.poolRef"),
        ("{name: f1, poolRef: {name: small}}", "PoolUnused", "metric.poolRef"),
        (
            "{name: accuracy, config: {metric: {name: semantic_f1}}}",
            "WrongConfig",
            "metric.config.metric.name",
        ),
    ],
)
def test_what_a_judge_needs_is_found_before_it_runs(step: str, code: str, path: str) -> None:
    """A Pool for those that ask a model, and for no other."""
    found = compiled(
        f"steps: [{{name: a, metric: {step}, inputs: {{prediction: b, reference: c}}}}]",
        pools={"small": pool("small")},
    )
    places = [(each.code, each.path) for each in found.errors]
    assert (code, f"spec.steps[0].{path}") in places


def test_a_judges_pool_that_is_not_there_is_waited_for() -> None:
    """Like any Pool: it may come with the next apply."""
    found = compiled(STEP)
    assert found.plan is None
    assert [(each.kind, each.name) for each in found.missing] == [("Pool", "small")]


def test_a_judged_metric_needs_its_question() -> None:
    """What the model must read is among the step's inputs."""
    found = compiled(
        "steps: [{name: a, metric: {name: complete_and_grounded, poolRef: {name: small}}, "
        "inputs: {question: a, prediction: b, reference: c}}]",
        pools={"small": pool("small")},
    )
    assert "context" in found.errors[0].render()


def test_without_a_worker_there_is_no_score() -> None:
    """Python code that scores a judged metric in process is told why it can't."""
    with pytest.raises(NativeError, match="needs a step of its own, with a poolRef"):
        metric("semantic_f1").score("a", "b")
