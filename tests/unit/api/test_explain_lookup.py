"""Looking fields up by their path."""

import pytest

from dspex.api.explain import explain
from dspex.errors import InputError


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pipeline", ""),
        ("dpipe.spec", "spec"),
        ("pipelines.spec.steps.retry", "spec.steps[].retry"),
        ("Pipeline.steps[0].retry.attempts", "spec.steps[].retry.attempts"),
        ("drun.status.steps.state", "status.steps[].state"),
        ("drun.outputs", "status.outputs"),
        ("sig.metadata.name", "metadata.name"),
    ],
)
def test_a_field_is_found_by_its_path(text: str, path: str) -> None:
    """The kind goes by any name; spec and indices may be left out."""
    assert explain(text).field.path == path


def test_a_field_is_described() -> None:
    """Type, default, bounds and description are there for the command line to print."""
    field = explain("pipeline.spec.steps.retry.attempts").field
    assert (field.type, field.default, field.bounds) == ("integer", "3", ("1 to 100",))
    assert "Attempts in all" in field.description
    step = explain("pipeline.steps").field
    assert (step.type, step.required) == ("list of object", True)
    assert "no name twice" in step.bounds
    assert explain("pipeline.steps.if").field.type == "expression"
    assert explain("pipeline.steps.timeout").field.type == "duration"
    assert explain("pipeline.steps.inputs").field.type == "JSON object"
    assert "one of General, Optimizer, Neural" in explain("pool.profile").field.bounds


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("pipelin", "write pipeline"),
        ("pipeline.spec.steps.rety", "write pipeline.spec.steps.retry"),
        ("dpool.modl", "write pool.spec.model"),
        ("dpool.metadat", "write pool.metadata"),
        ("", "name a kind first, as in pipeline.spec.steps"),
    ],
)
def test_an_unknown_path_names_the_nearest(text: str, remedy: str) -> None:
    """A slip of the pen is answered with the path that was meant."""
    with pytest.raises(InputError) as caught:
        explain(text)
    assert caught.value.diagnostics[0].remedy == remedy


def test_below_a_leaf_there_is_nothing() -> None:
    """A path that goes on behind a number says so."""
    with pytest.raises(InputError, match="nothing below it"):
        explain("pool.replicas.count")
