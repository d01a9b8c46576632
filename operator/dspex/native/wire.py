"""Wire form (JSON) and Python form of values.

    type              wire form                          Python form
    bytes             standard base64 text               bytes
    date              2026-11-22                         datetime.date
    datetime          2026-11-22T21:04:05Z               datetime.datetime
    set[T]            array without duplicates           set, or a list where items don't hash
    tuple[…]          array                              tuple
    dict[K, V]        object, keys as JSON strings       dict with keys of type K
    Image             {"url": URL or data URL}           the same dict
    Audio             {"data": base64, "audio_format"}   the same dict
    File              {"file_data", "file_id", "filename"}, at least one   the same dict
    History           {"messages": [object, …]}          the same dict
    Tool              {"name": a tool of the Pool}       the same dict

All others are the same in both. The worker, which alone knows DSPy's classes, maps the dicts of the
last five to them. Neither function checks: `to_wire` leaves what it does not know as it is, for the
validator to find; `from_wire` takes values that a validator has passed.
"""

import base64
import datetime
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from dspex.native.field import NO_CONSTRAINTS
from dspex.native.types import (
    BYTES,
    DATE,
    DATETIME,
    STR,
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    Scalar,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)
from dspex.native.validation.check import Check
from dspex.native.validation.compile import compile_check
from dspex.native.validation.encoded import format_datetime
from dspex.native.validation.violation import Finding


def to_wire(type_: Type, value: Any) -> Any:
    """Return the wire form of a Python value; sets are sorted by their JSON, so that it repeats.

    What the type does not expect is converted by the value's own class where that has a wire form
    (bytes in a field of type Any), and is left as it is otherwise.
    """
    match type_, value:
        case _, None | bool() | int() | float() | str():
            return value
        case ListOf() | SetOf(), list() | tuple():
            return [to_wire(type_.item, item) for item in value]
        case ListOf() | SetOf(), set() | frozenset():
            return _sorted([to_wire(type_.item, item) for item in value])
        case TupleOf(), list() | tuple():
            return [
                to_wire(item, each) for item, each in zip(_items(type_, value), value, strict=True)
            ]
        case DictOf(), Mapping():
            return {
                _key_to_wire(type_.key, key): to_wire(type_.value, item)
                for key, item in value.items()
            }
        case UnionOf(), _:
            return _option_to_wire(type_, value)
    return _by_class(value)


def _items(type_: TupleOf, value: list[Any] | tuple[Any, ...]) -> list[Type]:
    if type_.variadic:
        return [type_.items[0]] * len(value)
    # A tuple of the wrong length is the validator's finding, not this function's.
    missing = [type_.items[-1] if type_.items else STR] * max(0, len(value) - len(type_.items))
    return [*type_.items, *missing][: len(value)]


def _option_to_wire(type_: UnionOf, value: Any) -> Any:
    for option in type_.options:
        wire = to_wire(option, value)
        if _is_of(option, wire):
            return wire
    return _by_class(value)


def _by_class(value: Any) -> Any:
    match value:
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case datetime.datetime():
            return format_datetime(value)
        case datetime.date():
            return value.isoformat()
        case Mapping():
            return {_key_to_wire(STR, key): _by_class(item) for key, item in value.items()}
        case list() | tuple():
            return [_by_class(item) for item in value]
        case set() | frozenset():
            return _sorted([_by_class(item) for item in value])
    return value


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=repr))


def _key_to_wire(type_: Type, key: Any) -> Any:
    wire = to_wire(type_, key)
    if wire is None or isinstance(wire, (bool, int, float)):
        return json.dumps(wire)
    return wire if isinstance(wire, str) else json.dumps(wire, default=repr)


def from_wire(type_: Type, value: Any) -> Any:
    """Return the Python form of a value in wire form, which a validator has passed."""
    match type_, value:
        case Scalar(), str() if type_ in _DECODERS:
            return _DECODERS[type_](value)
        case ListOf(), list():
            return [from_wire(type_.item, item) for item in value]
        case SetOf(), list():
            return _set([from_wire(type_.item, item) for item in value])
        case TupleOf(), list():
            return tuple(map(from_wire, _items(type_, value), value))
        case DictOf(), dict():
            return {
                _key_from_wire(type_.key, key): from_wire(type_.value, item)
                for key, item in value.items()
            }
        case UnionOf(), _:
            option = next((each for each in type_.options if _is_of(each, value)), None)
            return value if option is None else from_wire(option, value)
    return value


_DECODERS: Final[dict[Type, Callable[[str], Any]]] = {
    BYTES: base64.b64decode,
    DATE: datetime.date.fromisoformat,
    DATETIME: datetime.datetime.fromisoformat,
}


def _is_of(type_: Type, wire: Any) -> bool:
    findings: list[Finding] = []
    _strict_check(type_)(wire, findings)
    return not findings


@lru_cache(maxsize=1024)
def _strict_check(type_: Type) -> Check:
    return compile_check(type_, NO_CONSTRAINTS, strict=True)


def _set(items: list[Any]) -> Any:
    try:
        return set(items)
    except TypeError:
        return items


def _key_from_wire(type_: Type, key: str) -> Any:
    match type_:
        case AnyType():
            return key
        case Scalar() if type_ == STR or type_ in _DECODERS:
            return from_wire(type_, key)
        case LiteralOf() if key in type_.values:
            return key
        case UnionOf():
            for option in type_.options:
                read = _key_from_wire(option, key)
                if _is_of(option, to_wire(option, read)):
                    return read
            return key
    try:
        read = json.loads(key)
    except ValueError:
        return key
    python = from_wire(type_, read)
    try:
        hash(python)
    except TypeError:
        return key
    return python
