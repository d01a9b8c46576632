"""The JSON Schemas for editors."""

import copy
from typing import Any

import jsonschema_rs
import pytest
import yaml

from dspex.api.editors import combined_schema, editor_schema
from dspex.api.kinds import KINDS
from dspex.manifests.examples import EXAMPLES

every_kind = pytest.mark.parametrize("name", KINDS)


def _example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(EXAMPLES[name])
    return found


@every_kind
def test_the_examples_are_valid(name: str) -> None:
    """An editor shows no error in a manifest that is right, by either schema."""
    assert jsonschema_rs.validator_for(editor_schema(KINDS[name])).is_valid(_example(name))
    assert jsonschema_rs.validator_for(combined_schema()).is_valid(_example(name))


@every_kind
def test_mistakes_are_marked(name: str) -> None:
    """An unknown field, a missing spec and another kind are errors."""
    validators = [
        jsonschema_rs.validator_for(schema)
        for schema in (editor_schema(KINDS[name]), combined_schema())
    ]
    unknown, missing = _example(name), _example(name)
    unknown["spec"]["nope"] = 1
    del missing["spec"]
    for validator in validators:
        assert not validator.is_valid(unknown)
        assert not validator.is_valid(missing)
    assert not validators[0].is_valid({**_example(name), "kind": "Nope"})


def test_the_combined_schema_leaves_other_groups_alone() -> None:
    """A file may hold a Deployment too."""
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}}
    assert jsonschema_rs.validator_for(combined_schema()).is_valid(deployment)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "yes"},
        {"name": "Triage"},
        {"timeout": 30},
        {"timeout": "soon"},
        {"if": "true"},
        {"metric": {"name": "f1"}},
        {"onError": "Ignore"},
    ],
)
def test_values_are_checked_while_writing(change: dict[str, Any]) -> None:
    """Names, durations, expressions, choices and the one kind of a step are checked."""
    validator = jsonschema_rs.validator_for(editor_schema(KINDS["Pipeline"]))
    manifest = copy.deepcopy(_example("Pipeline"))
    manifest["spec"]["steps"][0].update(change)
    assert not validator.is_valid(manifest)
