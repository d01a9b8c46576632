"""Which types may be given where others are expected."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dspex.native.field import Field
from dspex.native.signatures import assignable, parse_type
from dspex.native.types import Type
from dspex.native.validation import Validator
from fakes.typed_values import TYPES, values_of

YES = [
    ("int", "float"),
    ("int", "int | None"),
    ("int", "float | str"),
    ("Literal['a', 'b']", "str"),
    ("Literal['a']", "Literal['a', 'b']"),
    ("Literal['a', 1, None]", "str | int | None"),
    ("Literal[1]", "float"),
    ("Literal[True]", "bool"),
    ("Literal['a']", "Any"),
    ("list[int]", "list[float]"),
    ("list[int]", "set[int]"),
    ("set[int]", "list[int]"),
    ("list[Literal['a']]", "list[str | None]"),
    ("tuple[int, int]", "list[float]"),
    ("tuple[int, ...]", "list[int]"),
    ("tuple[int, str]", "tuple[float, str | None]"),
    ("tuple[int, int]", "tuple[int, ...]"),
    ("dict[str, int]", "dict[str, float]"),
    ("dict[str, int]", "object"),
    ("object", "dict[str, Any]"),
    ("int | None", "float | None"),
    ("int | str", "str | int"),
    ("str | None", "str | int | None"),
    ("str", "Any"),
    ("Any", "str"),
    ("list[Any]", "list[int]"),
    ("list[int]", "list"),
    ("dict", "dict[int, str]"),
    ("date", "str"),
    ("datetime", "str"),
    ("Image", "Image"),
]
NO = [
    ("str", "int"),
    ("int", "str"),
    ("float", "int"),
    ("bool", "int"),
    ("str", "Literal['a']"),
    ("Literal['a', 'c']", "Literal['a', 'b']"),
    ("Literal[1]", "Literal[True]"),
    ("Literal[1]", "bool"),
    ("Literal[True]", "int"),
    ("Literal[None]", "str"),
    ("int | None", "int"),
    ("list[int | None]", "list[int]"),
    ("list[str]", "list[int]"),
    ("list[int]", "int"),
    ("list[int]", "tuple[int]"),
    ("tuple[int, ...]", "tuple[int, int]"),
    ("tuple[int]", "tuple[int, int]"),
    ("tuple[int, str]", "tuple[int, ...]"),
    ("dict[str, int]", "dict[str, str]"),
    ("dict[str, int]", "list[int]"),
    ("str", "date"),
    ("str", "bytes"),
    ("bytes", "str"),
    ("Image", "Audio"),
    ("object", "Image"),
    ("None", "str"),
]


@pytest.mark.parametrize(("source", "target"), YES)
def test_these_fit(source: str, target: str) -> None:
    """A value of the one can always be given for the other."""
    assert assignable(parse_type(source), parse_type(target))


@pytest.mark.parametrize(("source", "target"), NO)
def test_these_do_not_fit(source: str, target: str) -> None:
    """Some value of the one is none of the other, or would change its kind."""
    assert not assignable(parse_type(source), parse_type(target))


@settings(deadline=None, max_examples=300)
@given(TYPES, TYPES, st.data())
def test_what_fits_is_taken_by_the_validator(
    source: Type, target: Type, data: st.DataObject
) -> None:
    """Every value of a type that fits passes validation, but for Any and object, unchecked."""
    assume("Any" not in f"{source} {target}" and "object" not in f"{source} {target}")
    assert assignable(source, source)
    if assignable(source, target):
        value = data.draw(values_of(source))
        result = Validator([Field(name="a", type=target)]).validate({"a": value})
        assert result.violations == ()
