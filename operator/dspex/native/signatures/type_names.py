"""The names of types as DSPy's strings spell them, and why others are refused."""

from typing import Final, Literal, TypeAlias

from dspex.native.types import (
    ANY,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    OBJECT,
    STR,
    DictOf,
    ListOf,
    Media,
    SetOf,
    TupleOf,
    Type,
)

Generic: TypeAlias = Literal["list", "set", "dict", "tuple", "Optional", "Union", "Literal"]

_TYPING_ONLY: Final = frozenset(
    ("Any", "Text", "List", "Set", "Dict", "Tuple", "Optional", "Union", "Literal")
)

_BARE: Final[dict[str, Type]] = {
    "str": STR,
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "bytes": BYTES,
    "None": NONE,
    "NoneType": NONE,
    "Any": ANY,
    "Text": STR,
    "object": OBJECT,
    "date": DATE,
    "datetime": DATETIME,
    "list": ListOf(ANY),
    "List": ListOf(ANY),
    "set": SetOf(ANY),
    "Set": SetOf(ANY),
    "dict": DictOf(ANY, ANY),
    "Dict": DictOf(ANY, ANY),
    "tuple": TupleOf((ANY,), variadic=True),
    "Tuple": TupleOf((ANY,), variadic=True),
    "Image": Media("Image"),
    "Audio": Media("Audio"),
    "File": Media("File"),
    "History": Media("History"),
    "Tool": Media("Tool"),
}

_GENERIC: Final[dict[str, Generic]] = {
    "list": "list",
    "List": "list",
    "set": "set",
    "Set": "set",
    "dict": "dict",
    "Dict": "dict",
    "tuple": "tuple",
    "Tuple": "tuple",
    "Optional": "Optional",
    "Union": "Union",
    "Literal": "Literal",
}

BARE: Final[dict[str, Type]] = {
    **_BARE,
    **{f"typing.{name}": _BARE[name] for name in _TYPING_ONLY & _BARE.keys()},
    **{f"dspy.{name}": type_ for name, type_ in _BARE.items() if isinstance(type_, Media)},
    "datetime.date": DATE,
    "datetime.datetime": DATETIME,
    "types.NoneType": NONE,
}
"""The types that a name alone stands for; a bare `list` is `list[Any]`."""

GENERIC: Final[dict[str, Generic]] = {
    **_GENERIC,
    **{f"typing.{name}": _GENERIC[name] for name in _TYPING_ONLY & _GENERIC.keys()},
}
"""The types that take others in brackets."""

_LIST: Final = "write list[…]"
_DICT: Final = "write dict[…, …]"
_SET: Final = "write set[…]"

INSTEAD: Final[dict[str, str]] = {
    "Annotated": "DSPy drops what Annotated adds; write the type alone and put constraints into "
    "the fields list",
    "Sequence": _LIST,
    "MutableSequence": _LIST,
    "Iterable": _LIST,
    "Iterator": _LIST,
    "Collection": _LIST,
    "Container": _LIST,
    "Deque": _LIST,
    "array": _LIST,
    "Array": _LIST,
    "Mapping": _DICT,
    "MutableMapping": _DICT,
    "DefaultDict": _DICT,
    "OrderedDict": _DICT,
    "TypedDict": "write object, with a schema in the fields list",
    "BaseModel": "write object, with a schema in the fields list",
    "frozenset": _SET,
    "FrozenSet": _SET,
    "AbstractSet": _SET,
    "MutableSet": _SET,
    "AnyStr": "write str",
    "string": "write str",
    "String": "write str",
    "integer": "write int",
    "Integer": "write int",
    "number": "write float",
    "double": "write float",
    "Decimal": "write float",
    "complex": "write tuple[float, float]",
    "boolean": "write bool",
    "Boolean": "write bool",
    "bytearray": "write bytes",
    "null": "write None",
    "Enum": "write Literal['…', '…']",
    "enum": "write Literal['…', '…']",
    "time": "write str, with format: time in the fields list",
    "timedelta": "write float and say the unit in the description",
    "UUID": "write str, with format: uuid in the fields list",
    "any": "write Any",
    "Object": "write object",
    "json": "write Any, or object with a schema",
    "JSON": "write Any, or object with a schema",
}
"""What to write in place of names that are types elsewhere, by the name's last part."""
