"""Wire form and Python form of values."""

import datetime
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import assume, given, settings

from dspex.native.field import Field
from dspex.native.signatures import parse_type
from dspex.native.types import Type
from dspex.native.validation import Validator
from dspex.native.wire import from_wire, to_wire
from fakes.typed_values import typed_values

UTC = datetime.UTC

PAIRS: list[tuple[str, Any, Any]] = [
    ("str", "x", "x"),
    ("bytes", b"hi", "aGk="),
    ("date", datetime.date(2026, 11, 22), "2026-11-22"),
    ("datetime", datetime.datetime(2026, 11, 22, 21, 4, 5, tzinfo=UTC), "2026-11-22T21:04:05Z"),
    ("datetime", datetime.datetime.fromisoformat("2026-11-22T21:04"), "2026-11-22T21:04:00"),
    ("set[str]", {"b", "a"}, ["a", "b"]),
    ("set[bytes]", {b"hi"}, ["aGk="]),
    ("tuple[int, bytes]", (1, b"hi"), [1, "aGk="]),
    ("tuple[bytes, ...]", (b"hi", b"hi"), ["aGk=", "aGk="]),
    ("list[tuple[int, int]]", [(1, 2)], [[1, 2]]),
    ("dict[int, bytes]", {1: b"hi"}, {"1": "aGk="}),
    ("dict[bool, int]", {True: 1}, {"true": 1}),
    ("dict[date, int]", {datetime.date(2026, 11, 22): 1}, {"2026-11-22": 1}),
    ("dict[Literal['a', 1], int]", {"a": 1, 1: 2}, {"a": 1, "1": 2}),
    ("dict[int | str, int]", {1: 1, "x": 2}, {"1": 1, "x": 2}),
    ("dict[tuple[int, int], str]", {(1, 2): "a"}, {"[1, 2]": "a"}),
    ("dict[None, int]", {None: 1}, {"null": 1}),
    ("dict[Any, int]", {"a": 1}, {"a": 1}),
    ("bytes | None", b"hi", "aGk="),
    ("date | list[bytes]", [b"hi"], ["aGk="]),
    ("Any", {"a": [1, None]}, {"a": [1, None]}),
    ("Image", {"url": "https://example.com/a.png"}, {"url": "https://example.com/a.png"}),
]


@pytest.mark.parametrize(("type_", "python", "wire"), PAIRS)
def test_both_forms_of_a_value(type_: str, python: Any, wire: Any) -> None:
    """Each form gives the other, and the wire form passes strict validation."""
    parsed = parse_type(type_)
    assert to_wire(parsed, python) == wire
    back = from_wire(parsed, wire)
    assert back == python
    assert type(back) is type(python)
    result = Validator([Field(name="a", type=parsed)]).validate({"a": wire}, strict=True)
    assert result.violations == ()


@settings(deadline=None, max_examples=300)
@given(typed_values())
def test_every_value_comes_back(typed: tuple[Type, Any]) -> None:
    """From wire to Python and back it is the same value, but for the order in sets."""
    type_, value = typed
    # In a set of sets two that differ in order only are two lists, and the same Python set.
    assume(str(type_).count("set[") <= 1)
    [normal] = Validator([Field(name="a", type=type_)]).validate({"a": value}).values.values()
    again = to_wire(type_, from_wire(type_, normal))
    checked = Validator([Field(name="a", type=type_)]).validate({"a": again}, strict=True)
    assert checked.violations == ()
    if "set" not in str(type_):
        assert again == normal


@pytest.mark.parametrize(
    ("type_", "python", "wire"),
    [
        ("Any", {"a": b"hi", 1: {2, 1}, "d": datetime.date(2026, 1, 2)},
         {"a": "aGk=", "1": [1, 2], "d": "2026-01-02"}),
        ("Any", (1, frozenset({"x"})), [1, ["x"]]),
        ("Any", datetime.datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        ("dict[str, int]", OrderedDict(a=1), {"a": 1}),
        ("list[int]", (1, 2), [1, 2]),
        ("list[int]", {2, 1}, [1, 2]),
        ("set[int]", [2, 1], [2, 1]),
        ("str", b"hi", "aGk="),
        ("int | None", b"hi", "aGk="),
        ("tuple[int, str]", (1, "a", b"hi"), [1, "a", "aGk="]),
        ("tuple[int, str]", [1], [1]),
        ("tuple[()]", [1], [1]),
        ("object", {(1, 2): 1}, {"[1, 2]": 1}),
    ],
)  # fmt: skip
def test_python_values_that_the_type_does_not_expect(type_: str, python: Any, wire: Any) -> None:
    """They get the wire form of their own class; whether they fit is for the validator to say."""
    assert to_wire(parse_type(type_), python) == wire


def test_what_has_no_wire_form_is_left_for_the_validator() -> None:
    """An object of a user's class is found there, with its path."""
    value = object()
    assert to_wire(parse_type("Any"), [value]) == [value]
    [violation] = (
        Validator([Field(name="a", type=parse_type("Any"))])
        .validate({"a": to_wire(parse_type("Any"), [value])})
        .violations
    )
    assert violation.path == "a[0]"
    assert violation.found == "a value of class object"


def test_a_set_of_what_does_not_hash_is_a_list() -> None:
    """Python has no set of dicts."""
    assert from_wire(parse_type("set[dict[str, int]]"), [{"a": 1}]) == [{"a": 1}]


def test_wire_values_that_fit_nothing_stay() -> None:
    """`from_wire` checks nothing and raises nothing of its own for them."""
    assert from_wire(parse_type("list[int]"), "x") == "x"
    assert from_wire(parse_type("int | list[int]"), "x") == "x"
    assert from_wire(parse_type("dict[int, int]"), {"x": 1}) == {"x": 1}
    assert from_wire(parse_type("dict[list[int], int]"), {"[1]": 1}) == {"[1]": 1}
    assert from_wire(parse_type("dict[int | None, int]"), {"x": 1}) == {"x": 1}
    assert from_wire(parse_type("dict[None, int]"), {"": 1}) == {"": 1}


def test_sets_are_written_in_a_fixed_order() -> None:
    """Python's own order of a set changes from process to process; digests must not."""
    values = [f"v{index}" for index in range(50)]
    assert to_wire(parse_type("set[str]"), set(values)) == sorted(values)
    assert to_wire(parse_type("set[Any]"), {1, "a", None}) == ["a", 1, None]
