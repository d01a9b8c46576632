"""Whether a value of one type may always be given where another is expected."""

from dspex.native.types import (
    BOOL,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    STR,
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    ObjectType,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)


def assignable(source: Type, target: Type) -> bool:
    """Say whether every value of `source` can be given where `target` is expected.

    `Any` on either side is let through: such a value is checked when it comes. int fits float, a
    Literal the type of its constants, date and datetime fit str (their wire form), a list a set and
    back, a dict an object; nothing else changes its kind, though validation in coerce mode would
    mend more (`"3"` for an int).
    """
    if isinstance(source, AnyType) or isinstance(target, AnyType) or source == target:
        return True
    if isinstance(source, UnionOf):
        return all(assignable(option, target) for option in source.options)
    if isinstance(source, LiteralOf):
        return _constants_fit(source, target)
    if isinstance(target, UnionOf):
        return any(assignable(source, option) for option in target.options)
    return (source, target) in _SCALARS or _containers_fit(source, target)


_SCALARS = frozenset(((INT, FLOAT), (DATE, STR), (DATETIME, STR)))


def _constants_fit(source: LiteralOf, target: Type) -> bool:
    """Ask for every constant by itself: some may fit one option of a union, some another."""
    options = target.options if isinstance(target, UnionOf) else (target,)
    return all(any(_constant_fits(value, option) for option in options) for value in source.values)


def _constant_fits(value: str | int | bool | None, target: Type) -> bool:
    if isinstance(target, LiteralOf):
        return LiteralOf((value,)).values[0] in target.values and any(
            value == other and type(value) is type(other) for other in target.values
        )
    if isinstance(target, AnyType):
        return True
    if value is None:
        return target == NONE
    if isinstance(value, bool):
        return target == BOOL
    if isinstance(value, int):
        return target in (INT, FLOAT)
    return target == STR


def _containers_fit(source: Type, target: Type) -> bool:
    match source, target:
        case ((ListOf() | SetOf()), (ListOf() | SetOf())):
            return assignable(source.item, target.item)
        case TupleOf(), (ListOf() | SetOf()):
            return all(assignable(item, target.item) for item in source.items)
        case TupleOf(), TupleOf():
            return _tuples_fit(source, target)
        case DictOf(), DictOf():
            return assignable(source.key, target.key) and assignable(source.value, target.value)
        case (DictOf(), ObjectType()) | (ObjectType(), DictOf()):
            return True
    return False


def _tuples_fit(source: TupleOf, target: TupleOf) -> bool:
    if target.variadic:
        return all(assignable(item, target.items[0]) for item in source.items)
    if source.variadic or len(source.items) != len(target.items):
        return False
    return all(map(assignable, source.items, target.items))
