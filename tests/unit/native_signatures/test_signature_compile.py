"""Compiled signatures: overrides, findings, memory, schemas."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings

from dspex.errors import SignatureError
from dspex.native.field import Field
from dspex.native.signatures import (
    FieldOverride,
    check_field,
    compile_fields,
    compile_signature,
    constraints_from,
    parse_signature,
    parse_type,
    type_schema,
    with_overrides,
)
from dspex.native.types import ANY, INT, STR, Type
from dspex.native.validation import Validator
from fakes.typed_values import typed_values

TEXT = "message: str, note: str | None -> topic: Literal['a','b'], summary: str"


def override(name: str, *, description: str = "", **constraints: Any) -> FieldOverride:
    """Make an override from the manifests' names."""
    return FieldOverride(
        name=name, description=description, constraints=constraints_from(constraints)
    )


def test_overrides_add_words_and_constraints() -> None:
    """The fields keep name, type and order."""
    added = FieldOverride(
        name="summary",
        description="short",
        prefix="S:",
        constraints=constraints_from({"maxLength": 9}),
    )
    compiled = compile_signature(TEXT, instructions="Do.", overrides=(added,))
    field = compiled.signature.outputs[1]
    assert (field.description, field.prefix, field.constraints.max_length) == ("short", "S:", 9)
    assert compiled.signature.text == parse_signature(TEXT).text
    assert compiled.signature.instructions == "Do."
    result = compiled.output_validator.validate({"topic": "a", "summary": "x" * 10})
    assert [violation.path for violation in result.violations] == ["summary"]


def test_overrides_that_fit_nothing_are_all_named() -> None:
    """Unknown fields, duplicates and misfits, each with its path in the list."""
    overrides = [
        override("sumary"),
        override("topic", minLength=2),
        override("message", minimum=3),
        override("message"),
        override("qqqqqq"),
    ]
    with pytest.raises(SignatureError) as caught:
        with_overrides(parse_signature(TEXT), overrides)
    assert [(each.code, each.path) for each in caught.value.diagnostics] == [
        ("UnknownField", "fields[0].name"),
        ("ConstraintMisfit", "fields[1].minLength"),
        ("ConstraintMisfit", "fields[2].minimum"),
        ("DuplicateField", "fields[3].name"),
        ("UnknownField", "fields[4].name"),
    ]
    assert caught.value.diagnostics[0].remedy == "write summary"


def test_compiling_is_memoised() -> None:
    """The same text gives the same object, other words another one."""
    assert compile_signature(TEXT) is compile_signature(TEXT)
    assert compile_signature(TEXT) is not compile_signature(TEXT, instructions="x")
    compiled = compile_signature(TEXT)
    assert compiled.output_validator is compiled.output_validator
    fields = parse_signature(TEXT)
    assert compile_fields(fields.inputs, fields.outputs) is compile_fields(
        fields.inputs, fields.outputs
    )


def test_fields_with_wrong_constraints_or_defaults_are_all_named() -> None:
    """Paths begin with the list and the index."""
    good = Field(name="good", type=STR)
    misfit = Field(name="misfit", type=INT, constraints=constraints_from({"minLength": 1}))
    default = Field(name="off", type=INT, default='"x"')
    with pytest.raises(SignatureError) as caught:
        compile_fields([good, misfit], [default])
    assert [(each.code, each.path) for each in caught.value.diagnostics] == [
        ("InvalidName", "outputs[0].name"),
        ("ConstraintMisfit", "inputs[1].minLength"),
        ("InvalidDefault", "outputs[0].default"),
    ]


@pytest.mark.parametrize(
    ("type_", "default", "constraints", "path"),
    [
        ("int", "x", {}, "default"),
        ("int", "3", {}, "default"),
        ("list[int]", [1, "x"], {}, "default[1]"),
        ("str", "abc", {"maxLength": 2}, "default"),
        ("Literal['a']", "A", {}, "default"),
        ("object", {"a": "x"}, {"schema": {"properties": {"a": {"type": "integer"}}}}, "default.a"),
        ("str", None, {}, "default"),
    ],
)
def test_a_default_must_be_a_value_of_its_field(
    type_: str, default: Any, constraints: dict[str, Any], path: str
) -> None:
    """Defaults are taken strictly: what is wrong is seen before anything runs."""
    field = Field(
        name="a",
        type=parse_type(type_),
        default=json.dumps(default),
        constraints=constraints_from(constraints),
    )
    assert [(each.code, each.path) for each in check_field(field)] == [("InvalidDefault", path)]


def test_a_default_that_fits_is_silent() -> None:
    """None fits an optional field, an integer a float."""
    for type_, default in (("str | None", None), ("float", 1), ("list[int]", []), ("Any", {})):
        field = Field(name="a", type=parse_type(type_), default=json.dumps(default))
        assert check_field(field) == ()


def test_input_and_output_schemas() -> None:
    """Inputs that may be left out are not required; outputs all are."""
    compiled = compile_signature(
        TEXT, instructions="Do.", overrides=(override("summary", description="short", maxLength=9),)
    )
    assert compiled.input_schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Inputs",
        "type": "object",
        "properties": {
            "message": {"title": "message", "type": "string"},
            "note": {"title": "note", "anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["message"],
        "additionalProperties": False,
    }
    assert compiled.output_schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Outputs",
        "description": "Do.",
        "type": "object",
        "properties": {
            "topic": {"title": "topic", "type": "string", "enum": ["a", "b"]},
            "summary": {
                "title": "summary",
                "description": "short",
                "type": "string",
                "maxLength": 9,
            },
        },
        "required": ["topic", "summary"],
        "additionalProperties": False,
    }


def test_a_schema_shows_defaults() -> None:
    """The default stands in the property, and the field is not required."""
    field = Field(name="a", type=INT, default="3")
    schema = compile_fields([field], [Field(name="b", type=STR)]).input_schema
    assert schema["properties"]["a"] == {"title": "a", "default": 3, "type": "integer"}
    assert schema["required"] == []


@settings(deadline=None, max_examples=200)
@given(typed_values())
def test_a_value_of_a_type_fits_the_types_schema(typed: tuple[Type, Any]) -> None:
    """The schema of a type takes every value that the strict validator takes."""
    type_, value = typed
    schema = type_schema(type_)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(value), (schema, value)


@pytest.mark.parametrize(
    ("type_", "constraints", "good", "bad"),
    [
        (
            "str",
            {"minLength": 2, "maxLength": 3, "pattern": "^a"},
            ["ab", "abc"],
            ["a", "abcd", "bb"],
        ),
        ("str", {"format": "email"}, ["a@b.de"], ["x"]),
        ("str", {"enum": ["a", "b"]}, ["a"], ["c"]),
        ("int", {"minimum": 1, "maximum": 3}, [1, 3], [0, 4]),
        ("float", {"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [1.5], [1.0, 3.0]),
        ("float", {"multipleOf": 0.5}, [1.5], [1.25]),
        ("float", {"probability": True}, [0.0, 1.0], [1.5, -0.1]),
        ("float", {"confidence": True, "minimum": 0.5}, [0.5], [0.4, 1.1]),
        ("list[int]", {"minItems": 1, "maxItems": 2}, [[1]], [[], [1, 2, 3]]),
        ("list[int]", {"uniqueItems": True}, [[1, 2]], [[1, 1]]),
        ("list[str]", {"items": {"maxLength": 1}}, [["a"]], [["ab"]]),
        ("list[list[int]]", {"items": {"items": {"minimum": 1}}}, [[[1]]], [[[0]]]),
        ("list[float]", {"dimension": 2}, [[1.0, 2.0]], [[1.0]]),
        ("list[list[float]]", {"shape": [1, -1]}, [[[1.0]], [[]]], [[], [[1.0], [2.0]]]),
        ("list[Any]", {"shape": [1, 2]}, [[[1, 2]]], [[1], [[1]], [["a", "b"]]]),
        ("dict[str, float]", {"probability": True}, [{"a": 1.0}], [{"a": 1.5}]),
        ("str | None", {"maxLength": 1}, ["a", None], ["ab"]),
        ("int | str", {"minimum": 1, "maxLength": 1}, [1, "a"], [0, "ab"]),
        ("object", {"schema": {"required": ["a"]}}, [{"a": 1}], [{}, 3]),
        ("list[int]", {"schema": {"contains": {"const": 1}}}, [[1]], [[2]]),
        ("Any", {"minimum": 1, "minLength": 2}, [1, "ab", None, []], [0, "a"]),
        ("Any", {"enum": [1, "a"]}, [1, "a"], [2, "b"]),
    ],
)
def test_schema_and_validator_agree_on_constraints(
    type_: str, constraints: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    """Both take the good values and refuse the bad ones."""
    field = Field(name="a", type=parse_type(type_), constraints=constraints_from(constraints))
    assert check_field(field) == ()
    schema = jsonschema_rs.Draft202012Validator(
        type_schema(field.type, field.constraints), validate_formats=True
    )
    validator = Validator([field])
    for value in good:
        assert schema.is_valid(value), value
        assert validator.validate({"a": value}, strict=True).violations == (), value
    for value in bad:
        assert not schema.is_valid(value), value
        assert validator.validate({"a": value}, strict=True).violations, value


def test_references_inside_a_fields_schema_count_from_that_schema() -> None:
    """The field's schema stays whole as a part of the record's."""
    own = {"$defs": {"n": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/n"}}}
    field = Field(
        name="a", type=parse_type("object"), constraints=constraints_from({"schema": own})
    )
    compiled = compile_fields([field], [Field(name="b", type=ANY)])
    validator = jsonschema_rs.Draft202012Validator(compiled.input_schema)
    assert validator.is_valid({"a": {"x": 1}})
    assert not validator.is_valid({"a": {"x": "y"}})
    assert not validator.is_valid({})
