"""AdmissionReviews: what can't be made sense of is told in words."""

import json
from typing import Any

import pytest

from dspex.controllers.admission import admit
from dspex.controllers.review import ReviewError, parse_review, read_review
from dspex.kube.kind import JOB, PIPELINE_RUN, RUN_DATA, SIGNATURE
from fakes.items import Object, item, signature
from fakes.reviews import question


def changed(path: str, value: Any) -> Object:
    """Return a question that is right but for one field."""
    review: Any = json.loads(json.dumps(question(SIGNATURE, signature("s"))))
    *way, last = path.split(".")
    inside = review
    for part in way:
        inside = inside[part]
    inside[last] = value
    return dict(review)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "found: no JSON"),
        (b"{", "found: no JSON"),
        (b"\xff\xfe\x00", "found: no JSON"),
        (b"not json at all", "found: no JSON"),
        (b"[" * 5000, "found: no JSON"),
        (b"null", "found: nothing"),
        (b"[]", "found: a list"),
        (b'"text"', "found: 'text'"),
        (b"3", "found: 3"),
        (b"true", "found: true"),
    ],
    ids=lambda given: str(given[:20]),
)
def test_a_body_that_is_no_review_is_told(body: bytes, words: str) -> None:
    """With what was found and what was expected."""
    with pytest.raises(ReviewError) as refused:
        parse_review(body)
    assert words in str(refused.value)
    assert "expected: an AdmissionReview" in str(refused.value)
    assert "remedy: " in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("kind", "ConversionReview", "expected: AdmissionReview"),
        ("apiVersion", "admission.k8s.io/v1beta1", "expected: admission.k8s.io/v1"),
        ("request", None, "request: "),
        ("request", [], "found: a list"),
        ("request.uid", "", "request.uid: "),
        ("request.uid", 7, "found: 7"),
        ("request.operation", None, "request.operation: "),
        ("request.kind", None, "request.kind: "),
        ("request.kind.kind", "Pod", "found: dspex.dev/v1alpha1 Pod"),
        ("request.kind.group", "example.com", "found: example.com/v1alpha1 Signature"),
        ("request.kind.version", "v2", "found: dspex.dev/v2 Signature"),
        ("request.object", None, "request.object: "),
        ("request.object.kind", "Pool", "request.object.kind: "),
        ("request.object.apiVersion", "v1", "request.object.apiVersion: "),
        ("request.object.metadata", "s", "request.object.metadata: "),
        ("request.oldObject", {"kind": "Pool"}, "request.oldObject.kind: "),
    ],
)
def test_a_review_of_something_else_is_told(path: str, value: Any, words: str) -> None:
    """At the field that does not fit."""
    with pytest.raises(ReviewError) as refused:
        read_review(changed(path, value))
    assert words in str(refused.value)


@pytest.mark.parametrize("kind", [JOB, RUN_DATA], ids=lambda kind: str(kind.name))
def test_a_kind_that_is_not_asked_about_is_told(kind: Any) -> None:
    """It names those that are."""
    with pytest.raises(ReviewError) as refused:
        read_review(question(kind, item(kind, "x", spec={})))
    assert "one of Signature, Pool, Pipeline, PipelineRun, of dspex.dev/v1alpha1" in str(
        refused.value
    )


def body(inputs: str, **metadata: Any) -> bytes:
    """Write a question about a run with inputs that are JSON already."""
    spec = {"pipelineRef": {"name": "main"}, "inputs": {"a": "HERE", "b": "[{"}}
    given = item(PIPELINE_RUN, "r", metadata=metadata, spec=spec)
    return json.dumps(question(PIPELINE_RUN, given)).replace('"HERE"', inputs).encode()


@pytest.mark.parametrize("levels", [100, 900, 1100, 9000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a\\"]":', "}")], ids=["lists", "objects"])
def test_json_deeper_than_python_reads_is_still_judged(levels: int, pair: tuple[str, str]) -> None:
    """The API server keeps thousands of levels, and the operator could not read them again."""
    review = parse_review(body(pair[0] * levels + "1" + pair[1] * levels))
    assert review.item["spec"]["inputs"]["b"] == "[{"
    assert "PipelineRun/r: spec.inputs.a" in admit(review).refusal
    assert "nested deeper than 100 levels" in admit(review).refusal


def test_an_object_that_is_too_deep_can_be_deleted() -> None:
    """Where it came to be while the webhook was not there."""
    review = parse_review(
        body("[" * 5000 + "]" * 5000, deletionTimestamp="2026-11-25T01:00:00Z", finalizers=[])
    )
    assert not admit(review).refusal
