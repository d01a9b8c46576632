"""A value written as text: by a person on the command line, in a ConfigMap or in a Secret."""

import json
from typing import Any, Final

from dspex.native.types import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    ObjectType,
    Scalar,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)

_TEXTUAL: Final = frozenset({"str", "bytes", "date", "datetime"})


def value_of_text(type_: Type, text: str) -> Any:
    """Read a value as its type wants it: a str as it stands, others as JSON.

    Where the type has both (`int | str`), JSON of the other kind is meant as itself.

    Raises:
        ValueError: The text is no JSON, and the type needs it. The error quotes the text.
    """
    if is_textual(type_):
        return text
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if may_be_textual(type_):
            return text
        if isinstance(error, RecursionError):
            raise ValueError("it is nested too deeply") from error
        raise
    if may_be_textual(type_) and not _has_place_for(type_, value):
        return text
    return value


def is_textual(type_: Type) -> bool:
    """Say whether every value of the type is written as a string, which then needs no quotes."""
    match type_:
        case Scalar(name):
            return name in _TEXTUAL
        case LiteralOf(values):
            return all(isinstance(value, str) for value in values)
        case UnionOf(options):
            return all(is_textual(option) for option in options)
    return False


def may_be_textual(type_: Type) -> bool:
    """Say whether some value of the type is written as a string."""
    match type_:
        case UnionOf(options):
            return any(may_be_textual(option) for option in options)
        case LiteralOf(values):
            return any(isinstance(value, str) for value in values)
        case AnyType():
            return True
    return is_textual(type_)


def _has_place_for(type_: Type, value: Any) -> bool:
    """Say whether a JSON value that is no string is meant as itself: `5` for `int | str`."""
    match type_:
        case UnionOf(options):
            return any(_has_place_for(option, value) for option in options)
        case LiteralOf(values):
            return any(value == each and type(value) is type(each) for each in values)
        case AnyType():
            return True
        case ListOf() | SetOf() | TupleOf():
            return isinstance(value, list)
        case DictOf() | ObjectType() | Media():
            return isinstance(value, dict)
    if type_ == FLOAT:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if type_ == INT:
        return isinstance(value, int) and not isinstance(value, bool)
    if type_ == BOOL:
        return isinstance(value, bool)
    return type_ == NONE and value is None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
