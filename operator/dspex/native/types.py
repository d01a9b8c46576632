"""The types of fields: a small closed algebra of immutable values.

`str(type)` is the canonical spelling, which `dspex.native.signatures.parse_type` reads back to an
equal value. A value of a type has two forms: the *wire* form (JSON; what the engine, checkpoints
and HTTP hold) and the Python form (what DSPy sees); `dspex.native.wire` converts.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ScalarName: TypeAlias = Literal["str", "int", "float", "bool", "bytes", "date", "datetime", "None"]
MediaName: TypeAlias = Literal["Image", "Audio", "File", "History", "Tool"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """str, int, float, bool, bytes, date, datetime or None.

    Wire forms: bytes is standard base64, date and datetime are ISO 8601 strings.
    """

    name: ScalarName

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class AnyType:
    """Any JSON value."""

    def __str__(self) -> str:
        return "Any"


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A JSON object; its field's `schema` constraint says which."""

    def __str__(self) -> str:
        return "object"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one item type; wire form is an array."""

    item: "Type"

    def __str__(self) -> str:
        return f"list[{self.item}]"


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set of one item type; wire form is an array without duplicates, in first-seen order."""

    item: "Type"

    def __str__(self) -> str:
        return f"set[{self.item}]"


@dataclass(frozen=True, slots=True)
class DictOf:
    """A dict; wire form is an object, its keys written as JSON strings."""

    key: "Type"
    value: "Type"

    def __str__(self) -> str:
        return f"dict[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class TupleOf:
    """A tuple: fixed items, or with `variadic` any number of the one item; wire: an array."""

    items: tuple["Type", ...]
    variadic: bool = False

    def __str__(self) -> str:
        inner = ", ".join(str(item) for item in self.items) or "()"
        return f"tuple[{inner}, ...]" if self.variadic else f"tuple[{inner}]"


@dataclass(frozen=True, slots=True)
class LiteralOf:
    """One of some constants: str, int, bool or None."""

    values: tuple[str | int | bool | None, ...]

    def __str__(self) -> str:
        return f"Literal[{', '.join(repr(value) for value in self.values)}]"

    def __hash__(self) -> int:
        return hash(self.values)

    def __eq__(self, other: object) -> bool:
        # 1 == True in Python, yet Literal[1] and Literal[True] are different types.
        return (
            isinstance(other, LiteralOf)
            and self.values == other.values
            and all(map(_same_kind, self.values, other.values))
        )


@dataclass(frozen=True, slots=True)
class UnionOf:
    """One of some types, None among them for an optional one; flat and without duplicates."""

    options: tuple["Type", ...]

    def __str__(self) -> str:
        return " | ".join(str(option) for option in self.options)


@dataclass(frozen=True, slots=True)
class Media:
    """One of DSPy's own types; wire forms are fixed by `dspex.native.wire`."""

    name: MediaName

    def __str__(self) -> str:
        return self.name


Type: TypeAlias = (
    Scalar | AnyType | ObjectType | ListOf | SetOf | DictOf | TupleOf | LiteralOf | UnionOf | Media
)


def _same_kind(first: object, second: object) -> bool:
    return type(first) is type(second)


STR = Scalar("str")
INT = Scalar("int")
FLOAT = Scalar("float")
BOOL = Scalar("bool")
BYTES = Scalar("bytes")
DATE = Scalar("date")
DATETIME = Scalar("datetime")
NONE = Scalar("None")
ANY = AnyType()
OBJECT = ObjectType()


def optional(type_: Type) -> Type:
    """Return the type with None among its options."""
    return union(type_, NONE)


def union(*options: Type) -> Type:
    """Return the flat union of some types, without duplicates and with None last.

    One type alone stays itself.
    """
    members: dict[Type, None] = {}
    for option in options:
        if isinstance(option, UnionOf):
            members.update(dict.fromkeys(option.options))
        else:
            members[option] = None
    if NONE in members:
        del members[NONE]
        members[NONE] = None
    flat = tuple(members)
    return flat[0] if len(flat) == 1 else UnionOf(flat)


def is_optional(type_: Type) -> bool:
    """Say whether None is a value of the type."""
    if isinstance(type_, UnionOf):
        return any(is_optional(option) for option in type_.options)
    if isinstance(type_, LiteralOf):
        return None in type_.values
    return type_ == NONE or isinstance(type_, AnyType)


def without_none(type_: Type) -> Type:
    """Return the type without None among its options; `None` alone stays itself."""
    if not isinstance(type_, UnionOf):
        return type_
    return union(*(option for option in type_.options if option != NONE))
