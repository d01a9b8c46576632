"""Limits of numbers: bounds, multipleOf, probability, confidence."""

import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from dspex.native.field import Constraints
from dspex.native.validation.check import Check, Limit, refuse
from dspex.native.validation.violation import Finding

SUM_TOLERANCE: Final = 0.01
"""How far from 1 the sum of a distribution may be: models write two digits."""


def number_limits(constraints: Constraints) -> Iterator[Limit]:
    """Give the checks of a number's constraints."""
    for bound, holds, words, name in (
        (constraints.minimum, operator.ge, "at least", "minimum"),
        (constraints.maximum, operator.le, "at most", "maximum"),
        (constraints.exclusive_minimum, operator.gt, "more than", "exclusiveMinimum"),
        (constraints.exclusive_maximum, operator.lt, "less than", "exclusiveMaximum"),
    ):
        if bound is not None:
            yield _bound(bound, holds, f"must be {words} {bound:g}", f"{name}: {bound:g}")
    if constraints.multiple_of is not None:
        yield _multiple_of(constraints.multiple_of)
    if constraints.probability:
        yield _unit_interval("probability")
    if constraints.confidence:
        yield _unit_interval("confidence")


def _bound(bound: float, holds: Callable[[Any, Any], bool], message: str, expected: str) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        return value if holds(value, bound) else refuse(value, findings, message, expected)

    return limit


def _unit_interval(name: str) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        if 0 <= value <= 1:
            return value
        return refuse(value, findings, f"must be a {name}, from 0 to 1", name)

    return limit


def _multiple_of(step: float) -> Limit:
    exact = _exact(step)

    def limit(value: Any, findings: list[Finding]) -> Any:
        if _exact(value) % exact == 0:
            return value
        return refuse(value, findings, f"must be a multiple of {step:g}", f"multipleOf: {step:g}")

    return limit


def _exact(number: float) -> Fraction:
    # As it is written: 0.3 is a multiple of 0.1, though their binary forms say no.
    return Fraction(repr(number))


def read_percent(check: Check) -> Check:
    """Return the check of a confidence that also takes `85%` for 0.85, as models write it."""

    def percent(value: Any, findings: list[Finding]) -> Any:
        if isinstance(value, str) and value.rstrip().endswith("%"):
            before = len(findings)
            number = check(value.rstrip()[:-1], findings)
            if len(findings) == before:
                return number / 100
            del findings[before:]
        return check(value, findings)

    return percent


def distribution(value: Any, findings: list[Finding]) -> Any:
    """Check that a list's items, or a dict's values, sum up to 1; each is checked by itself."""
    total = sum(value.values() if isinstance(value, dict) else value)
    if abs(total - 1) <= SUM_TOLERANCE + 1e-9:
        return value
    message = f"must be a distribution: the sum must be 1, not {total:g}"
    return refuse(value, findings, message, "probability")
