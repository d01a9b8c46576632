"""The shape of a compiled check, and how checks are put together."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from dspex.native.validation.violation import Finding, describe

Check: TypeAlias = Callable[[Any, list[Finding]], Any]
"""Takes a value and the findings so far, adds its own, and returns the normalised value.

A check that finds something returns the value as it was; it never raises.
"""

Limit: TypeAlias = Callable[[Any, list[Finding]], Any]
"""A check of a constraint: it gets only values that already have the right type."""


def refuse(value: Any, findings: list[Finding], message: str, expected: str) -> Any:
    """Add a finding about the value, and return the value."""
    findings.append(Finding(message, expected, describe(value)))
    return value


def then(check: Check, limits: Iterable[Limit]) -> Check:
    """Return a check that asks the limits where the first check finds nothing."""
    rest = tuple(limits)
    if not rest:
        return check
    if len(rest) == 1:
        return _then_one(check, rest[0])

    def both(value: Any, findings: list[Finding]) -> Any:
        before = len(findings)
        value = check(value, findings)
        if len(findings) == before:
            for limit in rest:
                value = limit(value, findings)
        return value

    return both


def _then_one(check: Check, limit: Limit) -> Check:
    def both(value: Any, findings: list[Finding]) -> Any:
        before = len(findings)
        value = check(value, findings)
        return limit(value, findings) if len(findings) == before else value

    return both
