"""Limits of lists: minItems, maxItems, uniqueItems, dimension, shape."""

from collections.abc import Iterator
from typing import Any

from dspex.native.field import Constraints
from dspex.native.validation.check import Limit, refuse
from dspex.native.validation.containers import identity
from dspex.native.validation.json_value import mark
from dspex.native.validation.scalars import is_finite
from dspex.native.validation.violation import MAX_VIOLATIONS, Finding


def list_limits(constraints: Constraints) -> Iterator[Limit]:
    """Give the checks of a list's constraints."""
    if constraints.min_items is not None:
        yield _min_items(constraints.min_items)
    if constraints.max_items is not None:
        yield _max_items(constraints.max_items)
    if constraints.unique_items:
        yield _unique
    if constraints.dimension is not None:
        yield _shape((constraints.dimension,), f"dimension: {constraints.dimension}")
    if constraints.shape is not None:
        yield _shape(constraints.shape, f"shape: {list(constraints.shape)}")


def _min_items(least: int) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        if len(value) < least:
            message = f"must have at least {least} items, not {len(value)}"
            return refuse(value, findings, message, f"minItems: {least}")
        return value

    return limit


def _max_items(most: int) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        if len(value) > most:
            message = f"must have at most {most} items, not {len(value)}"
            return refuse(value, findings, message, f"maxItems: {most}")
        return value

    return limit


def _unique(value: Any, findings: list[Finding]) -> Any:
    seen: dict[Any, int] = {}
    for index, item in enumerate(value):
        first = seen.setdefault(identity(item), index)
        if first != index:
            before = len(findings)
            refuse(item, findings, f"must differ from item {first}", "uniqueItems")
            mark(findings, before, index)
            if before >= MAX_VIOLATIONS:
                break
    return value


def _shape(shape: tuple[int, ...], expected: str) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        _check_axis(value, shape, expected, findings)
        return value

    return limit


def _check_axis(value: Any, shape: tuple[int, ...], expected: str, findings: list[Finding]) -> None:
    if not shape:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not is_finite(value):
            refuse(value, findings, "must be a number", expected)
        return
    if not isinstance(value, list):
        refuse(value, findings, "must be a list", expected)
        return
    if shape[0] not in (-1, len(value)):
        message = f"must have exactly {shape[0]} items, not {len(value)}"
        refuse(value, findings, message, expected)
        return
    for index, item in enumerate(value):
        before = len(findings)
        _check_axis(item, shape[1:], expected, findings)
        if len(findings) > before:
            mark(findings, before, index)
            if before >= MAX_VIOLATIONS:
                break
