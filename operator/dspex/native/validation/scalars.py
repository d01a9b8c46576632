"""Checks of str, int, float, bool and None."""

import json
import math
import re
from typing import Any, Final

from dspex.native.validation.check import Check, refuse
from dspex.native.validation.violation import Finding

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_WHOLE = re.compile(r"([+-]?[0-9]{1,20})(?:\.0*)?").fullmatch
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?").fullmatch
_MAX_NUMBER_LENGTH: Final = 400
_TRUE: Final = frozenset(("true", "yes", "y", "on", "1"))
_FALSE: Final = frozenset(("false", "no", "n", "off", "0"))
_NULL: Final = frozenset(("", "null", "none"))


def strict_str(value: Any, findings: list[Finding]) -> Any:
    """Take text that UTF-8 can hold."""
    if not isinstance(value, str):
        return refuse(value, findings, "must be a string", "str")
    if not value.isascii() and _has_surrogate(value):
        return refuse(value, findings, "must be text without lone surrogates", "str")
    return value


def coerce_str(value: Any, findings: list[Finding]) -> Any:
    """Take text; numbers and booleans become their JSON text."""
    if isinstance(value, str):
        if not value.isascii() and _has_surrogate(value):
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, bool) or (
        isinstance(value, (int, float)) and is_finite(value) and in_int64(value)
    ):
        return json.dumps(value)
    return refuse(value, findings, "must be a string", "str")


def strict_int(value: Any, findings: list[Finding]) -> Any:
    """Take an integer of 64 bits."""
    if type(value) is not int:
        return refuse(value, findings, "must be an integer", "int")
    if not INT64_MIN <= value <= INT64_MAX:
        return refuse(value, findings, "must fit 64 bits", "int")
    return value


def coerce_int(value: Any, findings: list[Finding]) -> Any:
    """Take an integer, a float without a fraction, or the text of either."""
    whole = value if type(value) is int else _whole(value)
    if whole is None:
        return refuse(value, findings, "must be an integer", "int")
    if not INT64_MIN <= whole <= INT64_MAX:
        return refuse(value, findings, "must fit 64 bits", "int")
    return whole


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) < _MAX_NUMBER_LENGTH:
        match = _WHOLE(value.strip())
        return int(match[1]) if match else None
    return None


def strict_float(value: Any, findings: list[Finding]) -> Any:
    """Take a finite number; an integer becomes a float, since JSON writes 1.0 as 1."""
    if type(value) is float:
        if math.isfinite(value):
            return value
        return refuse(value, findings, "must be a finite number", "float")
    if type(value) is int:
        return _float(value, value, findings)
    return refuse(value, findings, "must be a number", "float")


def coerce_float(value: Any, findings: list[Finding]) -> Any:
    """Take a finite number, or the text of one."""
    if isinstance(value, str) and len(value) < _MAX_NUMBER_LENGTH:
        text = value.strip()
        if _NUMBER(text):
            return _float(text, value, findings)
    return strict_float(value, findings)


def _float(number: str | int, value: Any, findings: list[Finding]) -> Any:
    try:
        result = float(number)
    except OverflowError:
        result = math.inf
    if math.isfinite(result):
        return result
    return refuse(value, findings, "must be a finite number", "float")


def strict_bool(value: Any, findings: list[Finding]) -> Any:
    """Take true or false."""
    if value is True or value is False:
        return value
    return refuse(value, findings, "must be true or false", "bool")


def coerce_bool(value: Any, findings: list[Finding]) -> Any:
    """Take true or false, 1 or 0, and the words for them (yes, no, on, off) in any case."""
    if value is True or value is False:
        return value
    if isinstance(value, str) and len(value) < 16:
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    if type(value) is int and value in (0, 1):
        return value == 1
    return refuse(value, findings, "must be true or false", "bool")


def strict_none(value: Any, findings: list[Finding]) -> Any:
    """Take null."""
    return value if value is None else refuse(value, findings, "must be null", "None")


def coerce_none(value: Any, findings: list[Finding]) -> Any:
    """Take null, and the words for it."""
    if isinstance(value, str) and len(value) < 16 and value.strip().lower() in _NULL:
        return None
    return strict_none(value, findings)


def is_finite(value: int | float) -> bool:
    """Say whether a number is one that JSON can write."""
    return isinstance(value, int) or math.isfinite(value)


def in_int64(value: int | float) -> bool:
    """Say whether a number, if it is an integer, fits 64 bits."""
    return isinstance(value, float) or INT64_MIN <= value <= INT64_MAX


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


STRICT: Final[dict[str, Check]] = {
    "str": strict_str,
    "int": strict_int,
    "float": strict_float,
    "bool": strict_bool,
    "None": strict_none,
}
COERCE: Final[dict[str, Check]] = {
    "str": coerce_str,
    "int": coerce_int,
    "float": coerce_float,
    "bool": coerce_bool,
    "None": coerce_none,
}
