"""Transforms: pick, filter, join, json."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import CompileError, NativeError, Reason
from dspex.native import types
from dspex.native.transforms import TRANSFORMS, transform

ROWS = [{"s": 1, "t": "ab"}, {"s": 3, "t": "cd"}, {"t": None}]


@pytest.mark.parametrize(
    ("name", "value", "config", "expected"),
    [
        ("pick", {"a": {"b": [1, 2]}}, {"field": "a.b[-1]"}, 2),
        ("pick", [{"a": 1, "b": 2}], {"field": "a"}, [1]),
        ("pick", [{"a": 1, "b": 2}], {"fields": ["a"]}, [{"a": 1}]),
        ("pick", {"a": {"b": 1}, "c": 2}, {"fields": ["a.b", "c"]}, {"b": 1, "c": 2}),
        ("pick", [[1], [2]], {"field": "[1][0]"}, 2),
        ("pick", [{"a": 1}, {}], {"field": "a", "default": None}, [1, None]),
        ("pick", [{"a": 1}, {}], {"field": "a.b", "default": 0}, [0, 0]),
        ("filter", ROWS, {"field": "s", "value": 1}, ROWS[:1]),
        ("filter", ROWS, {"field": "s", "operator": "NotEqual", "value": 1}, ROWS[1:]),
        ("filter", ROWS, {"field": "s", "operator": "Greater", "value": 1}, ROWS[1:2]),
        ("filter", ROWS, {"field": "s", "operator": "GreaterOrEqual", "value": 1}, ROWS[:2]),
        ("filter", ROWS, {"field": "s", "operator": "Less", "value": 3}, ROWS[:1]),
        ("filter", ROWS, {"field": "s", "operator": "LessOrEqual", "value": 3}, ROWS[:2]),
        ("filter", ROWS, {"field": "s", "operator": "In", "value": [1, 3]}, ROWS[:2]),
        ("filter", ROWS, {"field": "s", "operator": "NotIn", "value": [1]}, ROWS[1:]),
        ("filter", ROWS, {"field": "s", "operator": "Exists"}, ROWS[:2]),
        ("filter", ROWS, {"field": "t", "operator": "NotExists"}, ROWS[2:]),
        ("filter", ["ab", "b"], {"operator": "StartsWith", "value": "a"}, ["ab"]),
        ("filter", ["ab", "b"], {"operator": "EndsWith", "value": "b"}, ["ab", "b"]),
        ("filter", ["ab", "b"], {"operator": "Contains", "value": "a"}, ["ab"]),
        ("filter", [["a"], ["b"]], {"operator": "Contains", "value": "a"}, [["a"]]),
        ("filter", [True, 1], {"value": 1}, [1]),
        ("filter", [], {"value": 1}, []),
        ("join", ["a", 1, {"x": None}], {}, 'a\n1\n{"x":null}'),
        ("join", ["a", "b"], {"separator": ", ", "prefix": "- "}, "- a, - b"),
        ("join", ROWS[:2], {"field": "t", "separator": ""}, "abcd"),
        ("join", [], {}, ""),
        ("json", '{"a": [1, null]}', {}, {"a": [1, None]}),
        ("json", '```json\n{"a": 1}\n```', None, {"a": 1}),
        ("json", "  ```\n[1]```\n", {}, [1]),
        ("json", {"b": "é", "a": 1}, {"mode": "Format"}, '{"b":"é","a":1}'),
        ("json", [1], {"mode": "Format", "indent": 2}, "[\n  1\n]"),
    ],
)
def test_values(name: str, value: Any, config: dict[str, Any] | None, expected: Any) -> None:
    """Each transform's result."""
    assert transform(name).apply(value, config) == expected


@pytest.mark.parametrize(
    ("name", "value", "config", "message"),
    [
        ("pick", [{"name": 1}], {"field": "nam"}, "item 0: there is no field 'nam'; did you mean"),
        ("pick", {"a": 1}, {"field": "a.b"}, "'b' of a number: only an object has fields"),
        ("pick", {"a": 1}, {"field": "a[0]"}, "only a list has positions"),
        ("pick", {"a": [1]}, {"field": "a[1]"}, "outside of a list of 1"),
        ("pick", "text", {"field": "a"}, "pick takes an object, not a string"),
        ("pick", [None], {"field": "a"}, "item 0: pick takes an object, not null"),
        ("filter", {"a": 1}, {"value": 1}, "filter takes a list, not an object"),
        ("filter", ["a"], {"operator": "Less", "value": 1}, "Less can't compare a string with a"),
        ("filter", [True], {"operator": "Less", "value": 1}, "Less can't compare a boolean"),
        ("filter", [1], {"operator": "StartsWith", "value": "a"}, "StartsWith can't compare"),
        ("filter", [1], {"operator": "Contains", "value": "a"}, "Contains can't compare a number"),
        ("join", "ab", {}, "join takes a list, not a string"),
        ("join", [{"a": 1}], {"field": "b"}, "item 0: there is no field 'b'"),
        ("json", {"a": 1}, {}, "json with mode Parse takes a string"),
        ("json", "{", {}, "the text is no JSON: .* at line 1, column 2"),
        ("json", "[NaN]", {}, "NaN is no JSON number"),
        ("json", '{"a":1,"a":2}', {}, "a key twice"),
        ("json", "```json\n1\n```", {"fenced": False}, "the text is no JSON"),
        ("json", "[" * 100_000, {}, "no JSON"),
        ("json", "[" * 200 + "]" * 200, {}, "nested more than 100 deep"),
    ],
)
def test_values_that_do_not_fit_fail_the_step(
    name: str, value: Any, config: dict[str, Any], message: str
) -> None:
    """TransformFailed says what was wrong, and in which item."""
    with pytest.raises(NativeError, match=message) as caught:
        transform(name).apply(value, config)
    assert caught.value.reason is Reason.TRANSFORM_FAILED


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("pick", {}, "exactly one of field and fields"),
        ("pick", {"field": "a", "fields": ["b"]}, "exactly one of field and fields"),
        ("pick", {"fields": ["a.x", "b.x"]}, "end in the same name"),
        ("pick", {"field": "a..b"}, "'a..b' is no path"),
        ("pick", {"field": ""}, "'' is no path"),
        ("pick", {"feild": "a"}, "did you mean 'field'"),
        ("filter", {"operator": "Bigger", "value": 1}, "invalid enum value 'Bigger'"),
        ("filter", {"field": "a"}, "Equal needs a value"),
        ("filter", {"operator": "Exists", "value": 1}, "Exists takes no value"),
        ("filter", {"operator": "In", "value": 1}, "In needs a list"),
        ("filter", {"field": "[", "value": 1}, "is no path"),
        ("join", {"field": "a."}, "is no path"),
        ("json", {"mode": "Print"}, "invalid enum value"),
        ("json", {"mode": "Format", "indent": 99}, "indent must be from 0 to 16"),
        ("json", {"indent": 2}, "indent belongs to mode Format"),
    ],
)
def test_a_wrong_config_is_found_when_compiled(
    name: str, config: dict[str, Any], message: str
) -> None:
    """Before any value is there."""
    with pytest.raises(CompileError, match=message):
        transform(name).check(config)


DICT = types.DictOf(types.STR, types.INT)


@pytest.mark.parametrize(
    ("name", "input_type", "config", "expected"),
    [
        ("pick", DICT, {"field": "x"}, "int"),
        ("pick", types.ListOf(DICT), {"field": "x"}, "list[int]"),
        ("pick", types.ListOf(DICT), {"field": "[0].x"}, "int"),
        ("pick", types.TupleOf((DICT,), True), {"field": "x"}, "list[int]"),
        ("pick", types.TupleOf((DICT, DICT)), {"field": "x"}, "Any"),
        ("pick", types.TupleOf((DICT, DICT)), {"field": "[0]"}, "Any"),
        ("pick", DICT, {"fields": ["x"]}, "object"),
        ("pick", types.ListOf(DICT), {"fields": ["x"]}, "list[object]"),
        ("pick", DICT, {"field": "x", "default": None}, "Any"),
        ("pick", types.OBJECT, {"field": "x.y"}, "Any"),
        ("pick", types.ANY, {"field": "x"}, "Any"),
        ("filter", types.ListOf(DICT), {"field": "x", "value": 1}, "list[dict[str, int]]"),
        ("filter", types.SetOf(types.STR), {"value": "a"}, "list[str]"),
        ("filter", types.ANY, {"value": "a"}, "list[Any]"),
        ("join", types.ListOf(DICT), {"field": "x"}, "str"),
        ("join", types.ListOf(types.STR), {}, "str"),
        ("join", types.ANY, {}, "str"),
        ("json", types.STR, {}, "Any"),
        ("json", types.ANY, {"mode": "Format"}, "str"),
    ],
)
def test_output_types(
    name: str, input_type: types.Type, config: dict[str, Any], expected: str
) -> None:
    """As exact as the input's type allows."""
    assert str(transform(name).output_type(input_type, config)) == expected


@pytest.mark.parametrize(
    ("name", "input_type", "config"),
    [
        ("pick", types.STR, {"field": "x"}),
        ("pick", types.ListOf(types.STR), {"fields": ["x"]}),
        ("pick", DICT, {"field": "x.y"}),
        ("filter", types.STR, {"value": 1}),
        ("filter", types.ListOf(types.STR), {"field": "x", "value": 1}),
        ("join", types.STR, {}),
        ("join", types.ListOf(types.STR), {"field": "x"}),
        ("json", types.INT, {}),
    ],
)
def test_a_type_that_cannot_be_taken_is_refused(
    name: str, input_type: types.Type, config: dict[str, Any]
) -> None:
    """When the pipeline is compiled."""
    with pytest.raises(CompileError) as caught:
        transform(name).output_type(input_type, config)
    assert caught.value.diagnostics[0].code == "WrongType"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(_json)
def test_json_reads_what_it_wrote(value: Any) -> None:
    """Format and Parse are each other's inverse."""
    text = transform("json").apply(value, {"mode": "Format"})
    assert transform("json").apply(text, {}) == value
    assert json.loads(text) == value


@given(st.text())
def test_json_takes_any_text(text: str) -> None:
    """A text is parsed, or fails with TransformFailed."""
    try:
        transform("json").apply(text, {})
    except NativeError as error:
        assert error.reason is Reason.TRANSFORM_FAILED  # noqa: PT017 - either outcome is right


def test_the_registry_names_them() -> None:
    """One file each."""
    assert " ".join(TRANSFORMS.names()) == (
        "chunk dedupe filter group join json merge pick rename sample sort split"
    )
    assert all(transform(name).summary for name in TRANSFORMS.names())
    with pytest.raises(CompileError, match="did you mean 'filter'"):
        transform("filtr")
