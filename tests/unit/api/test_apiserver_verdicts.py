"""The CRDs and the models, against the code of kube-apiserver itself."""

import copy
import functools
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from dspex.api.crd import custom_resource_definition
from dspex.api.documentation import documentation
from dspex.api.fields import model_at
from dspex.api.kinds import KINDS
from dspex.manifests.examples import EXAMPLES
from fakes.full_manifests import FULL, REF
from fakes.oracles import apiserver_verdicts

pytestmark = pytest.mark.slow

Path = tuple[str | int, ...]
STRANGERS: list[Any] = [None, True, 3, -1, 1.5, "", "text", [], {}, ["x"], {"x": 1}, [None]]

TIMES = {
    "lastTransitionTime", "startTime", "completionTime", "heartbeatTime", "time", "since",
    "lastScheduleTime", "nextScheduleTime",
}  # fmt: skip
"""Fields of format date-time: the API server takes any list for one, the models do not."""


@functools.cache
def _definitions() -> tuple[dict[str, Any], ...]:
    return tuple(custom_resource_definition(kind) for kind in KINDS.values())


def _ask(*objects: dict[str, Any], old: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    questions = [
        {"kind": each["kind"], "object": each, **({"old": old} if old else {})} for each in objects
    ]
    definitions, verdicts = apiserver_verdicts(_definitions(), questions)
    assert not any(definitions.values()), definitions
    return verdicts


def _is_taken(manifest: dict[str, Any]) -> bool:
    try:
        KINDS[manifest["kind"]].model.model_validate(manifest, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def test_the_api_server_takes_the_definitions() -> None:
    """Schemas are structural, rules compile and cost little enough, defaults are valid."""
    definitions, _ = apiserver_verdicts(_definitions(), [])
    assert definitions == {f"{kind.plural}.dspex.dev": [] for kind in KINDS.values()}


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield (*path, name)
            yield from _places(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield (*path, index)
            yield from _places(each, (*path, index))


def test_the_full_manifests_are_valid_and_full() -> None:
    """Both sides take them, and they hold every field that the CRDs have."""
    for manifest, verdict in zip(FULL, _ask(*FULL), strict=True):
        assert verdict["errors"] == []
        assert _is_taken(manifest)
    held = {
        (manifest["kind"], ".".join(str(part) for part in path if isinstance(part, str)))
        for manifest in FULL
        for path in _places(manifest)
    }
    for kind in KINDS.values():
        for field in documentation(kind).walk():
            path = field.path.replace("[]", "")
            if ".items.items" not in path and ".items." not in path:
                assert (kind.name, path) in held


def _changed(manifest: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(manifest)
    holder: Any = found
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return found


def _removed(manifest: dict[str, Any], path: Path) -> dict[str, Any]:
    found = copy.deepcopy(manifest)
    holder: Any = found
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    return found


def _variants(manifest: dict[str, Any], seen: set[Any]) -> Iterator[tuple[Path, Any, Any]]:
    """Yield the manifest with each field in turn replaced by something else, or left out.

    A field of a model is varied once, wherever the model stands; `seen` holds what was varied.
    """
    model = KINDS[manifest["kind"]].model
    for path in _places(manifest):
        holder = model_at(model, path[:-1])
        key = (holder, path[-1])
        if path[0] not in ("spec", "status") or holder in (None, model) or key in seen:
            continue
        seen.add(key)
        for stranger in STRANGERS:
            if not (path[-1] in TIMES and isinstance(stranger, list)):
                yield path, stranger, _changed(manifest, path, stranger)
        yield path, "(left out)", _removed(manifest, path)


def test_models_and_api_server_agree_on_every_field() -> None:
    """Whatever stands in a field's place, the models take it exactly if the API server does."""
    seen: set[Any] = set()
    variants = [variant for manifest in FULL for variant in _variants(manifest, seen)]
    assert len(variants) > 2000
    verdicts = _ask(*(manifest for _, _, manifest in variants))
    disagreements = [
        (path, value, verdict["errors"])
        for (path, value, manifest), verdict in zip(variants, verdicts, strict=True)
        if _is_taken(manifest) == bool(verdict["errors"])
    ]
    assert disagreements == []


def test_the_examples_are_stored_as_the_models_write_them() -> None:
    """The API server fills in what `to_json` fills in, and nothing else but the first conditions."""
    manifests = [yaml.safe_load(example) for example in EXAMPLES.values()]
    for manifest, verdict in zip(manifests, _ask(*manifests), strict=True):
        assert verdict["errors"] == []
        stored = verdict["object"]
        conditions = stored.pop("status")["conditions"]
        assert {each["reason"] for each in conditions} == {"Pending"}
        assert KINDS[manifest["kind"]].model.model_validate(manifest).to_json() == stored


def _run(**spec: Any) -> dict[str, Any]:
    return {**FULL_RUN, "spec": {"pipelineRef": REF, **spec}}


FULL_RUN = {"apiVersion": "dspex.dev/v1alpha1", "kind": "PipelineRun", "metadata": {"name": "x"}}


def test_a_run_can_only_be_shut_down() -> None:
    """pipelineRef, timeout and inputs of a run stay; shutdown comes, changes and goes."""
    before = _run(inputs={"a": [1, {"b": 2}]}, timeout="3s")
    allowed = [before, {**before, "spec": {**before["spec"], "shutdown": "Stop"}}]
    refused = [
        _run(inputs={"a": [1, {"b": 3}]}, timeout="3s"),
        _run(inputs={"a": [1, {"b": 2}], "c": 1}, timeout="3s"),
        _run(timeout="3s"),
        _run(inputs={"a": [1, {"b": 2}]}),
        _run(inputs={"a": [1, {"b": 2}]}, timeout="4s"),
        _run(inputs={"a": [1, {"b": 2}]}, timeout="3s", pipelineRef={"name": "y"}),
    ]
    for verdict in _ask(*allowed, old=before):
        assert verdict["errors"] == []
    for verdict in _ask(*refused, old=before):
        assert "can't be changed" in " ".join(verdict["errors"])


def test_unknown_fields_are_pruned_or_refused() -> None:
    """The definitions preserve nothing but free JSON."""
    manifest = copy.deepcopy(FULL[0])
    manifest["spec"]["inputs"][0]["nope"] = 1
    (verdict,) = _ask(manifest)
    assert verdict["errors"] == ["spec.inputs[0].nope: unknown field"]
    assert "nope" not in verdict["object"]["spec"]["inputs"][0]


def test_messages_say_what_is_wrong() -> None:
    """A person reads the rule's words at the field's path."""
    steps = [{"name": "yes", "metric": {"name": "f1"}, "template": {"source": "x"}}]
    manifest = {**FULL_RUN, "kind": "Pipeline", "spec": {"steps": steps}}
    (verdict,) = _ask(manifest)
    text = "\n".join(verdict["errors"])
    assert "spec.steps[0]: Invalid value" in text
    assert "a step has exactly one of dspy, template" in text
    assert "spec.steps[0].name" in text
    assert "word of CEL" in text
