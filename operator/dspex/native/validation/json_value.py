"""Checks of values that may be any JSON: Any and object."""

import json
import math
from typing import Any, Final

from dspex.native.validation.check import refuse
from dspex.native.validation.scalars import INT64_MAX, INT64_MIN, strict_str
from dspex.native.validation.violation import MAX_VIOLATIONS, Finding

MAX_DEPTH: Final = 64
"""Lists and objects that may stand in each other where the type does not say."""


def check_json(value: Any, findings: list[Finding]) -> Any:
    """Take any JSON value; integers fit 64 bits, floats are finite, nesting is bounded."""
    return _check(value, findings, 0)


def strict_object(value: Any, findings: list[Finding]) -> Any:
    """Take any JSON object."""
    if isinstance(value, dict):
        return _check(value, findings, 0)
    return refuse(value, findings, "must be an object", "object")


def coerce_object(value: Any, findings: list[Finding]) -> Any:
    """Take any JSON object, or the text of one."""
    if isinstance(value, str):
        read = read_json(value, "{")
        if isinstance(read, dict):
            value = read
    return strict_object(value, findings)


def _check(value: Any, findings: list[Finding], depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return strict_str(value, findings)
    if kind is bool or value is None:
        return value
    if kind is int:
        if INT64_MIN <= value <= INT64_MAX:
            return value
        return refuse(value, findings, "must fit 64 bits", "Any")
    if kind is float:
        if math.isfinite(value):
            return value
        return refuse(value, findings, "must be a finite number", "Any")
    if depth >= MAX_DEPTH:
        message = f"must not be nested deeper than {MAX_DEPTH} levels"
        return refuse(value, findings, message, "Any")
    if isinstance(value, dict):
        return _check_dict(value, findings, depth + 1)
    if isinstance(value, (list, tuple)):
        return _check_list(value, findings, depth + 1)
    return refuse(value, findings, "must be a JSON value", "Any")


def _check_list(value: Any, findings: list[Finding], depth: int) -> Any:
    checked = []
    for index, item in enumerate(value):
        before = len(findings)
        checked.append(_check(item, findings, depth))
        if len(findings) > before:
            mark(findings, before, index)
            if before >= MAX_VIOLATIONS:
                break
    return checked


def _check_dict(value: dict[Any, Any], findings: list[Finding], depth: int) -> Any:
    checked = {}
    for key, item in value.items():
        before = len(findings)
        if isinstance(key, str):
            strict_str(key, findings)
        else:
            refuse(key, findings, "must have strings as keys", "str")
        checked[key] = _check(item, findings, depth)
        if len(findings) > before:
            mark(findings, before, str(key))
            if before >= MAX_VIOLATIONS:
                break
    return checked


def mark(findings: list[Finding], before: int, part: int | str) -> None:
    """Add an index or a key to the paths of the findings that are new since `before`."""
    for finding in findings[before:]:
        finding.parts.append(part)


def read_json(text: str, opening: str, *, unreadable: Any = None) -> Any:
    """Return the value of a JSON text that begins with `opening`; `unreadable` if it is none."""
    text = text.strip()
    if not text.startswith(opening):
        return unreadable
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return unreadable


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
