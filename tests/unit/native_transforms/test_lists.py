"""Transforms of lists: sort, dedupe, group, sample, split into parts, chunk."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import CompileError, NativeError, Reason
from dspex.native import types
from dspex.native.transforms import transform
from dspex.native.transforms.shuffle import shuffled
from dspex.native.validation.containers import identity

ROWS = [{"n": 2, "t": "b"}, {"n": 1, "t": "a"}, {"n": 2, "t": "a"}, {"n": 1.0, "t": None}]
GAPS = [{"n": 1}, {}, {"n": None}, {"n": 0}]
DICT = types.DictOf(types.STR, types.INT)


@pytest.mark.parametrize(
    ("name", "value", "config", "expected"),
    [
        ("sort", [3, 1.5, -2], {}, [-2, 1.5, 3]),
        ("sort", ["b", "a", "Z"], {}, ["Z", "a", "b"]),
        ("sort", [True, False], {}, [False, True]),
        ("sort", [], {}, []),
        ("sort", ROWS, {"field": "n"}, [ROWS[1], ROWS[3], ROWS[0], ROWS[2]]),
        (
            "sort",
            ROWS,
            {"field": "n", "order": "Descending"},
            [ROWS[0], ROWS[2], ROWS[1], ROWS[3]],
        ),
        ("sort", GAPS, {"field": "n", "missing": "First"}, [GAPS[1], GAPS[2], GAPS[3], GAPS[0]]),
        ("sort", GAPS, {"field": "n", "missing": "Last"}, [GAPS[3], GAPS[0], GAPS[1], GAPS[2]]),
        (
            "sort",
            GAPS,
            {"field": "n", "missing": "Last", "order": "Descending"},
            [GAPS[0], GAPS[3], GAPS[1], GAPS[2]],
        ),
        ("sort", [2, None, 1], {"missing": "Last"}, [1, 2, None]),
        ("dedupe", [1, 1.0, True, "1", None, None], {}, [1, True, "1", None]),
        ("dedupe", [{"a": 1, "b": 2}, {"b": 2, "a": 1}], {}, [{"a": 1, "b": 2}]),
        ("dedupe", ROWS, {"field": "n"}, ROWS[:2]),
        ("dedupe", ROWS, {"field": "n", "keep": "Last"}, ROWS[2:]),
        (
            "group",
            ROWS,
            {"field": "n"},
            [{"key": 2, "items": [ROWS[0], ROWS[2]]}, {"key": 1, "items": [ROWS[1], ROWS[3]]}],
        ),
        (
            "group",
            ["b", "a", "b"],
            {},
            [{"key": "b", "items": ["b", "b"]}, {"key": "a", "items": ["a"]}],
        ),
        ("group", [], {"field": "n"}, []),
        ("sample", ["a", "b"], {"size": 5}, ["a", "b"]),
        ("sample", ["a", "b"], {"size": 0}, []),
        ("sample", list(range(10)), {"size": 3}, [3, 5, 7]),
        ("sample", list(range(10)), {"size": 3, "seed": 7}, [3, 6, 8]),
        ("split", [1, 2, 3, 4], {"sizes": {"dev": 1, "train": None}}, {"dev": [1], "train": [2, 3, 4]}),
        ("split", [], {"sizes": {"dev": 0, "train": None}}, {"dev": [], "train": []}),
        ("split", list(range(10)), {"fractions": {"a": 0.7, "b": 0.2, "c": 0.1}},
         {"a": [0, 1, 2, 3, 4, 5, 6], "b": [7, 8], "c": [9]}),
        ("split", [1], {"fractions": {"a": 0.5, "b": 0.5}}, {"a": [1], "b": []}),
        ("split", [1, 2, 3], {"fractions": {"a": 0.333333, "b": 0.666667}}, {"a": [1], "b": [2, 3]}),
        ("split", list(range(10)), {"sizes": {"dev": 3, "train": None}, "seed": 0},
         {"dev": [3, 5, 7], "train": [0, 1, 2, 4, 6, 8, 9]}),
        ("chunk", [1, 2, 3, 4, 5], {"size": 2}, [[1, 2], [3, 4], [5]]),
        ("chunk", [1, 2, 3, 4, 5], {"size": 3, "overlap": 1}, [[1, 2, 3], [3, 4, 5]]),
        ("chunk", [1, 2], {"size": 9, "overlap": 8}, [[1, 2]]),
        ("chunk", [], {"size": 2}, []),
    ],
)  # fmt: skip
def test_values(name: str, value: Any, config: dict[str, Any], expected: Any) -> None:
    """Each transform's result."""
    assert transform(name).apply(value, config) == expected


@pytest.mark.parametrize(
    ("name", "value", "config", "message"),
    [
        ("sort", "ab", {}, "sort takes a list, not a string"),
        ("sort", [1, "a"], {}, "item 1 is a string, but item 0 is a number"),
        ("sort", [1, True], {}, "item 1 is a boolean, but item 0 is a number"),
        ("sort", [{"a": 1}], {}, "item 0 is an object, which has no order"),
        ("sort", [[1]], {"missing": "Last"}, "item 0 is a list, which has no order"),
        ("sort", [{"n": 1}, {}], {"field": "n"}, "item 1: there is no field 'n'"),
        ("sort", [{"n": None}], {"field": "n"}, "item 0: null has no order; .* missing: First"),
        ("dedupe", {"a": 1}, {}, "dedupe takes a list, not an object"),
        (
            "dedupe",
            [{"name": 1}, {"nam": 1}],
            {"field": "name"},
            "item 1: there is no field 'name'; did",
        ),
        ("group", None, {}, "group takes a list, not null"),
        ("group", [1], {"field": "a"}, "item 0: 'a' of a number: only an object has fields"),
        ("sample", "ab", {"size": 1}, "sample takes a list, not a string"),
        ("split", [1], {"sizes": {"a": 2, "b": None}}, "sizes ask for 2 items, and the list has 1"),
        ("split", "ab", {"sizes": {"a": None}}, "split with fractions or sizes takes a list"),
        ("chunk", 1, {"size": 2}, "chunk takes a list or a string, not a number"),
        ("chunk", [0] * 20_000, {"size": 9_999, "overlap": 9_998}, "smaller overlap or a larger"),
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
        ("sort", {"order": "Up"}, "invalid enum value 'Up'"),
        ("sort", {"field": "a."}, "is no path"),
        ("sort", {"feild": "a"}, "did you mean 'field'"),
        ("dedupe", {"keep": "Best"}, "invalid enum value 'Best'"),
        ("group", {"field": "["}, "is no path"),
        ("sample", {}, "missing required field `size`"),
        ("sample", {"size": -1}, "size must be 0 or more"),
        ("sample", {"size": 1, "seed": -1}, "seed must be from 0 to 4294967295"),
        ("split", {}, "exactly one of separator, lines, fractions and sizes"),
        ("split", {"lines": True, "separator": ","}, "exactly one of"),
        ("split", {"separator": ""}, "separator must not be empty"),
        ("split", {"separator": ",", "seed": 1}, "seed belongs to fractions and sizes"),
        ("split", {"fractions": {"a": 0.5, "b": 0.4}}, "fractions must be 1 together, not 0.9"),
        ("split", {"fractions": {"a": 1.5}}, "the fraction of 'a' must be from 0 to 1"),
        ("split", {"sizes": {"a": 1}}, "exactly one of sizes must be null"),
        ("split", {"sizes": {"a": None, "b": None}}, "exactly one of sizes must be null"),
        ("split", {"sizes": {"a": None, "b": -1}}, "the size of 'b' must be 0 or more"),
        ("chunk", {"size": 0}, "size must be 1 or more"),
        ("chunk", {"size": 2, "overlap": 2}, "overlap must be from 0 to less than size"),
        ("chunk", {"size": 2, "boundary": "Page"}, "invalid enum value 'Page'"),
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
        ("sort", types.ListOf(DICT), {"field": "n"}, "list[dict[str, int]]"),
        ("sort", types.SetOf(types.STR), {}, "list[str]"),
        ("dedupe", types.ListOf(types.INT), {}, "list[int]"),
        ("dedupe", types.ANY, {"field": "a"}, "list[Any]"),
        ("group", types.ListOf(DICT), {"field": "n"}, "list[object]"),
        ("sample", types.TupleOf((types.INT,), True), {"size": 1}, "list[int]"),
        ("split", types.ListOf(DICT), {"sizes": {"a": None}}, "dict[str, list[dict[str, int]]]"),
        ("chunk", types.ListOf(types.INT), {"size": 2}, "list[list[int]]"),
        ("chunk", types.TupleOf((types.INT, types.STR)), {"size": 2}, "list[list[Any]]"),
        ("chunk", types.STR, {"size": 2}, "list[str]"),
        ("chunk", types.ANY, {"size": 2}, "list[Any]"),
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
        ("sort", types.STR, {}),
        ("sort", types.ListOf(types.STR), {"field": "x"}),
        ("dedupe", types.OBJECT, {}),
        ("group", types.ListOf(types.INT), {"field": "x"}),
        ("sample", types.STR, {"size": 1}),
        ("split", types.STR, {"sizes": {"a": None}}),
        ("split", types.ListOf(types.STR), {"lines": True}),
        ("chunk", types.INT, {"size": 1}),
    ],
)
def test_a_type_that_cannot_be_taken_is_refused(
    name: str, input_type: types.Type, config: dict[str, Any]
) -> None:
    """When the pipeline is compiled."""
    with pytest.raises(CompileError) as caught:
        transform(name).output_type(input_type, config)
    assert caught.value.diagnostics[0].code == "WrongType"


_rows = st.lists(st.fixed_dictionaries({"n": st.integers(0, 3), "m": st.integers(0, 9)}))
_json = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([1.0, "a", "1"])
_items = st.lists(
    _json | st.lists(_json, max_size=2) | st.dictionaries(st.sampled_from("ab"), _json)
)
_seeds = st.integers(0, 2**32 - 1)


@given(_rows, st.sampled_from(["Ascending", "Descending"]))
def test_sort_is_stable(rows: list[dict[str, int]], order: str) -> None:
    """Sorted by one field and then by another, rows are in the order of both."""
    by_m = transform("sort").apply(rows, {"field": "m"})
    result = transform("sort").apply(by_m, {"field": "n", "order": order})
    sign = 1 if order == "Ascending" else -1
    assert result == sorted(rows, key=lambda row: (sign * row["n"], row["m"]))


@given(_items, st.sampled_from(["First", "Last"]))
def test_dedupe_is_idempotent(items: list[Any], keep: str) -> None:
    """What is left has no duplicates, lacks no value, and stays as it is."""
    once = transform("dedupe").apply(items, {"keep": keep})
    assert {identity(item) for item in once} == {identity(item) for item in items}
    assert len(once) == len({identity(item) for item in items})
    assert transform("dedupe").apply(once, {"keep": keep}) == once


@given(_items)
def test_group_partitions(items: list[Any]) -> None:
    """Every item is in the group of its key, once, in order; no two groups share a key."""
    groups = transform("group").apply(items, {})
    keys = [identity(group["key"]) for group in groups]
    assert keys == list(dict.fromkeys(map(identity, items)))
    for group in groups:
        mine = [item for item in items if identity(item) == identity(group["key"])]
        assert group["items"] == mine


@given(st.integers(0, 60), st.integers(0, 70), _seeds)
def test_a_sample_is_a_subset_and_repeats(count: int, size: int, seed: int) -> None:
    """As many as asked for, each once, in order, the same each time."""
    config = {"size": size, "seed": seed}
    result = transform("sample").apply(list(range(count)), config)
    assert len(result) == min(count, size)
    assert result == sorted(set(result))
    assert set(result) <= set(range(count))
    assert transform("sample").apply(list(range(count)), config) == result


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 50), st.none() | _seeds)
def test_parts_cover_the_list(weights: list[int], count: int, seed: int | None) -> None:
    """Each item is in exactly one part, and no part is off its fraction by more than one item."""
    total = sum(weights)
    fractions = {f"p{index}": weight / total for index, weight in enumerate(weights)}
    config = {"fractions": fractions, "seed": seed}
    parts = transform("split").apply(list(range(count)), config)
    assert sorted(itertools.chain(*parts.values())) == list(range(count))
    assert all(part == sorted(part) for part in parts.values())
    for name, fraction in fractions.items():
        assert abs(len(parts[name]) - fraction * count) <= 1 + 1e-3


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9))
def test_chunks_of_a_list_are_the_list(items: list[int], size: int) -> None:
    """One behind the other; all but the last are full."""
    chunks = transform("chunk").apply(items, {"size": size})
    assert list(itertools.chain(*chunks)) == items
    assert all(len(chunk) == size for chunk in chunks[:-1])


def test_the_order_by_chance_is_pinned() -> None:
    """It is part of what runs promise: another order would change what a resumed run samples."""
    assert shuffled(8, 0) == [3, 7, 5, 2, 4, 1, 6, 0]
    assert [index for index in shuffled(9, 0) if index < 8] == shuffled(8, 0)
