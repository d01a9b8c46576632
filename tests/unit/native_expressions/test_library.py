"""The functions that DSPex adds to CEL: values, types, errors, bounds."""

import contextlib
import json
import math
import subprocess
import sys
import threading
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import ExpressionError, NativeError, Reason
from dspex.native import types
from dspex.native.expressions import Scope, Variable, compile_expression, program
from dspex.native.expressions.library import LIBRARY

SCOPE = Scope(
    {
        "inputs.ints": Variable(types.ListOf(types.INT)),
        "inputs.floats": Variable(types.ListOf(types.FLOAT)),
        "inputs.none": Variable(types.ListOf(types.FLOAT)),
        "inputs.texts": Variable(types.ListOf(types.STR)),
        "inputs.lists": Variable(types.ListOf(types.ListOf(types.INT))),
        "inputs.blobs": Variable(types.ListOf(types.BYTES)),
        "inputs.times": Variable(types.ListOf(types.DATETIME)),
        "inputs.counts": Variable(types.DictOf(types.STR, types.INT)),
        "inputs.any": Variable(types.ANY),
        "inputs.text": Variable(types.STR),
        "inputs.maybe": Variable(types.optional(types.ListOf(types.INT))),
    }
)
VALUES = {
    "inputs.ints": [3, 1, 3],
    "inputs.floats": [1.5, 2],
    "inputs.none": [],
    "inputs.texts": ["b", "a", "b"],
    "inputs.lists": [[1], [2, 3]],
    "inputs.blobs": ["eHl6", "eHl6"],
    "inputs.times": ["2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z"],
    "inputs.counts": {"z": 1, "a": 2},
    "inputs.any": [1, "x", None, {"b": 1.0}],
    "inputs.text": '{"a": [1, null]}',
}


def value_of(source: str, values: dict[str, Any] = VALUES) -> Any:
    """Compile and evaluate."""
    return compile_expression(source, SCOPE).evaluate(values)


@pytest.mark.parametrize(
    ("source", "expected", "type_"),
    [
        ("inputs.ints.sum()", 7, "int"),
        ("inputs.floats.sum()", 3.5, "float"),
        ("inputs.none.sum()", 0.0, "float"),
        ("inputs.none.sum() + 1.0", 1.0, "float"),
        ("inputs.ints.sum() + inputs.lists[1].sum()", 12, "int"),
        ("[inputs.none.sum(), inputs.floats.sum()].sum()", 3.5, "float"),
        ("inputs.ints.filter(x, x > 9).map(x, double(x)).sum()", 0.0, "float"),
        ("[0.1, 0.2, 0.3].sum()", 0.6, "float"),
        ("[1, 2.5].sum()", 3.5, "Any"),
        ("inputs.ints.min()", 1, "int"),
        ("inputs.texts.max() + 'x'", "bx", "str"),
        ("inputs.ints.mean()", 7 / 3, "float"),
        ("inputs.texts.sort()", ["a", "b", "b"], "list[str]"),
        ("[true, false].sort()", [False, True], "list[bool]"),
        ("inputs.texts.distinct()", ["b", "a"], "list[str]"),
        ("inputs.blobs.distinct()", ["eHl6"], "list[bytes]"),
        ("[dyn(1), 1.0, true, '1', 1].distinct()", [1, True, "1"], "list[Any]"),
        ("inputs.any.distinct()", [1, "x", None, {"b": 1.0}], "list[Any]"),
        ("inputs.lists.flatten()", [1, 2, 3], "list[int]"),
        ("[1, [2, [3]]].flatten()", [1, 2, [3]], "list[Any]"),
        ("[1, [2, [3]]].flatten(9)", [1, 2, 3], "list[Any]"),
        ("[1, [2]].flatten(0)", [1, [2]], "list[Any]"),
        ("inputs.ints.slice(1, 3)", [1, 3], "list[int]"),
        ("inputs.ints.reverse()[2]", 3, "int"),
        ("'añb'.reverse()", "bña", "str"),
        ("lists.range(3)", [0, 1, 2], "list[int]"),
        ("lists.range(-1)", [], "list[int]"),
        ("lists.range(2).map(i, [inputs.texts[i], string(inputs.ints[i])])",
         [["b", "3"], ["a", "1"]], "list[list[str]]"),
        ("json.encode(inputs.counts)", '{"a":2,"z":1}', "str"),
        ("json.encode({1: b'x', 2: duration('1s')})", '{"1":"eA==","2":"1s"}', "str"),
        ("json.encode(inputs.times[0])", '"2020-01-02T00:00:00Z"', "str"),
        ("json.encode('é') + json.encode(1) + json.encode(1u) + json.encode(null)", '"é"11null', "str"),
        ("json.decode(inputs.text).a[0]", 1, "Any"),
        ("inputs.lists.map(x, x.sum())", [1, 5], "list[int]"),
        ("inputs.lists.exists(x, x.max() > 2)", True, "bool"),
        ("inputs.lists.map(x, x.map(y, y * 2).sum())", [2, 10], "list[int]"),
        ("inputs.times.map(t, string(t)).max()", "2020-01-02T00:00:00Z", "str"),
        ("size(inputs.ints) > 9 ? inputs.none.max() : 0.5", 0.5, "float"),
        ("coalesce(inputs.maybe.sum(), 0)", 0, "int"),
        ("inputs.ints.map(json, json + 1).sum()", 10, "int"),
    ],
)  # fmt: skip
def test_values_and_types(source: str, expected: object, type_: str) -> None:
    """Each function's value, and its static type: that of the list's items where it is known."""
    expression = compile_expression(source, SCOPE)
    value = expression.evaluate(VALUES)
    assert value == expected
    assert type(value) is type(expected)
    assert str(expression.type) == type_


@pytest.mark.parametrize(
    ("source", "message", "remedy", "place"),
    [
        ("inputs.texts.sum()", "sum can't be applied to list[str]", "map(x, double(x))", "sum"),
        ("inputs.counts.max()", "max can't be applied to dict[str, int]", "a list of num", "max"),
        ("inputs.times.sort()", "sort can't be applied to list[datetime]", "string(x)", "sort"),
        ("inputs.ints.flatten()", "flatten can't be applied to list[int]", "of lists", "flatten"),
        ("inputs.ints.slice('a', 2)", "slice can't be applied to list[int] with (str, int)",
         "list.slice(start, end)", "slice"),
        ("lists.range('a')", "lists.range can't be applied to (str)", "range(10)", "range"),
        ("json.decod(inputs.text)", "unknown function 'json.decod'", "'json.decode'", "json.decod"),
        ("math.pow(2, 3)", "unknown function 'math.pow'", "math.abs", "math.pow"),
        ("inputs.ints.summ()", "unknown function 'summ'", "did you mean 'sum'?", "summ"),
        ("inputs.ints.sum() + 'a'", "'+' can't be applied to int and str", "string(x)", "+"),
    ],
)  # fmt: skip
def test_wrong_types_are_found_when_compiled(
    source: str, message: str, remedy: str, place: str
) -> None:
    """With the place in what the person wrote, and what to write instead."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, SCOPE)
    (found,) = caught.value.diagnostics
    assert found.message == message
    assert remedy in (found.remedy or "")
    assert source[found.start : found.end] == place


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("inputs.any.sum()", r"sum\(\) takes numbers; item 1 is a string"),
        ("[dyn(true)].mean()", r"mean\(\) takes numbers; item 0 is a boolean"),
        ("inputs.any[0].sum()", r"no such operation: \(int64\).sum\(\)"),
        ("inputs.any.slice(0, inputs.any[1])", r"no such operation: \(list\).slice\(int64, string"),
        ("[9223372036854775807, 1].sum()", "9223372036854775808, which does not fit in 64 bits"),
        ("[1.0e308, 1.0e308].sum()", "more than a float can hold"),
        ("inputs.none.mean()", r"mean\(\) of an empty list; ask size\(x\) > 0 first"),
        ("inputs.none.min()", r"min\(\) of an empty list"),
        ("inputs.any.sort()", "item 1 is a string, but item 0 is a number"),
        ("[dyn([1])].max()", "item 0 is a list, which has no order"),
        ("[0.0 / 0.0].sort()", "item 0 is NaN, which has no order"),
        ("inputs.ints.slice(0, 9)", r"outside of a list of 3; bound it by math.least\(n, size"),
        ("inputs.ints.slice(2, 1)", "outside of a list of 3"),
        ("[[1]].flatten(-1)", "a depth of 0 or more, not -1"),
        ("inputs.times.reverse()", r"no timestamp and no duration back; .* by string\(x\)"),
        ("json.decode('{')", "the text is no JSON: .* at line 1, column 2"),
        ("json.decode('[NaN]')", "NaN is no JSON number"),
        ("json.decode('12345678901234567890')", "12345678901234567890 does not fit in 64 bits"),
        (r"""json.decode('{"a\\u0000b": 1}')""", r"a text holds the character U\+0000"),
        ("json.encode(0.0 / 0.0)", "nan, which JSON can't hold"),
        ("json.decode(inputs.any[0])", r"no such operation: json.decode\(int64\)"),
        (r"'a\u0000b'.replace('b', 'c')", r"a text holds the character U\+0000"),
        ("inputs.any.join(',')", "join takes a list of strings; item 0 is none"),
    ],
)
def test_wrong_values_fail_the_step(source: str, message: str) -> None:
    """ExpressionFailed says what was wrong, in the names that the person knows."""
    with pytest.raises(NativeError, match=message) as caught:
        value_of(source)
    assert caught.value.reason is Reason.EXPRESSION_FAILED
    assert "_" not in caught.value.message


MANY = {"inputs.ints": list(range(40_000)), "inputs.text": "[" + "[]," * 13_000 + "0]"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "lists.range(2000000)",
        "[" + ", ".join(["lists.range(400000)"] * 150) + "].size()",
        "[" + ", ".join(["json.decode(inputs.text)"] * 100) + "].size()",
        "[" + ", ".join(["json.encode(inputs.ints)"] * 100) + "].size()",
        "inputs.ints" + ".reverse()" * 30,
        "[" + ", ".join(["inputs.ints.slice(0, 40000)"] * 100) + "].flatten().flatten(3)",
    ],
)
def test_an_explosion_ends_in_an_error(source: str) -> None:
    """What all functions of one evaluation make is counted together."""
    expression = compile_expression(source, SCOPE)
    tracemalloc.start()
    start = time.monotonic()
    try:
        with pytest.raises(NativeError, match=r"more than|longer than"):
            expression.evaluate(MANY)
        assert time.monotonic() - start < 60
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400_000_000


def test_a_value_is_not_handed_over_without_end() -> None:
    """Each call copies its list out of CEL: naming a large one often is refused beforehand."""
    source = "[" + ", ".join(["inputs.ints.sum()"] * 100) + "].sum()"
    assert compile_expression(source, SCOPE).evaluate({"inputs.ints": [1]}) == 100
    with pytest.raises(NativeError, match="repeats a value of 300000 too often"):
        compile_expression(source, SCOPE).evaluate({"inputs.ints": list(range(300_000))})


def test_lists_are_let_go_of() -> None:
    """The binding keeps a function's values for ever: what they hold is freed, failed or not."""
    sources = ["inputs.ints.reverse()", "inputs.ints.slice(0, 99999999)"]
    expressions = [compile_expression(source, SCOPE) for source in sources]
    numbers = list(range(1_000_000_000, 1_000_050_000))

    def evaluate() -> None:
        for expression in expressions:
            with contextlib.suppress(NativeError):
                expression.evaluate({"inputs.ints": numbers})

    evaluate()
    tracemalloc.start()
    try:
        evaluate()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            evaluate()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 500_000  # one list of these numbers alone takes two million


def test_evaluations_are_counted_each_for_itself() -> None:
    """A bound that one evaluation comes near to is not the next one's, nor another thread's."""
    expression = compile_expression("lists.range(900000).size()", SCOPE)
    failures: list[BaseException] = []

    def twice() -> None:
        try:
            assert [expression.evaluate({}) for _ in range(2)] == [900_000] * 2
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=twice) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_expressions_without_them_do_not_load_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is declared for those that use it alone: nobody else pays for it."""
    asked: list[bool] = []
    original = program._environment

    def environment(*arguments: Any, library: bool) -> Any:
        asked.append(library)
        return original(*arguments, library=library)

    monkeypatch.setattr(program, "_environment", environment)
    compile_expression("size(inputs.ints) > 1 && 'a'.contains('b') && math.abs(-1) == 1", SCOPE)
    compile_expression("size(inputs.ints) > 1 || inputs.ints.sum() == 1", SCOPE)
    assert asked == [False, True]


def test_the_library_is_loaded_without_cel() -> None:
    """Compiling needs CEL; importing does not."""
    code = (
        "import sys, dspex.native.expressions.library; sys.exit('cel_expr_python' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_unique() -> None:
    """Each stands in the library once."""
    names = [function.name for function in LIBRARY]
    assert names == sorted(set(names))


_ints = st.lists(st.integers(-(2**53), 2**53), max_size=20)
_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(_ints)
def test_they_are_pythons(ints: list[int]) -> None:
    """Over any list of integers they say what Python says."""
    values = {"inputs.ints": ints}
    assert value_of("inputs.ints.sum()", values) == sum(ints)
    assert value_of("inputs.ints.sort()", values) == sorted(ints)
    assert value_of("inputs.ints.distinct()", values) == list(dict.fromkeys(ints))
    assert value_of("inputs.ints.reverse().reverse()", values) == ints
    if ints:
        assert value_of("inputs.ints.min()", values) == min(ints)
        assert value_of("inputs.ints.max()", values) == max(ints)
        assert math.isclose(value_of("inputs.ints.mean()", values), sum(ints) / len(ints))


@given(_json)
def test_json_survives(value: Any) -> None:
    """What is written is read again, and every JSON reader reads it."""
    values = {"inputs.any": value}
    assert value_of("json.decode(json.encode(inputs.any))", values) == value
    assert json.loads(value_of("json.encode(inputs.any)", values)) == value
