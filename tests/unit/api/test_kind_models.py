"""The models of the five kinds."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from dspex.api.base import Resource
from dspex.api.kinds import KINDS, find_kind
from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.api.pipelinerundata import PipelineRunData
from dspex.api.pool import Pool
from dspex.api.signature import Signature
from dspex.api.step import STEP_KINDS, Retry, Step
from dspex.errors import Reason

REF = {"name": "x"}
BODIES: dict[str, dict[str, Any]] = {
    "dspy": {"module": "Predict", "signature": "a -> b", "poolRef": REF},
    "template": {"source": "hello"},
    "validate": {"signatureRef": REF},
    "metric": {"name": "f1"},
    "transform": {"name": "pick"},
    "native": {"operation": "shop.rank"},
    "pipelineRef": REF,
}


def _pipeline(*steps: dict[str, Any], **spec: Any) -> dict[str, Any]:
    given = list(steps) or [{"name": "a", "template": {"source": "x"}}]
    return {"metadata": {"name": "p"}, "spec": {"steps": given, **spec}}


def _messages(model: type[BaseModel], manifest: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(manifest)
    return "; ".join(error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_a_step_tells_its_kind_and_its_body(kind: str) -> None:
    """`kind` is the manifest's name of the one kind that is given, `body` its fields."""
    step = Step.model_validate({"name": "a", kind: BODIES[kind]})
    assert step.kind == kind
    assert step.body.to_json() == BODIES[kind]


def test_every_kind_of_step_has_a_body_here() -> None:
    """The list above leaves no kind out."""
    assert set(BODIES) == set(STEP_KINDS)


def test_words_of_python_are_reached_with_an_underscore() -> None:
    """`if`, `finally`, `validate`, `schema` and `class` have attributes of their own."""
    step = {"name": "a", "if": "$(true)", "validate": {"schema": {"type": "object"}}}
    pipeline = Pipeline.model_validate(
        _pipeline(step, timeouts={"finally": "3s"}, **{"finally": [{**step, "name": "b"}]})
    )
    first = pipeline.spec.steps[0]
    assert first.if_ == "$(true)"
    assert first.validate_ is not None
    assert first.validate_.schema_ == {"type": "object"}
    assert pipeline.spec.timeouts is not None
    assert pipeline.spec.timeouts.finally_ == "3s"
    assert pipeline.spec.finally_[0].name == "b"


def test_python_names_build_the_same_object_as_manifest_names() -> None:
    """Code may use snake case; what is written is camelCase."""
    retry = Retry(attempts=2, initial_delay="2s", reasons=(Reason.TIMEOUT,))
    assert retry.to_json() == {
        "attempts": 2,
        "initialDelay": "2s",
        "maxDelay": "30s",
        "jitter": "Full",
        "reasons": ["Timeout"],
    }
    assert Retry.model_validate(retry.to_json()) == retry


def test_a_null_is_as_good_as_absent() -> None:
    """The API server drops nulls, so the models do; the default of a field alone may be null."""
    manifest = _pipeline(
        {"name": "a", "template": {"source": "x"}, "timeout": None, "inputs": {"x": None}},
        inputs=[{"name": "q", "default": None}, {"name": "r"}],
        description=None,
    )
    spec = Pipeline.model_validate(manifest).spec
    assert spec.steps[0].timeout is None
    assert spec.steps[0].inputs == {"x": None}
    assert spec.description == ""
    assert [each.has_default for each in spec.inputs] == [True, False]


def test_an_object_is_written_as_it_was_given() -> None:
    """`to_json` adds only what the API server would fill in, and keeps unknown metadata."""
    manifest = _pipeline(
        {"name": "a", "template": {"source": "x"}, "retry": {}},
        inputs=[{"name": "q", "default": None, "minimum": 1, "maximum": 1.5}],
    )
    manifest["metadata"] = {"name": "p", "labels": {"a": "b"}, "ownerReferences": [{"uid": "1"}]}
    written = Pipeline.model_validate(manifest).to_json()
    assert written == {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": manifest["metadata"],
        "spec": {
            "inputs": [{"name": "q", "type": "str", "default": None, "minimum": 1, "maximum": 1.5}],
            "steps": [
                {
                    "name": "a",
                    "retry": {
                        "attempts": 3,
                        "initialDelay": "1s",
                        "maxDelay": "30s",
                        "jitter": "Full",
                    },
                    "template": {"source": "x"},
                }
            ],
        },
    }


def test_objects_do_not_change() -> None:
    """A field can't be set."""
    pool = Pool.model_validate({"metadata": REF, "spec": {"model": {"embedded": True}}})
    with pytest.raises(ValidationError):
        pool.spec.replicas = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({}, "exactly one of dspy"),
        ({"dspy": BODIES["dspy"], "metric": BODIES["metric"]}, "exactly one of dspy"),
        ({"metric": BODIES["metric"], "onError": "Default"}, "go together"),
        ({"metric": BODIES["metric"], "default": {"outputs": {}}}, "go together"),
        ({"metric": BODIES["metric"], "fallback": [{"module": "A"}]}, "for dspy steps only"),
        ({"dspy": {**BODIES["dspy"], "signatureRef": REF}}, "signature and signatureRef"),
        ({"dspy": {"module": "A", "poolRef": REF}}, "signature and signatureRef"),
        ({"template": {}}, "source and sourceFrom"),
        ({"validate": {}}, "signatureRef and schema"),
        ({"metric": BODIES["metric"], "fallback": [{}]}, "poolRef, module, outputs"),
        ({"metric": BODIES["metric"], "after": ["b", "b"]}, "'b' stands already in after[0]"),
        ({"metric": BODIES["metric"], "if": "true"}, "exactly one expression"),
        ({"metric": BODIES["metric"], "timeout": "0s"}, "no time at all"),
        ({"metric": BODIES["metric"], "timeout": "soon"}, "is not a duration"),
        ({"metric": BODIES["metric"], "inputs": {"yes": 1}}, "YAML"),
        ({"metric": BODIES["metric"], "inputs": {"x": "y" * 70_000}}, "bytes of JSON"),
    ],
)
def test_a_step_that_breaks_a_rule_is_refused(step: dict[str, Any], message: str) -> None:
    """Rules between the fields of a step hold in Python as in the cluster."""
    assert message in _messages(Step, {"name": "a", **step})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "either signature"),
        ({"signature": "a -> b", "inputs": [REF], "outputs": [REF]}, "either signature"),
        ({"inputs": [REF]}, "go together"),
        ({"inputs": [REF], "outputs": [REF], "fields": [REF]}, "only beside signature"),
        ({"signature": "a -> b", "fields": [REF, REF]}, "stands already in fields[0]"),
        ({"signature": "a -> b", "fields": [{**REF, "minLength": 3, "maxLength": 2}]}, "minLength"),
        ({"signature": "a -> b", "fields": [{**REF, "minItems": 3, "maxItems": 2}]}, "minItems"),
        ({"signature": "a -> b", "fields": [{**REF, "minimum": 3, "maximum": 2.5}]}, "minimum"),
        (
            {
                "signature": "a -> b",
                "fields": [{**REF, "items": {"items": {"items": {"items": {}}}}}],
            },
            "deeper than 3",
        ),
    ],
)
def test_a_signature_that_breaks_a_rule_is_refused(spec: dict[str, Any], message: str) -> None:
    """Signature and inputs/outputs exclude each other; bounds are in order."""
    assert message in _messages(Signature, {"metadata": REF, "spec": spec})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"model": {}}, "embedded: true"),
        ({"model": {"name": "a", "embedded": True}}, "embedded: true"),
        ({"model": {"embedded": True, "apiBase": "http://x/v1"}}, "neither apiBase"),
        ({"model": {"embedded": True}, "env": [{"name": "A"}]}, "value and valueFrom"),
        ({"model": {"embedded": True}, "env": [{"name": "A", "valueFrom": {}}]}, "secretKeyRef"),
        ({"model": {"embedded": True}, "modules": ["a.B", "a.B"]}, "stands already"),
    ],
)
def test_a_pool_that_breaks_a_rule_is_refused(spec: dict[str, Any], message: str) -> None:
    """A model is named or embedded; a variable has one source."""
    assert message in _messages(Pool, {"metadata": REF, "spec": spec})


def test_steps_and_finally_share_their_names() -> None:
    """A finally step can't have the name of a step, for expressions could not tell them."""
    step = {"name": "a", "template": {"source": "x"}}
    assert "finally step" in _messages(Pipeline, _pipeline(step, **{"finally": [step]}))
    assert "stands already in steps[0]" in _messages(Pipeline, _pipeline(step, step))


def test_data_holds_outputs_or_a_checkpoint_of_bounded_size() -> None:
    """One of both, up to 512 KiB."""
    spec = {"runRef": REF, "step": "outer/inner"}
    manifest = {"metadata": REF, "spec": {**spec, "outputs": {"a": 1}}}
    assert PipelineRunData.model_validate(manifest).to_json()["spec"] == manifest["spec"]
    both = {**spec, "outputs": {}, "checkpoint": {}}
    assert "exactly one" in _messages(PipelineRunData, {"metadata": REF, "spec": both})
    large = {**spec, "checkpoint": {"a": "x" * 512 * 1024}}
    assert "bytes of JSON" in _messages(PipelineRunData, {"metadata": REF, "spec": large})


def test_status_is_read_back() -> None:
    """A run's status as the cluster holds it becomes the same status again."""
    status = {
        "observedGeneration": 1,
        "conditions": [
            {
                "type": "Succeeded",
                "status": "False",
                "reason": "StepsFailed",
                "lastTransitionTime": "2026-11-22T20:57:00Z",
            }
        ],
        "startTime": "2026-11-22T20:57:00.000001Z",
        "steps": [
            {
                "name": "outer/inner",
                "kind": "dspy",
                "state": "Failed",
                "reason": "Timeout",
                "attempts": 2,
                "usage": {"calls": 1, "promptTokens": 2, "completionTokens": 3, "totalTokens": 5},
                "error": {"reason": "Timeout", "message": "late", "class": "a.B"},
                "items": {"total": 3, "succeeded": 1, "failed": 2, "skipped": 0},
            }
        ],
        "outputs": {"a": None},
    }
    run = PipelineRun.model_validate(
        {"metadata": REF, "spec": {"pipelineRef": REF}, "status": status}
    )
    assert run.status.to_json() == status
    succeeded = run.status.condition("Succeeded")
    assert succeeded is not None
    assert succeeded.reason == "StepsFailed"
    assert run.status.condition("Ready") is None


def test_kinds_go_by_all_their_names() -> None:
    """A kind is found by name, plural and short name, in any case."""
    for kind in KINDS.values():
        for spelling in (kind.name, *kind.spellings, kind.plural.upper()):
            assert find_kind(spelling) is kind
        assert issubclass(kind.model, Resource)
        assert kind.summary
    assert find_kind("pod") is None
    pool = KINDS["Pool"].model.model_validate({"metadata": REF, "spec": {"model": {"name": "a"}}})
    assert (pool.name, pool.subject) == ("x", "Pool/x")
