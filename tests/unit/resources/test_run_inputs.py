"""A run's inputs, put together from itself, ConfigMaps and Secrets."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dspex.errors import ConfigurationError, Diagnostic
from dspex.native.field import Field
from dspex.native.signatures import parse_type
from dspex.resources.run_inputs import (
    InputSources,
    RunInputs,
    SecretKey,
    input_sources,
    resolve_inputs,
    sensitive_inputs,
)
from fakes.cluster_objects import cluster_run
from fakes.objects import pipeline

FIELDS = tuple(
    Field(name=name, type=parse_type(text))
    for name, text in {
        "message": "str",
        "limit": "int",
        "tags": "list[str]",
        "either": "int | str",
        "token": "str",
        "pin": "int",
    }.items()
)
SENSITIVE = {"token", "pin"}


def config_map(name: str) -> dict[str, Any]:
    """Make a source that names a ConfigMap."""
    return {"configMapRef": {"name": name}}


def secret(name: str) -> dict[str, Any]:
    """Make a source that names a Secret."""
    return {"secretRef": {"name": name}}


def resolve(
    *sources: dict[str, Any],
    inputs: dict[str, Any] | None = None,
    maps: Mapping[str, Mapping[str, str]] | None = None,
    secrets: Mapping[str, Sequence[str]] | None = None,
) -> RunInputs:
    """Put the inputs of a run together."""
    given: dict[str, Any] = {"inputs": inputs} if inputs is not None else {}
    run = cluster_run(inputsFrom=list(sources), **given)
    return resolve_inputs(run, FIELDS, SENSITIVE, config_maps=maps or {}, secret_keys=secrets or {})


def findings(*sources: dict[str, Any], **given: Any) -> tuple[Diagnostic, ...]:
    """Return what is wrong about the inputs of a run."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(*sources, **given)
    return caught.value.diagnostics


def test_a_run_without_inputs_has_none() -> None:
    """Nothing is asked for, nothing is there."""
    assert resolve() == RunInputs()
    assert input_sources(cluster_run()) == InputSources((), ())


def test_each_object_is_named_once_in_the_order_of_the_run() -> None:
    """What is read of the cluster is read once."""
    run = cluster_run(
        inputsFrom=[config_map("b"), secret("s"), config_map("a"), config_map("b"), secret("s")]
    )
    assert input_sources(run) == InputSources(config_maps=("b", "a"), secrets=("s",))


def test_sensitive_inputs_are_those_that_say_so() -> None:
    """False and no word are the same."""
    found = pipeline(
        """
        inputs:
        - {name: a, type: str, sensitive: true}
        - {name: b, type: str, sensitive: false}
        - {name: c, type: str}
        steps: [{name: s, template: {source: x}}]
        """
    )
    assert sensitive_inputs(found) == frozenset({"a"})


def test_the_runs_own_values_come_as_they_are() -> None:
    """JSON is not read as text again; a name that the pipeline lacks is told elsewhere."""
    values = {"message": "5", "tags": ["a"], "limit": None, "unheard": 1}
    assert resolve(inputs=values) == RunInputs(values=values)


def test_a_config_maps_texts_are_read_by_type_and_others_are_ignored() -> None:
    """A str as it stands, others as JSON; keys that are no inputs belong to somebody else."""
    texts = {"message": "5", "limit": "5", "tags": '["a"]', "either": "5", "application.yaml": "{"}
    found = resolve(config_map("c"), maps={"c": texts})
    assert found.values == {"message": "5", "limit": 5, "tags": ["a"], "either": 5}
    assert found.secret == {}


def test_a_secrets_values_are_not_known_but_where_they_are() -> None:
    """Any input may come from a Secret; the sensitive ones must."""
    found = resolve(secret("s"), secrets={"s": ["token", "message", "ca.crt"]})
    assert found.values == {}
    assert found.secret == {"token": SecretKey("s", "token"), "message": SecretKey("s", "message")}
    assert found.secret["token"].file == "s/token"


def test_a_later_source_wins_and_the_run_over_all() -> None:
    """Each value has one place: a Secret's key that is overridden is not even mounted."""
    maps = {"a": {"message": "of a", "limit": "1"}, "b": {"message": "of b"}}
    secrets = {"s": ["message", "tags"], "t": ["limit"]}
    found = resolve(config_map("a"), config_map("b"), maps=maps)
    assert found.values == {"message": "of b", "limit": 1}
    found = resolve(config_map("a"), secret("s"), secret("t"), maps=maps, secrets=secrets)
    assert found.values == {}
    assert found.secret == {
        "message": SecretKey("s", "message"),
        "tags": SecretKey("s", "tags"),
        "limit": SecretKey("t", "limit"),
    }
    found = resolve(secret("s"), config_map("a"), maps=maps, secrets=secrets)
    assert found.values == {"message": "of a", "limit": 1}
    assert found.secret == {"tags": SecretKey("s", "tags")}
    found = resolve(secret("s"), inputs={"message": "own"}, secrets=secrets)
    assert (found.values, set(found.secret)) == ({"message": "own"}, {"tags"})


def test_every_object_that_is_missing_is_told_with_its_place() -> None:
    """All at once, so that a person creates them at once."""
    found = findings(config_map("c"), secret("s"), config_map("d"), maps={"d": {}})
    assert [(each.code, each.message, each.path) for each in found] == [
        ("ConfigMapMissing", "ConfigMap 'c' is not there", "spec.inputsFrom[0].configMapRef.name"),
        ("SecretMissing", "Secret 's' is not there", "spec.inputsFrom[1].secretRef.name"),
    ]
    for each in found:
        assert each.subject == "PipelineRun/support-1"
        assert each.remedy == "create it in the run's namespace"


def test_an_empty_object_is_one_that_is_there() -> None:
    """It gives nothing, and nothing is wrong about it here."""
    assert resolve(config_map("c"), secret("s"), maps={"c": {}}, secrets={"s": []}) == RunInputs()


def test_a_text_that_is_no_json_is_told_with_type_and_place() -> None:
    """The whole run is looked through before anything is said."""
    maps = {"c": {"limit": "five", "tags": "[1,"}}
    first, second = findings(config_map("c"), maps=maps)
    assert first.message.startswith("input 'limit': its text in ConfigMap 'c' is no JSON")
    assert first.expected == "a value of type int, as JSON"
    assert second.expected == "a value of type list[str], as JSON"
    assert {first.path, second.path} == {"spec.inputsFrom[0].configMapRef.name"}
    assert {first.code, second.code} == {"InvalidInput"}
    assert first.remedy


@pytest.mark.parametrize("text", ["hunter2", "12345678", '"quoted"'])
def test_a_sensitive_input_in_the_open_is_refused_and_not_quoted(text: str) -> None:
    """Neither as the run's own nor in a ConfigMap, where everybody may read it."""
    (own,) = findings(inputs={"token": text})
    assert (own.code, own.path) == ("SensitiveInput", "spec.inputs.token")
    assert "spec.inputsFrom" in (own.remedy or "")
    maps = {"c": {"token": text, "pin": text}}
    first, second = findings(config_map("c"), maps=maps)
    assert first.path == second.path == "spec.inputsFrom[0].configMapRef.name"
    assert {first.code, second.code} == {"SensitiveInput"}
    for each in (own, first, second):
        assert text not in each.render()
        assert each.expected == "a key of a Secret"


def test_a_sensitive_input_in_the_open_is_refused_beside_its_secret_too() -> None:
    """Whoever overrides a Secret by a value has shown the value."""
    (found,) = findings(secret("s"), inputs={"token": "x"}, secrets={"s": ["token"]})
    assert found.code == "SensitiveInput"
