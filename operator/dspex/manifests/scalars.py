"""Scalars as kubectl reads them: YAML 1.1 as the Go library has it, then JSON.

kubectl turns YAML into JSON with sigs.k8s.io/yaml, whose rules are neither those of YAML 1.1 nor
those of 1.2: `yes` is true, `12:30` and dates are strings, `010` is 8, `1_000` is 1000, `1.0` is 1.
A test compares this file with that library.
"""

import base64
import binascii
import decimal
import functools
import math
import re
import struct
from typing import Final

Scalar = str | int | float | bool | None

STR_TAG: Final = "tag:yaml.org,2002:str"
BOOL_TAG: Final = "tag:yaml.org,2002:bool"
INT_TAG: Final = "tag:yaml.org,2002:int"
FLOAT_TAG: Final = "tag:yaml.org,2002:float"
NULL_TAG: Final = "tag:yaml.org,2002:null"
TIMESTAMP_TAG: Final = "tag:yaml.org,2002:timestamp"
BINARY_TAG: Final = "tag:yaml.org,2002:binary"
MERGE_TAG: Final = "tag:yaml.org,2002:merge"

_RESOLVABLE: Final = frozenset({STR_TAG, BOOL_TAG, INT_TAG, FLOAT_TAG, NULL_TAG, TIMESTAMP_TAG})
_WORDS: Final[dict[str, tuple[str, Scalar]]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), (BOOL_TAG, True)),
    **dict.fromkeys(("true", "True", "TRUE"), (BOOL_TAG, True)),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), (BOOL_TAG, False)),
    **dict.fromkeys(("false", "False", "FALSE"), (BOOL_TAG, False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (NULL_TAG, None)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), (FLOAT_TAG, math.nan)),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), (FLOAT_TAG, math.inf)),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), (FLOAT_TAG, -math.inf)),
}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOT_FLOAT: Final = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO](?P<oct>[0-7]+)"
    r"|(?P<old>0[0-7]*)|(?P<dec>[1-9][0-9]*))"
)
_BINARY: Final = re.compile(r"0b([-+][01]+)")
_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)"
    r"| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?"
)
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_MAX_DIGITS: Final = 400
"""Digits beyond which no decimal is a finite number, so none need be converted."""

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
_MAX_UNSIGNED: Final = 2**64 - 1


class ScalarError(ValueError):
    """A scalar that kubectl refuses, or that JSON can't hold; the message says why."""


@functools.lru_cache(maxsize=4096)
def resolve_value(text: str, tag: str | None, plain: bool) -> Scalar:
    """Return the JSON value that a scalar node stands for.

    Args:
        text: The scalar's content, escapes resolved.
        tag: Its long tag, None without one.
        plain: Whether it is neither quoted nor a block nor tagged `!`.

    Raises:
        ScalarError: The tag does not fit, or the number is not finite.
    """
    value = _resolve(text, tag, plain)
    return as_json_number(value) if isinstance(value, float) else _as_json_integer(value)


@functools.lru_cache(maxsize=4096)
def resolve_key(text: str, tag: str | None, plain: bool) -> str:
    """Return the name that a scalar key gets in JSON: `yes` becomes `true`, `1.0` becomes `1`.

    Raises:
        ScalarError: The key is null, a tag does not fit, or the number can't be a key.
    """
    value = _resolve(text, tag, plain)
    if value is None:
        raise ScalarError("null can't be a key")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value > MAX_INT:
            raise ScalarError(f"the number {text} is too large for a key")
        return str(value)
    if isinstance(value, float):
        return _float32_text(value)
    return value


def as_json_number(value: float) -> int | float:
    """Return a float as it arrives in the cluster: without a fraction it is an integer.

    Raises:
        ScalarError: JSON has no such number.
    """
    if not math.isfinite(value):
        raise ScalarError("JSON has no infinity and no not-a-number")
    if value == int(value) and abs(value) < 1e21:
        # Go writes the shortest digits that tell the float, then reads them as an integer.
        digits = int(decimal.Decimal(repr(value)))
        if MIN_INT <= digits <= MAX_INT:
            return digits
    return value


def _as_json_integer(value: Scalar) -> Scalar:
    if isinstance(value, int) and not isinstance(value, bool) and value > MAX_INT:
        return float(value)
    return value


def _resolve(text: str, tag: str | None, plain: bool) -> Scalar:
    if tag is None:
        return _guess(text, None)[1] if plain else text
    if tag == BINARY_TAG:
        return _decode(text)
    if tag not in _RESOLVABLE or tag == STR_TAG:
        return text
    found, value = _guess(text, tag)
    if tag == FLOAT_TAG and found == INT_TAG and isinstance(value, int) and value <= MAX_INT:
        return float(value)
    if found != tag:
        raise ScalarError(f"{_shorten(text)} is no {tag.removeprefix('tag:yaml.org,2002:')}")
    return text if tag == TIMESTAMP_TAG else value


def _guess(text: str, tag: str | None) -> tuple[str, Scalar]:
    if text in _WORDS:
        return _WORDS[text]
    first = text[:1]
    if first == ".":
        number = _float(text.replace("_", "")) if _DOT_FLOAT.fullmatch(text) else None
        return (STR_TAG, text) if number is None else (FLOAT_TAG, number)
    if first and first in "+-0123456789":
        if tag in (None, TIMESTAMP_TAG) and _TIMESTAMP.fullmatch(text):
            return TIMESTAMP_TAG, text
        return _number(text)
    return STR_TAG, text


def _number(text: str) -> tuple[str, Scalar]:
    plain = text.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return INT_TAG, integer
    number = _float(plain) if _FLOAT.fullmatch(plain) else None
    if number is not None:
        return FLOAT_TAG, number
    signed = _BINARY.fullmatch(plain)
    if signed and MIN_INT <= int(signed[1], 2) <= MAX_INT:
        return INT_TAG, int(signed[1], 2)
    return STR_TAG, text


def _integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    if not found or len(text) > _MAX_DIGITS:
        return None
    bases = {"hex": 16, "bin": 2, "oct": 8, "old": 8, "dec": 10}
    kind = str(found.lastgroup)
    magnitude = int(found[kind], bases[kind])
    value = -magnitude if found["sign"] == "-" else magnitude
    # Unsigned 64-bit numbers are taken too, but not with a sign before them.
    most = MAX_INT if found["sign"] else _MAX_UNSIGNED
    return value if MIN_INT <= value <= most else None


def _float(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _decode(text: str) -> str:
    compact = text.replace("\n", "").replace("\r", "")
    try:
        data = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ScalarError(f"{_shorten(text)} is no base64") from error
    # Go's JSON replaces each byte that is no UTF-8, not each run of them.
    return _ESCAPED.sub("\ufffd", data.decode("utf-8", errors="surrogateescape"))


def _float32_text(value: float) -> str:
    """Write a float as Go writes a key: the shortest digits of the nearest 32-bit float."""
    if math.isnan(value):
        return ".nan"
    try:
        single = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    if single == 0:
        return "-0" if math.copysign(1, single) < 0 else "0"
    digits, exponent = _shortest(single)
    sign = "-" if single < 0 else ""
    if exponent < -4 or exponent >= 6:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole


def _shortest(single: float) -> tuple[str, int]:
    """Return the fewest decimal digits that a 32-bit float is told by, and the exponent."""
    for precision in range(9):
        text = f"{abs(single):.{precision}e}"
        if struct.pack("<f", float(text)) == struct.pack("<f", abs(single)):
            break
    mantissa, _, exponent = text.partition("e")
    return mantissa.replace(".", "").rstrip("0") or "0", int(exponent)


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
