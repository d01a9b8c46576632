"""Constraints from and to the names and values of the manifests."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from dspex.errors import Diagnostic, SignatureError, nearest
from dspex.native.field import Constraints

MAX_PATTERN: Final = 1024
"""Characters of a `pattern`."""
MAX_ENUM: Final = 256
"""Values of an `enum`."""
MAX_SCHEMA: Final = 65536
"""Bytes of a `schema` as JSON."""
MAX_ITEMS_DEPTH: Final = 8
"""How deep `items` may nest."""
MAX_RANK: Final = 8
"""Dimensions of a `shape`."""


class _WrongValueError(ValueError):
    """The value is not what the constraint takes; the message says what it takes."""


def constraint_names() -> dict[str, str]:
    """Return the constraints' names in the manifests, each with its attribute's name."""
    return dict(_NAMES)


def constraints_from(values: Mapping[str, Any]) -> Constraints:
    """Return the constraints that a mapping of the manifests' names and values asks for.

    A value of None stands for a constraint that is not set.

    Raises:
        SignatureError: A name is unknown or a value is not what its constraint takes; with all
            findings, whose paths are the names (`minLength`, `items.pattern`).
    """
    findings: list[Diagnostic] = []
    constraints = _read(values, "", findings, 0)
    if findings:
        raise SignatureError(*findings)
    return constraints


def constraints_to(constraints: Constraints) -> dict[str, Any]:
    """Return the mapping that `constraints_from` reads back to equal constraints."""
    values: dict[str, Any] = {}
    for name, attribute in _NAMES.items():
        value = getattr(constraints, attribute)
        if value is None:
            continue
        if attribute in ("enum", "schema"):
            value = json.loads(value)
        elif attribute == "items":
            value = constraints_to(value)
        elif attribute == "shape":
            value = list(value)
        values[name] = value
    return values


def _read(
    values: Mapping[str, Any], path: str, findings: list[Diagnostic], depth: int
) -> Constraints:
    read: dict[str, Any] = {}
    for name, value in values.items():
        here = f"{path}.{name}" if path else name
        attribute = _NAMES.get(name)
        if attribute is None:
            findings.append(_unknown(name, here))
        elif value is None:
            continue
        elif attribute == "items":
            if not isinstance(value, Mapping) or depth >= MAX_ITEMS_DEPTH:
                expected = f"a mapping of constraints, up to {MAX_ITEMS_DEPTH} deep"
                findings.append(_wrong(name, here, expected, value))
            else:
                read[attribute] = _read(value, here, findings, depth + 1) or None
        else:
            try:
                read[attribute] = _READERS[attribute](value)
            except _WrongValueError as wrong:
                findings.append(_wrong(name, here, str(wrong), value))
    return Constraints(**read)


def _unknown(name: str, path: str) -> Diagnostic:
    near = nearest(name, _NAMES)
    return Diagnostic(
        code="UnknownConstraint",
        message=f"There is no constraint {name!r}",
        expected=None if near else ", ".join(_NAMES),
        remedy=f"write {near}" if near else None,
        path=path,
    )


def _wrong(name: str, path: str, expected: str, value: object) -> Diagnostic:
    shown = repr(value)
    return Diagnostic(
        code="InvalidConstraint",
        message=f"{name} can't have this value",
        expected=expected,
        found=shown if len(shown) <= 80 else f"{shown[:77]}...",
        path=path,
    )


def _count(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise _WrongValueError("a whole number, 0 or more")
    return value


def _positive_count(value: object) -> int:
    try:
        count = _count(value)
    except _WrongValueError:
        count = 0
    if count == 0:
        raise _WrongValueError("a whole number, 1 or more")
    return count


def _number(value: object) -> float:
    # A bool is an int in Python, and YAML writes nan as .nan.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _WrongValueError("a number")
    return value


def _positive(value: object) -> float:
    try:
        number = _number(value)
    except _WrongValueError:
        number = 0
    if number <= 0:
        raise _WrongValueError("a number above 0")
    return number


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongValueError("true or false")
    return value


def _set_flag(value: object) -> bool | None:
    return _flag(value) or None


def _format(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _WrongValueError("a format's name, such as email or date-time")
    return value


def _pattern(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATTERN:
        raise _WrongValueError(f"a regular expression of up to {MAX_PATTERN} characters")
    return value


def _enum(value: object) -> str:
    expected = f"a list of 1 to {MAX_ENUM} different strings, numbers or booleans"
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_ENUM:
        raise _WrongValueError(expected)
    if not all(isinstance(item, (str, int, float, bool)) for item in value):
        raise _WrongValueError(expected)
    try:
        texts = [json.dumps(item, allow_nan=False) for item in value]
    except ValueError:
        raise _WrongValueError(expected) from None
    if len(set(texts)) != len(texts):
        raise _WrongValueError(expected)
    return json.dumps(list(value))


def _schema(value: object) -> str:
    expected = f"a JSON Schema: a mapping of up to {MAX_SCHEMA} bytes as JSON"
    if not isinstance(value, Mapping):
        raise _WrongValueError(expected)
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise _WrongValueError(expected) from None
    if len(text) > MAX_SCHEMA:
        raise _WrongValueError(expected)
    return text


def _shape(value: object) -> tuple[int, ...]:
    expected = f"a list of 1 to {MAX_RANK} whole numbers, -1 for any size"
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_RANK:
        raise _WrongValueError(expected)
    try:
        return tuple(-1 if size == -1 and size is not True else _count(size) for size in value)
    except _WrongValueError:
        raise _WrongValueError(expected) from None


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "min_length": _count,
    "max_length": _count,
    "pattern": _pattern,
    "enum": _enum,
    "format": _format,
    "minimum": _number,
    "maximum": _number,
    "exclusive_minimum": _number,
    "exclusive_maximum": _number,
    "multiple_of": _positive,
    "probability": _set_flag,
    "confidence": _set_flag,
    "min_items": _count,
    "max_items": _count,
    "unique_items": _set_flag,
    "dimension": _positive_count,
    "shape": _shape,
    "schema": _schema,
}


def _camel(attribute: str) -> str:
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


_NAMES: Final = {_camel(field.name): field.name for field in dataclasses.fields(Constraints)}
