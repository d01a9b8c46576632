"""Transforms of objects: rename and merge."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import CompileError, NativeError, Reason
from dspex.native import types
from dspex.native.transforms import transform

PRICES = [{"id": 1, "price": 5}, {"id": 2, "price": 7}]
NAMES = [{"id": 2, "name": "lamp"}, {"id": 3, "name": "desk"}]
DICT = types.DictOf(types.STR, types.INT)


@pytest.mark.parametrize(
    ("name", "value", "config", "expected"),
    [
        ("rename", {"a": 1, "b": 2}, {"fields": {"a": "x"}}, {"x": 1, "b": 2}),
        ("rename", [{"a": 1}, {"a": 2}], {"fields": {"a": "x"}}, [{"x": 1}, {"x": 2}]),
        ("rename", {"a": 1, "b": 2}, {"fields": {"a": "b", "b": "a"}}, {"b": 1, "a": 2}),
        ("rename", {"a": 1}, {"fields": {"a": "a"}}, {"a": 1}),
        ("merge", [{"a": 1}, {"b": 2}], {}, {"a": 1, "b": 2}),
        ("merge", [{"a": 1}, {"a": 1.0}], {}, {"a": 1}),
        ("merge", [{"a": 1}, {"a": 2}], {"conflict": "First"}, {"a": 1}),
        ("merge", [{"a": 1}, {"a": 2}], {"conflict": "Last"}, {"a": 2}),
        ("merge", [{"a": {"x": 1}}, {"a": {"y": 2}}], {"conflict": "Last"}, {"a": {"y": 2}}),
        ("merge", [], {}, {}),
        (
            "merge",
            [PRICES, NAMES],
            {"key": "id"},
            [PRICES[0], {"id": 2, "price": 7, "name": "lamp"}, NAMES[1]],
        ),
        (
            "merge",
            [[{"k": {"i": 1}, "a": 1}], [{"k": {"i": 1}, "a": 2}]],
            {"key": "k.i", "conflict": "Last"},
            [{"k": {"i": 1}, "a": 2}],
        ),
        ("merge", [[], []], {"key": "id"}, []),
    ],
)
def test_values(name: str, value: Any, config: dict[str, Any], expected: Any) -> None:
    """Each transform's result, its fields in order."""
    result = transform(name).apply(value, config)
    assert result == expected
    if isinstance(expected, dict):
        assert list(result) == list(expected)


@pytest.mark.parametrize(
    ("name", "value", "config", "message"),
    [
        ("rename", {"name": 1}, {"fields": {"nam": "x"}}, "no field 'nam'; did you mean 'name'"),
        ("rename", {"q": 1}, {"fields": {"zzz": "x"}}, "there is no field 'zzz'$"),
        ("rename", [{"a": 1}, {}], {"fields": {"a": "x"}}, "item 1: there is no field 'a'"),
        ("rename", {"a": 1, "x": 2}, {"fields": {"a": "x"}}, "'a' can't become 'x': there is such"),
        ("rename", 3, {"fields": {"a": "x"}}, "rename takes an object, not a number"),
        ("rename", [None], {"fields": {"a": "x"}}, "item 0: rename takes an object, not null"),
        ("merge", {"a": 1}, {}, "merge takes a list, not an object"),
        ("merge", [{"a": 1}, 2], {}, "item 1: merge takes objects, not a number"),
        ("merge", [{"a": 1}, {"a": 2}], {}, "item 1: the field 'a' has another value already; .*Las"),
        ("merge", [PRICES, 1], {"key": "id"}, "item 1: merge with key takes a list of lists"),
        ("merge", [[{"a": 1}]], {"key": "id"}, r"item 0\[0\]: there is no field 'id'"),
        ("merge", [PRICES, [{"id": 1, "price": 6}]], {"key": "id"}, r"item 1\[0\]: the field 'pr"),
    ],
)  # fmt: skip
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
        ("rename", {}, "missing required field `fields`"),
        ("rename", {"fields": {}}, "rename needs fields"),
        ("rename", {"fields": {"a": "x", "b": "x"}}, "two of fields become 'x'"),
        ("merge", {"key": "a..b"}, "is no path"),
        ("merge", {"conflict": "Best"}, "invalid enum value 'Best'"),
    ],
)
def test_a_wrong_config_is_found_when_compiled(
    name: str, config: dict[str, Any], message: str
) -> None:
    """Before any value is there."""
    with pytest.raises(CompileError, match=message):
        transform(name).check(config)


@pytest.mark.parametrize(
    ("name", "input_type", "config", "expected"),
    [
        ("rename", DICT, {"fields": {"a": "x"}}, "dict[str, int]"),
        ("rename", types.DictOf(types.INT, types.STR), {"fields": {"1": "x"}}, "dict[str, str]"),
        ("rename", types.ListOf(types.OBJECT), {"fields": {"a": "x"}}, "list[object]"),
        ("rename", types.ListOf(types.ANY), {"fields": {"a": "x"}}, "list[Any]"),
        ("rename", types.ANY, {"fields": {"a": "x"}}, "Any"),
        ("merge", types.ListOf(DICT), {}, "dict[str, int]"),
        ("merge", types.ListOf(types.union(DICT, types.OBJECT)), {}, "object"),
        ("merge", types.ANY, {}, "object"),
        ("merge", types.ListOf(types.ListOf(DICT)), {"key": "id"}, "list[dict[str, int]]"),
        ("merge", types.ANY, {"key": "id"}, "list[object]"),
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
        ("rename", types.STR, {"fields": {"a": "x"}}),
        ("rename", types.ListOf(types.STR), {"fields": {"a": "x"}}),
        ("merge", types.STR, {}),
        ("merge", types.ListOf(types.STR), {}),
        ("merge", types.ListOf(DICT), {"key": "id"}),
        ("merge", types.ListOf(types.ListOf(types.STR)), {"key": "id"}),
    ],
)
def test_a_type_that_cannot_be_taken_is_refused(
    name: str, input_type: types.Type, config: dict[str, Any]
) -> None:
    """When the pipeline is compiled."""
    with pytest.raises(CompileError) as caught:
        transform(name).output_type(input_type, config)
    assert caught.value.diagnostics[0].code == "WrongType"


_objects = st.dictionaries(st.sampled_from("abcd"), st.integers())


@given(_objects, st.permutations("abcd"))
def test_a_rename_can_be_taken_back(value: dict[str, int], to: list[str]) -> None:
    """No value is lost, whichever names are exchanged."""
    pairs = {old: new for old, new in zip("abcd", to, strict=True) if old in value}
    free = {old: f"{new}2" for old, new in pairs.items()}
    if not free:
        return
    renamed = transform("rename").apply(value, {"fields": free})
    back = transform("rename").apply(renamed, {"fields": {new: old for old, new in free.items()}})
    assert list(back.items()) == list(value.items())


@given(st.lists(_objects, max_size=5))
def test_merge_keeps_every_field(objects: list[dict[str, int]]) -> None:
    """First and Last are each other's mirror."""
    first = transform("merge").apply(objects, {"conflict": "First"})
    last = transform("merge").apply(objects[::-1], {"conflict": "Last"})
    assert first == last
    assert set(first) == set().union(*objects)
