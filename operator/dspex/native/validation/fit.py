"""Which constraints fit which types; found when a signature is compiled, not when it runs."""

import dataclasses
from typing import Final

from dspex.native.field import NO_CONSTRAINTS, Constraints
from dspex.native.types import (
    ANY,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    STR,
    AnyType,
    DictOf,
    ListOf,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)

_TEXT: Final = frozenset(("min_length", "max_length", "pattern", "format"))
_NUMBER: Final = frozenset(
    ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of", "confidence")
)
_LIST: Final = frozenset(("min_items", "max_items", "items"))

FITTING_TYPES: Final[dict[str, str]] = {
    **dict.fromkeys(_TEXT, "str"),
    **dict.fromkeys(_NUMBER, "int or float"),
    **dict.fromkeys(_LIST, "list, set or tuple[…, ...]"),
    "enum": "str, int, float, date or datetime",
    "unique_items": "list",
    "probability": "float, list[float] or dict[…, float]",
    "dimension": "list of numbers",
    "shape": "list of lists of numbers",
    "schema": "any type but None",
}


def fits(name: str, type_: Type) -> bool:
    """Say whether a constraint, by its attribute's name, means something for a type."""
    if isinstance(type_, AnyType):
        return True
    if isinstance(type_, UnionOf):
        return any(fits(name, option) for option in type_.options)
    if name == "schema":
        return type_ != NONE
    if name in _TEXT:
        return type_ == STR
    if name in _NUMBER:
        return type_ in (INT, FLOAT)
    if name in _LIST:
        return item_of(type_) is not None
    match name:
        case "enum":
            return type_ in (STR, INT, FLOAT, DATE, DATETIME)
        case "unique_items":
            return isinstance(type_, ListOf)
        case "probability":
            inner = type_.value if isinstance(type_, DictOf) else item_of(type_) or type_
            return inner in (FLOAT, INT, ANY)
        case "dimension":
            return has_rank(type_, 1)
    return isinstance(type_, ListOf)


def item_of(type_: Type) -> Type | None:
    """Return the type of a list's, set's or variadic tuple's items, None for other types."""
    match type_:
        case ListOf() | SetOf():
            return type_.item
        case TupleOf(variadic=True):
            return type_.items[0]
    return None


def has_rank(type_: Type, rank: int) -> bool:
    """Say whether the type can be that many lists in each other around numbers."""
    if isinstance(type_, AnyType):
        return True
    if rank == 0:
        return type_ in (INT, FLOAT)
    return isinstance(type_, ListOf) and has_rank(type_.item, rank - 1)


def fitting(constraints: Constraints, type_: Type) -> Constraints:
    """Return the constraints that mean something for one option of a union."""
    if constraints is NO_CONSTRAINTS:
        return constraints
    unfit = {
        field.name: None
        for field in dataclasses.fields(constraints)
        if getattr(constraints, field.name) is not None and not fits(field.name, type_)
    }
    return dataclasses.replace(constraints, **unfit) if unfit else constraints


def camel(attribute: str) -> str:
    """Return a constraint's name in the manifests."""
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)
