"""What is wrong about an object by itself, in the loader's words."""

from typing import Any

import pytest

from dspex.api.pool import Pool
from dspex.controllers.judge import judge
from dspex.controllers.world import World
from dspex.kube.kind import PIPELINE, PIPELINE_RUN, POOL, SIGNATURE, Kind
from fakes.items import item, signature

WRONG: list[tuple[Kind, dict[str, Any]]] = [
    (SIGNATURE, {}),
    (SIGNATURE, {"spec": {}}),
    (SIGNATURE, {"spec": {"signature": 3}}),
    (SIGNATURE, {"spec": {"signatur": "a -> b"}}),
    (SIGNATURE, {"spec": {"signature": "a -> b", "outputs": []}}),
    (SIGNATURE, {"spec": {"signature": None}}),
    (POOL, {"spec": {"model": {"name": "openai/x"}, "replicas": -1}}),
    (POOL, {"spec": {"model": {"name": "openai/x"}, "replicas": True}}),
    (POOL, {"spec": [1]}),
    (PIPELINE, {"spec": {"steps": []}}),
    (PIPELINE, {"spec": {"steps": [{"name": "yes", "template": {"source": "x"}}]}}),
    (PIPELINE, {"spec": {"steps": [{"name": "s"}]}}),
    (PIPELINE_RUN, {"spec": {"pipelineRef": {}}}),
]


@pytest.mark.parametrize(("kind", "parts"), WRONG)
def test_what_has_no_model_has_findings(kind: Kind, parts: dict[str, Any]) -> None:
    """A controller that finds no model has always something to say; no file is named."""
    made = item(kind, "a", **parts)
    world = World()
    world.put(kind, made)
    assert world.model(kind, "shop", "a") is None
    model, findings = judge(made)
    assert model is None
    assert findings
    assert {(each.file, each.line, each.column) for each in findings} == {(None, None, None)}
    assert {each.subject for each in findings} == {f"{kind.name}/a"}


def test_a_finding_says_where_and_what_to_do() -> None:
    """A field that is spelled wrong is named with the one that was meant."""
    [found] = judge(item(POOL, "p", spec={"model": {"name": "m"}, "replica": 2}))[1]
    assert (found.code, found.path) == ("UnknownField", "spec.replica")
    assert "replicas" in found.render()


def test_all_that_is_wrong_is_found_at_once() -> None:
    """Not only the first."""
    found = judge(item(POOL, "p", spec={"model": {"name": "m"}, "replica": 2, "gpus": 1}))[1]
    assert {each.path for each in found} == {"spec.replica", "spec.gpus"}


def test_what_is_right_is_a_model() -> None:
    """What the cluster added is left out, and a status is not looked at."""
    made = item(
        POOL,
        "p",
        metadata={"managedFields": [{"manager": "kubectl"}], "selfLink": "x"},
        spec={"model": {"name": "openai/x"}},
        status={"replicas": "many"},
    )
    model, findings = judge(made)
    assert isinstance(model, Pool)
    assert findings == ()


def test_what_is_nested_too_deep_is_said_with_its_place() -> None:
    """The API server takes free JSON of any depth; nothing here goes down into it."""
    deep: Any = {}
    for _ in range(20_000):
        deep = {"x": deep}
    spec = {"pipelineRef": {"name": "main"}, "inputs": {"a": [deep]}}
    model, [found] = judge(item(PIPELINE_RUN, "r", spec=spec))
    assert model is None
    assert (found.code, found.path) == ("TooDeep", "spec.inputs.a[0]")


def test_an_object_without_a_name_yet_is_called_by_its_prefix() -> None:
    """The webhook sees it before the API server has named it."""
    made = signature("a", version=0)
    made["metadata"] = {"generateName": "run-", "namespace": "shop"}
    made["spec"] = {"signatur": "a -> b"}
    assert {each.subject for each in judge(made)[1]} == {"Signature/run-"}
