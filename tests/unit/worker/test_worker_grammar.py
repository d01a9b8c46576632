"""Schemas for constrained decoding: bounded and of known keywords, whatever comes in."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex_worker.lm.grammar import (
    MAX_ITEMS,
    MAX_KEY,
    MAX_NUMBER,
    MAX_STRING,
    STEP,
    decodable,
    has_patterns,
    longest,
)

KNOWN = (
    {"type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items"}
    | {"patternProperties", "prefixItems", "minItems", "maxItems", "minLength", "maxLength"}
    | {"pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"multipleOf", "maxProperties", "x-guidance"}
)


def only(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the bounded form of one property's schema."""
    bounded = decodable({"type": "object", "properties": {"v": schema}})
    found: dict[str, Any] = bounded["properties"]["v"]
    return found


@pytest.mark.parametrize(
    ("given", "bounded"),
    [
        ({"type": "string"}, {"type": "string", "maxLength": MAX_STRING}),
        ({"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 9}),
        (
            {"type": "string", "minLength": 900},
            {"type": "string", "minLength": 900, "maxLength": 900},
        ),
        (
            {"type": "string", "pattern": "^a+$"},
            {"type": "string", "pattern": "^a+$", "maxLength": MAX_STRING},
        ),
        (
            {"type": "string", "format": "date", "title": "x"},
            {"type": "string", "format": "date", "maxLength": 10},
        ),
        ({"type": "string", "format": "uri"}, {"type": "string", "maxLength": MAX_STRING}),
        (
            {"type": "integer"},
            {"type": "integer", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
        ),
        (
            {"type": "integer", "minimum": 10**12},
            {"type": "integer", "minimum": 10**12, "maximum": 10**12},
        ),
        (
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "multipleOf": STEP},
        ),
        (
            {"type": "number", "multipleOf": 0.5, "exclusiveMaximum": 3},
            {
                "type": "number",
                "minimum": -MAX_NUMBER,
                "exclusiveMaximum": 3,
                "multipleOf": 0.5,
            },
        ),
        (
            {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True},
            {"type": "array", "items": {"type": "boolean"}, "maxItems": MAX_ITEMS},
        ),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 20},
            {"type": "array", "items": {"type": "null"}, "minItems": 20, "maxItems": 20},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "boolean"}, {"const": 1}]},
            {
                "type": "array",
                "prefixItems": [{"type": "boolean"}, {"const": 1}],
                "items": False,
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        ({"enum": ["a", 1], "description": "d"}, {"enum": ["a", 1]}),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, {"anyOf": [{"const": 1}, {"const": 2}]}),
        ({"type": ["boolean", "null"]}, {"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
        (
            {"type": "object", "additionalProperties": {"type": "boolean"}},
            {
                "type": "object",
                "patternProperties": {f"^.{{1,{MAX_KEY}}}$": {"type": "boolean"}},
                "additionalProperties": False,
                "maxProperties": MAX_ITEMS,
            },
        ),
    ],
    ids=json.dumps,
)
def test_each_kind_is_bounded(given: dict[str, Any], bounded: dict[str, Any]) -> None:
    """What could grow gets a bound, what is bounded keeps its own, unknown keywords go."""
    assert only(given) == bounded


def test_nested_objects_ask_for_every_property() -> None:
    """Nothing may be left out and nothing added, at any depth."""
    inner = {"type": "object", "properties": {"a": {"type": "boolean"}}}
    bounded = only({"type": "array", "items": inner})
    assert bounded["items"]["required"] == ["a"]
    assert bounded["items"]["additionalProperties"] is False


def test_base64_is_held_to_its_alphabet() -> None:
    """Bytes decode afterwards."""
    assert "A-Za-z0-9+/" in only({"type": "string", "contentEncoding": "base64"})["pattern"]


def test_patterns_can_be_left_out() -> None:
    """A decoder that can't do a pattern gets the schema without it."""
    schema = {"type": "object", "properties": {"v": {"type": "string", "pattern": "(?=a)"}}}
    assert has_patterns(schema)
    assert "pattern" not in json.dumps(decodable(schema, patterns=False))
    assert not has_patterns({"type": "object", "properties": {"pattern": {"enum": ["x"]}}})


SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "string", "not": {}, "minLength": 2},
            {"type": "integer", "minimum": 3},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "null"},
            {"enum": ["x", 2, None]},
            {},
            {"$ref": "#/$defs/x"},
            {"type": "mystery"},
            True,
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.builds(lambda item: {"type": "object", "additionalProperties": item}, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        st.dictionaries(st.sampled_from(["a", "b", "uniqueItems"]), inner, min_size=1).map(
            lambda members: {"type": "object", "properties": members, "minProperties": 1}
        ),
    ),
    max_leaves=8,
)


def keywords(schema: Any) -> set[str]:
    """Return all keywords that a schema uses."""
    if isinstance(schema, list):
        return set().union(*map(keywords, schema))
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key, value in schema.items():
        if key in {"enum", "const", "required", "x-guidance"}:
            continue
        members = list(value.values()) if key in {"properties", "patternProperties"} else value
        found |= keywords(members)
    return found


@settings(max_examples=150, deadline=None)
@given(SCHEMAS)
def test_any_schema_becomes_one_that_the_decoder_knows(schema: Any) -> None:
    """Only known keywords are left, a worst case exists, and once bounded it stays as it is."""
    bounded = decodable({"type": "object", "properties": {"v": schema}})
    assert keywords(bounded) <= KNOWN
    assert 0 < longest(bounded) < 10**7


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "maxLength": 5}, "abcde"),
        ({"type": "integer"}, -MAX_NUMBER),
        ({"type": "number"}, -MAX_NUMBER + 0.0001),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"const": "abc"}, "abc"),
        ({"enum": ["a", "abcd"]}, "abcd"),
        ({"type": "array", "items": {"type": "boolean"}}, [False] * MAX_ITEMS),
        ({"type": "array", "prefixItems": [{"type": "boolean"}]}, [False]),
        (
            {"type": "object", "additionalProperties": {"type": "boolean"}},
            {str(i).zfill(MAX_KEY): False for i in range(MAX_ITEMS)},
        ),
        ({"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 30}]}, "x" * 30),
    ],
    ids=json.dumps,
)
def test_the_worst_case_covers_the_longest_value(schema: dict[str, Any], value: Any) -> None:
    """The token limit that is made of it never cuts a value that the schema allows."""
    bounded = decodable({"type": "object", "properties": {"v": schema}})
    assert longest(bounded) >= len(json.dumps({"v": value}, separators=(",", ":")))
