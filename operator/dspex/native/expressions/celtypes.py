"""How the types of fields and CEL's types map to each other.

| field | CEL |
|---|---|
| str, Literal of strings, date | string (a date as ISO 8601) |
| int, Literal of integers | int |
| float | double |
| bool, Literal of booleans | bool |
| bytes | bytes |
| datetime | timestamp (without a zone it is read as UTC) |
| list, set, tuple of one type | list |
| dict with str, int or bool keys | map |
| None | null |
| T or None | T; the None counts as absent |
| any other Union, Any, object, media | dyn: checked when it runs |
"""

from typing import TYPE_CHECKING, Any

from dspex.native import types

if TYPE_CHECKING:
    from cel_expr_python import cel

_SCALARS = {
    "str": "STRING",
    "int": "INT",
    "float": "DOUBLE",
    "bool": "BOOL",
    "bytes": "BYTES",
    "date": "STRING",
    "datetime": "TIMESTAMP",
    "None": "NULL",
}

_NATIVE: dict[str, types.Type] = {
    "STRING": types.STR,
    "INT": types.INT,
    "UINT": types.INT,
    "DOUBLE": types.FLOAT,
    "BOOL": types.BOOL,
    "BYTES": types.BYTES,
    "TIMESTAMP": types.DATETIME,
    "DURATION": types.STR,
    "NULL": types.NONE,
    "DYN": types.ANY,
}

MAX_NESTING = 10

_KEYS = frozenset({"STRING", "INT", "BOOL"})

_WORDS = {"NULL": "null", "DYN": "dyn", "UINT": "uint", "DURATION": "duration", "TYPE": "type"}


def cel_type(type_: types.Type, depth: int = 0) -> str:
    """Return the name of a type in CEL, as CEL prints it: `LIST<STRING>`.

    What is nested more than ten deep is dyn: CEL refuses types of more than thirteen levels.
    """
    if depth > MAX_NESTING:
        return "DYN"
    match type_:
        case types.Scalar(name):
            return _SCALARS[name]
        case types.LiteralOf(values):
            kinds = {type(value).__name__ for value in values if value is not None}
            return _SCALARS[kinds.pop()] if len(kinds) == 1 else "DYN"
        case types.ListOf(item) | types.SetOf(item):
            return f"LIST<{cel_type(item, depth + 1)}>"
        case types.TupleOf(items):
            return f"LIST<{_one(items, depth + 1)}>"
        case types.DictOf(key, value):
            name_of_key = cel_type(key, depth + 1)
            key_name = name_of_key if name_of_key in _KEYS else "STRING"
            return f"MAP<{key_name}, {cel_type(value, depth + 1)}>"
        case types.UnionOf(options) if types.NONE not in options:
            return _one(options, depth)
        case _:
            # A None inside of a list or a map is null: only dyn holds null and others.
            return "DYN"


def native_type(name: str) -> types.Type | None:
    """Return the field type of a CEL type's name; None for what is no value (a type)."""
    if name in _NATIVE:
        return _NATIVE[name]
    head, arguments = split(name)
    if head == "LIST":
        item = native_type(arguments[0])
        return None if item is None else types.ListOf(item)
    if head == "MAP":
        key, value = (native_type(argument) for argument in arguments)
        if key is None or value is None:
            return None
        return types.DictOf(types.STR if key == types.ANY else key, value)
    return None


def split(name: str) -> tuple[str, list[str]]:
    """Split the name of a CEL type: `MAP<STRING, LIST<INT>>` gives MAP and its two arguments."""
    head, bracket, rest = name.partition("<")
    if not bracket:
        return head, []
    arguments, depth, start = [], 0, 0
    inner = rest[:-1]
    for index, char in enumerate(inner):
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            arguments.append(inner[start:index].strip())
            start = index + 1
    arguments.append(inner[start:].strip())
    return head, arguments


def to_cel(name: str) -> "cel.Type":
    """Return CEL's own object for a type's name."""
    from cel_expr_python import cel

    head, arguments = split(name)
    if head == "LIST":
        return cel.Type.List(to_cel(arguments[0]))
    if head == "MAP":
        return cel.Type.Map(to_cel(arguments[0]), to_cel(arguments[1]))
    scalar: Any = getattr(cel.Type, head)
    return scalar


def shown(name: str) -> str:
    """Spell a CEL type for a person: as a field's type where there is one."""
    type_ = native_type(name)
    return str(type_) if type_ is not None else _WORDS.get(name, name.lower())


def _one(members: tuple[types.Type, ...], depth: int) -> str:
    names = {cel_type(member, depth) for member in members}
    return names.pop() if len(names) == 1 else "DYN"
