"""Limits of strings: minLength, maxLength, pattern, format."""

from collections.abc import Iterator
from typing import Any

from dspex.native.field import Constraints
from dspex.native.validation.check import Limit, refuse
from dspex.native.validation.patterns import Matcher, format_matcher, pattern_matcher
from dspex.native.validation.violation import Finding


def text_limits(constraints: Constraints) -> Iterator[Limit]:
    """Give the checks of a string's constraints; lengths count code points."""
    if constraints.min_length is not None:
        yield _min_length(constraints.min_length)
    if constraints.max_length is not None:
        yield _max_length(constraints.max_length)
    if constraints.pattern is not None:
        yield _matching(
            pattern_matcher(constraints.pattern),
            f"must match the pattern {constraints.pattern}",
            f"pattern: {constraints.pattern}",
        )
    if constraints.format is not None:
        yield _matching(
            format_matcher(constraints.format),
            f"must have the format {constraints.format}",
            f"format: {constraints.format}",
        )


def _min_length(least: int) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        if len(value) < least:
            message = f"must have at least {least} characters, not {len(value)}"
            return refuse(value, findings, message, f"minLength: {least}")
        return value

    return limit


def _max_length(most: int) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        if len(value) > most:
            message = f"must have at most {most} characters, not {len(value)}"
            return refuse(value, findings, message, f"maxLength: {most}")
        return value

    return limit


def _matching(matches: Matcher, message: str, expected: str) -> Limit:
    def limit(value: Any, findings: list[Finding]) -> Any:
        return value if matches(value) else refuse(value, findings, message, expected)

    return limit
