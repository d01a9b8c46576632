"""A model's arguments, held against a tool's schema, in words by which it can mend them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import ConfigurationError
from dspex_worker.tools.arguments import Arguments, ArgumentsError
from fakes.faulty_tools import Place
from fakes.tool_boxes import tool

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": ["integer", "null"]},
        "near": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def outcome(schema: dict[str, Any], arguments: dict[str, Any]) -> str:
    """Return why arguments are refused; empty where they are not."""
    try:
        Arguments(schema).read(arguments)
    except ArgumentsError as error:
        return str(error)
    return ""


def refused(schema: dict[str, Any], arguments: dict[str, Any]) -> str:
    """Return why arguments are refused."""
    with pytest.raises(ArgumentsError) as caught:
        Arguments(schema).read(arguments)
    return str(caught.value)


def test_all_findings_come_at_once_with_what_the_tool_takes() -> None:
    """The schema's own words: names, types, options, what is required."""
    text = refused(SCHEMA, {"unit": "K", "days": "x", "more": 1})
    assert '"name" is a required property' in text
    assert 'unit: "K" is not one of "C" or "F"' in text
    assert 'days: "x" is not of types' in text
    assert "'more' was unexpected" in text
    assert text.endswith(
        'It takes name (string, required), unit ("C" or "F"), days (integer or null), '
        "near (number or string)"
    )


def test_words_and_findings_are_bounded() -> None:
    """A long value, many findings and a large schema make no long message."""
    properties = {f"argument_{number}": {"type": "integer"} for number in range(500)}
    text = refused(
        {"type": "object", "properties": properties}, dict.fromkeys(properties, "x" * 9999)
    )
    assert len(text) < 3200


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/a.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": 5},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+\\1$"}}},
    ],
)
def test_a_schema_that_can_not_be_checked_is_left_to_the_tool(schema: dict[str, Any]) -> None:
    """Nothing is fetched, and nothing is refused that might be right."""
    assert Arguments(schema).read({"a": "x"}) == {"a": "x"}


def test_an_older_draft_is_understood() -> None:
    """Servers write draft 7, with its `definitions`."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/b"}},
        "definitions": {"b": {"type": "integer"}},
    }
    assert "is not of type" in refused(schema, {"a": "x"})


async def test_values_become_what_the_function_wants() -> None:
    """Models, enumerations and dates are built of JSON, defaults are Python's."""
    weather = tool("weather")
    given_ = {"place": {"city": "Bern", "since": "2026-01-02"}, "unit": "F"}
    assert await weather.acall(**given_) == "Bern since 2026-01-02 in F for 1"


async def test_what_the_type_refuses_names_its_place() -> None:
    """A date that is none passes the schema and not the type."""
    told = await tool("weather").acall(place={"city": "Bern", "since": "yesterday"})
    assert told.startswith("The tool was not called: the arguments do not fit: place.since")
    assert "errors.pydantic.dev" not in told


async def test_a_validator_of_ones_own_may_raise_anything() -> None:
    """The model is told of it as of the tool's own error."""
    assert await tool("picky").acall(value={"name": "x"}) == "The tool failed. KeyError: 'x'"
    assert await tool("picky").acall(value={"name": "a"}) == "b"


async def test_gathering_parameters_are_no_arguments() -> None:
    """`**more` takes any name, `self` too, and the model is not told of an argument `more`."""
    gathers = tool("gathers")
    assert list(gathers.args) == ["word"]
    assert await gathers.acall(word="a", self=1, kind="b") == {"word": "a", "self": 1, "kind": "b"}
    assert "not called" in await gathers.acall(kind="b")


async def test_a_parameter_that_has_no_name_is_refused_at_the_start() -> None:
    """No call could ever give it."""
    with pytest.raises(ConfigurationError, match=r"fakes\.faulty_tools\.positional") as caught:
        tool("positional")
    assert "can't be given by name" in str(caught.value.diagnostics[0].found)


async def test_a_dspy_tool_keeps_its_own_description() -> None:
    """Its text and arguments are what its author wrote, not the function's."""
    described = tool("described")
    assert described.desc == "Sort names."
    assert described.args == {"names": {"type": "array"}}
    assert await described.acall(names=["b"]) == ["names"]


def test_nested_places_are_named() -> None:
    """A finding inside a list of objects says where."""
    schema = {
        "type": "object",
        "properties": {"places": {"type": "array", "items": Place.model_json_schema()}},
    }
    assert "places[1].city: 5 is not of type" in refused(
        schema, {"places": [{"city": "a"}, {"city": 5}]}
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(
    arguments=st.dictionaries(st.sampled_from(["name", "unit", "days", "x", ""]) | st.text(), _json)
)
def test_any_arguments_are_read_or_refused_in_few_words(arguments: dict[str, Any]) -> None:
    """Nothing else is raised, and the message is bounded."""
    assert len(outcome(SCHEMA, arguments)) < 3200


@given(
    schema=st.dictionaries(
        st.sampled_from(["type", "properties", "required", "$ref", "enum", "allOf"]), _json
    )
)
def test_any_schema_is_taken(schema: dict[str, Any]) -> None:
    """A server may send whatever it likes for a schema."""
    assert len(outcome(schema, {"a": 1})) < 3200
