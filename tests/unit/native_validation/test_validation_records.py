"""Records: missing and unknown names, defaults, paths, all violations at once."""

import time
from typing import Any

import pytest

from dspex.native.field import Field
from dspex.native.signatures import constraints_from, parse_type
from dspex.native.validation import MAX_VIOLATIONS, Validator, Violation, may_be_left_out


def field(name: str, type_: str, default: str | None = None, **constraints: Any) -> Field:
    """Make a field from texts."""
    made = Field(name=name, type=parse_type(type_), constraints=constraints_from(constraints))
    if default is None:
        return made
    return Field(name=name, type=made.type, constraints=made.constraints, default=default)


def test_all_violations_come_at_once_in_the_fields_order() -> None:
    """Wrong, missing and unknown values of one record are all named."""
    validator = Validator(
        [
            field("count", "int", minimum=0),
            field("label", "Literal['a', 'b']"),
            field("text", "str"),
        ]
    )
    result = validator.validate({"labl": "a", "count": -1, "label": "c"})
    assert [str(violation) for violation in result.violations] == [
        "count: must be at least 0, found -1",
        'label: must be one of "a", "b", found \'c\'',
        "text: is missing",
        "labl: is not one of the fields; did you mean label?, found 'a'",
    ]
    assert result.values == {"count": -1, "label": "c"}


def test_paths_lead_into_lists_dicts_tuples_and_schemas() -> None:
    """Each violation names the innermost value."""
    schema = {"properties": {"n": {"items": {"type": "integer"}}}}
    validator = Validator(
        [
            field("items", "list[dict[str, list[int]]]"),
            field("pair", "tuple[int, dict[str, str]]"),
            field("free", "object", schema=schema),
            field("any", "Any"),
            field("chosen", "list[int] | dict[str, int] | None"),
        ]
    )
    result = validator.validate(
        {
            "items": [{}, {"a": [1], "b c": [1, "x", [2]]}],
            "pair": [1, {"k": None}],
            "free": {"n": [1, "x"]},
            "any": {"deep": [1, {"x": float("inf")}]},
            "chosen": {"k": "x"},
        }
    )
    assert [violation.path for violation in result.violations] == [
        'items[1]["b c"][1]',
        'items[1]["b c"][2]',
        "pair[1].k",
        "free.n[1]",
        "any.deep[1].x",
        "chosen.k",
    ]


def test_fields_that_may_be_left_out() -> None:
    """A default fills in, None fills in where the type has it; Any must be given."""
    fields = [
        field("given", "str"),
        field("number", "int", "3"),
        field("many", "list[int]", "[1]"),
        field("note", "str | None"),
        field("choice", "Literal['a', None]"),
        field("nothing", "NoneType"),
        field("either", "int | Literal['x', None]"),
        field("free", "Any"),
    ]
    assert [each.name for each in fields if not may_be_left_out(each)] == ["given", "free"]
    for strict in (True, False):
        result = Validator(fields).validate({"given": "x", "free": None}, strict=strict)
        assert result.violations == ()
        assert list(result.values.items()) == [
            ("given", "x"),
            ("number", 3),
            ("many", [1]),
            ("note", None),
            ("choice", None),
            ("nothing", None),
            ("either", None),
            ("free", None),
        ]


def test_a_default_is_not_shared_between_records() -> None:
    """What one run does to its value does not reach the next."""
    validator = Validator([field("many", "list[list[int]]", "[[1]]")])
    validator.validate({}).values["many"][0].append(2)
    assert validator.validate({}).values == {"many": [[1]]}


def test_the_given_values_are_not_changed() -> None:
    """Coerced values are new ones."""
    values = {"many": ["1"], "map": {"1": "2"}}
    validator = Validator([field("many", "list[int]"), field("map", "dict[int, int]")])
    assert validator.validate(values).values == {"many": [1], "map": {"1": 2}}
    assert values == {"many": ["1"], "map": {"1": "2"}}


def test_the_list_of_violations_is_bounded() -> None:
    """A long list of wrong items ends soon, and says that there is more."""
    validator = Validator([field("many", "list[int]"), field("map", "dict[str, int]")])
    wrong = {"many": ["x"] * 200_000, "map": {str(index): "x" for index in range(200_000)}}
    started = time.process_time()
    result = validator.validate(wrong)
    assert time.process_time() - started < 2
    assert len(result.violations) == MAX_VIOLATIONS + 1
    assert str(result.violations[-1]) == f"there are more than {MAX_VIOLATIONS} violations"
    any_list = Validator([field("a", "Any")]).validate({"a": [float("nan")] * 5000})
    assert len(any_list.violations) == MAX_VIOLATIONS + 1
    any_dict = Validator([field("a", "Any")]).validate(
        {"a": {str(index): float("nan") for index in range(5000)}}
    )
    assert len(any_dict.violations) == MAX_VIOLATIONS + 1


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("x" * 1000, "'" + "x" * 56 + "..."),
        ([1, 2], "a list of 2"),
        ({"a": 1}, "an object of 1"),
        (b"x", "a value of class bytes"),
        pytest.param(10**20_000, "an integer of thousands of digits", id="huge"),
    ],
)
def test_a_wrong_value_is_shown_short(value: Any, found: str) -> None:
    """A log line stays a line, whatever the value."""
    [violation] = Validator([field("a", "date")]).validate({"a": value}).violations
    assert violation == Violation("a", "must be a date such as 2026-11-22", "date", found)


def test_a_long_literal_is_listed_short() -> None:
    """Twenty values are named, the others counted."""
    values = ", ".join(str(index) for index in range(50))
    [violation] = Validator([field("a", f"Literal[{values}]")]).validate({"a": "x"}).violations
    assert "19, … (30 more)" in violation.message


def test_unions_say_what_they_take() -> None:
    """Where no option is near, all are named; where one is, its own violations come."""
    validator = Validator([field("a", "int | list[int] | bool")])
    assert str(validator.validate({"a": "x"}).violations[0]).startswith(
        "a: must be int | list[int] | bool"
    )
    assert validator.validate({"a": [1, "x"]}).violations[0].path == "a[1]"
    two = Validator([field("a", "list[int] | set[str]")])
    assert two.validate({"a": [None]}).violations[0].path == "a"
