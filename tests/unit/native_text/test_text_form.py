"""A value written as text: on the command line, in a ConfigMap, in a Secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.native.signatures import parse_type
from dspex.native.text_form import is_textual, may_be_textual, value_of_text
from dspex.native.types import NONE, Type, UnionOf


def type_of(text: str) -> Type:
    """Read a type; `None` alone is no type of a signature."""
    return NONE if text == "None" else parse_type(text)


ALWAYS = ["str", "bytes", "date", "datetime", "Literal['a','b']", "str | date"]
SOMETIMES = ["Any", "int | str", "str | None", "Literal['a', 1]", "list[str] | date", "None | str"]
NEVER = ["int", "float", "bool", "None", "list[str]", "dict[str, str]", "set[str]", "tuple[str]"]
NEVER += ["Literal[1, 2]", "int | None", "Image", "object"]


@pytest.mark.parametrize(
    ("types", "always", "sometimes"),
    [(ALWAYS, True, True), (SOMETIMES, False, True), (NEVER, False, False)],
)
def test_types_say_whether_their_values_are_strings(
    types: list[str], always: bool, sometimes: bool
) -> None:
    """Every value, some, or none; a union is asked about each of its options."""
    for text in types:
        assert is_textual(type_of(text)) is always, text
        assert may_be_textual(type_of(text)) is sometimes, text


@pytest.mark.parametrize("type_", ALWAYS)
@pytest.mark.parametrize("text", ["", "a", "5", '"quoted"', "null", "[1, 2", " a\n"])
def test_a_string_needs_no_quotes_and_loses_none(type_: str, text: str) -> None:
    """It stands as it is, whatever JSON would make of it."""
    assert value_of_text(type_of(type_), text) == text


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("int", "5", 5),
        ("int", " 5\n", 5),
        ("float", "1e3", 1000.0),
        ("bool", "true", True),
        ("None", "null", None),
        ("list[str]", '["a"]', ["a"]),
        ("dict[str, int]", '{"a": 1}', {"a": 1}),
        ("Literal[1, 2]", "2", 2),
        ("Image", '{"url": "u"}', {"url": "u"}),
        # What does not fit is the validator's to say.
        ("int", '"five"', "five"),
        ("list[str]", "5", 5),
    ],
)
def test_other_values_are_json(type_: str, text: str, value: Any) -> None:
    """Read as JSON, and not checked."""
    found = value_of_text(type_of(type_), text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("int | str", "5", 5),
        ("int | str", "five", "five"),
        ("int | str", "5.5", "5.5"),
        ("int | str", "true", "true"),
        ("int | str", "null", "null"),
        ("float | str", "5", 5),
        ("float | str", "true", "true"),
        ("bool | str", "true", True),
        ("bool | str", "1", "1"),
        ("str | None", "null", None),
        ("str | None", "", ""),
        ("list[str] | str", "[]", []),
        ("list[str] | str", "[1, 2", "[1, 2"),
        ("list[str] | str", "{}", "{}"),
        ("set[int] | str", "[1]", [1]),
        ("tuple[int, ...] | str", "[1]", [1]),
        ("dict[str, int] | str", "{}", {}),
        ("dict[str, int] | str", "[]", "[]"),
        ("Image | str", "{}", {}),
        ("object | str", "{}", {}),
        ("Literal['a', 1]", "1", 1),
        ("Literal['a', 1]", "a", "a"),
        ("Literal['a', 1]", "2", "2"),
        ("Literal['a', 1]", "true", "true"),
        ("Literal['a', 1]", "1.0", "1.0"),
        # A JSON string is of no other kind: its quotes are its own.
        ("int | str", '"5"', '"5"'),
        ("Any", "5", 5),
        ("Any", '"5"', "5"),
        ("Any", "five", "five"),
        ("Any", "[1, 2", "[1, 2"),
    ],
)
def test_where_both_are_possible_json_of_the_other_kind_is_meant(
    type_: str, text: str, value: Any
) -> None:
    """`5` for `int | str` is a number; what fits no other option is the text itself."""
    found = value_of_text(type_of(type_), text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["five", "", "NaN", "Infinity", "-Infinity", "[NaN]", "{'a': 1}"])
@pytest.mark.parametrize("type_", ["int", "float", "list[float]"])
def test_what_is_no_json_is_refused(type_: str, text: str) -> None:
    """Python's own words for numbers that JSON lacks are none either."""
    with pytest.raises(ValueError, match=r"no JSON|Expecting"):
        value_of_text(type_of(type_), text)


@pytest.mark.parametrize("type_", ["float | str", "Any", "str | None"])
def test_a_text_that_looks_like_a_number_and_is_none_stays_text(type_: str) -> None:
    """Where a string is possible it is what was meant."""
    assert value_of_text(type_of(type_), "NaN") == "NaN"


def test_a_text_that_nests_without_end_is_refused_and_ends_nothing() -> None:
    """As an error like any other; where it may be text it is text."""
    deep = "[" * 200_000
    with pytest.raises(ValueError, match="nested too deeply"):
        value_of_text(type_of("list[str]"), deep)
    assert value_of_text(type_of("str | list[str]"), deep) == deep


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner | st.text()) | st.dictionaries(st.text(), inner | st.text()),
    max_leaves=6,
)


@given(_JSON)
def test_any_takes_back_what_was_written_as_json(value: Any) -> None:
    """Everything but a bare string, which is written without quotes."""
    assert value_of_text(type_of("Any"), json.dumps(value)) == value


@given(st.text())
def test_a_text_is_never_refused_where_a_string_may_stand(text: str) -> None:
    """There is nothing that could be wrong about it."""
    for each in (UnionOf((type_of("str"), NONE)), type_of("Any"), type_of("str")):
        value_of_text(each, text)
