"""Carries values between their wire form and CEL.

Into CEL a value is coerced to its declared type; out of it every result becomes JSON again, with
a bound on its size, since a few characters of CEL can name a value of any size.
"""

import base64
import binascii
import datetime
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from dspex.native import types
from dspex.native.expressions.celtypes import cel_type

MAX_NODES = 1_000_000
"""Values, at any depth, that a result may hold."""

MAX_TEXT = 16 * 1024 * 1024
"""Characters of text that a result may hold in all."""

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

Converter: TypeAlias = Callable[[Any], Any]


class ConversionError(Exception):
    """A value can't be carried into or out of CEL; the text says why."""


@lru_cache(maxsize=1024)
def converter(type_: types.Type) -> Converter | None:
    """Return what turns a wire value of a type into what CEL takes; None: nothing is to be done."""
    match type_:
        case types.Scalar("float"):
            return _float
        case types.Scalar("int"):
            return _int
        case types.Scalar("bytes"):
            return _bytes
        case types.Scalar("datetime"):
            return _datetime
        case types.ListOf(item) | types.SetOf(item) | types.TupleOf((item,), True):
            return _list(converter(item))
        case types.TupleOf(items, False) if items:
            return _tuple(tuple(converter(item) for item in items))
        case types.DictOf(key, value):
            return _dict(key, converter(value))
        case _:
            return None


def _float(value: Any) -> Any:
    return float(value) if type(value) is int else value


def _int(value: Any) -> Any:
    if type(value) is int and not INT64_MIN <= value <= INT64_MAX:
        raise ConversionError(f"the integer {value} does not fit in 64 bits")
    return value


def _bytes(value: Any) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ConversionError(f"{_short(value)} is not base64: {error}") from None


def _datetime(value: Any) -> Any:
    try:
        parsed = datetime.datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            return parsed.replace(tzinfo=datetime.UTC)
        return parsed.astimezone(datetime.UTC)
    except (TypeError, ValueError, OverflowError):
        raise ConversionError(f"{_short(value)} is no date and time in ISO 8601") from None


def _list(item: Converter | None) -> Converter | None:
    if item is None:
        return None

    def convert(value: Any) -> Any:
        return [None if one is None else item(one) for one in value]

    return convert


def _tuple(items: tuple[Converter | None, ...]) -> Converter | None:
    if not any(items):
        return None

    def convert(value: Any) -> Any:
        return [
            item(one) if item is not None and one is not None else one
            for item, one in zip(items, value, strict=True)
        ]

    return convert


def _dict(key: types.Type, value: Converter | None) -> Converter | None:
    read_key = _KEYS.get(cel_type(key))
    if read_key is None and value is None:
        return None

    def convert(mapping: Any) -> Any:
        return {
            (name if read_key is None else read_key(name)): (
                one if value is None or one is None else value(one)
            )
            for name, one in mapping.items()
        }

    return convert


def _int_key(name: str) -> Any:
    try:
        return _int(int(name))
    except ValueError:
        raise ConversionError(f"the key {_short(name)} is no integer") from None


def _bool_key(name: str) -> bool:
    if name.lower() not in ("true", "false"):
        raise ConversionError(f"the key {_short(name)} is neither true nor false")
    return name.lower() == "true"


_KEYS: dict[str, Converter] = {"INT": _int_key, "BOOL": _bool_key}


class Meter:
    """Counts what an evaluation makes, and stops it when it is too much."""

    __slots__ = ("nodes", "text")

    def __init__(self) -> None:
        self.nodes = 0
        self.text = 0

    def add(self, text: int = 0) -> None:
        """Count one value, and the characters of one that is text.

        Raises:
            ConversionError: The bounds are passed.
        """
        self.nodes += 1
        self.text += text
        if self.nodes > MAX_NODES:
            raise ConversionError(f"the expression makes more than {MAX_NODES} values")
        if self.text > MAX_TEXT:
            raise ConversionError(f"the expression makes more than {MAX_TEXT} characters")

    def count(self, value: Any) -> None:
        """Count a value with all that it holds."""
        pending = [value]
        while pending:
            current = pending.pop()
            kind = type(current)
            if kind is list:
                self.add()
                pending.extend(current)
            elif kind is dict:
                self.add()
                pending.extend(current)
                pending.extend(current.values())
            else:
                self.add(len(current) if kind in (str, bytes, bytearray) else 0)


def to_wire(value: Any) -> Any:
    """Turn a plain value of CEL into wire form.

    Raises:
        ConversionError: It is too large, or is no JSON value (NaN, infinity, a type).
    """
    kind = type(value)
    if kind is bool or kind is int or value is None:
        return value
    if kind is float:
        return _finite(value)
    if kind is str and len(value) <= MAX_TEXT:
        return value
    return _wire(value, Meter())


def _wire(value: Any, meter: Meter) -> Any:
    kind = type(value)
    if kind is list:
        meter.add()
        return [_wire(item, meter) for item in value]
    if kind is dict:
        meter.add()
        # CEL keeps no order of a map's keys: sort them, so that a run repeats.
        named = sorted(((_key(key), item) for key, item in value.items()), key=_first)
        return {_wire(key, meter): _wire(item, meter) for key, item in named}
    if kind is str:
        meter.add(len(value))
        return value
    meter.add()
    if kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return _finite(value)
    return _wire(_special(value), meter)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ConversionError(f"the result is {value}, which JSON can't hold")
    return value


def _special(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"
    raise ConversionError(f"the result is a {type(value).__name__}, which is no value of a field")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
