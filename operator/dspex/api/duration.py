"""Durations as they stand in manifests: `30s`, `1h30m`, `500ms`, `1.5s`."""

import re
from typing import Final

from dspex.errors import Diagnostic, InputError

DURATION_PATTERN: Final = r"^([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)){1,4}$"
"""Regular expression of a duration: numbers, each with its unit, without spaces."""

MAX_DURATION_LENGTH: Final = 32
"""Characters of a duration."""

MAX_SECONDS: Final = 8760 * 3600.0
"""A year: the longest duration that is taken."""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(DURATION_PATTERN)
_PART: Final = re.compile(r"([0-9.]+)(ms|s|m|h)")


class DurationError(InputError):
    """A text is not a duration."""


def parse_duration(text: str) -> float:
    """Return the seconds that a duration such as `1h30m` stands for.

    Units are ms, s, m and h; a number has always a unit; parts are added.

    Raises:
        DurationError: If the text is no duration, or is longer than a year.
    """
    if len(text) > MAX_DURATION_LENGTH or not _DURATION.fullmatch(text):
        raise DurationError(_refusal(text, "is not a duration"))
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > MAX_SECONDS:
        raise DurationError(_refusal(text, "is longer than a year (8760h)"))
    return seconds


def format_duration(seconds: float) -> str:
    """Print seconds as a duration that `parse_duration` reads back: 5400 gives `1h30m`.

    Fractions are kept to a millisecond.
    """
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _refusal(text: str, what: str) -> Diagnostic:
    return Diagnostic(
        code="InvalidDuration",
        message=f"{text[:MAX_DURATION_LENGTH]!r} {what}",
        expected="a duration such as 30s, 500ms, 1m30s or 2h",
        found=repr(text[:MAX_DURATION_LENGTH]),
        remedy="write a number with its unit: ms, s, m or h",
        source=text,
        start=0,
        end=len(text),
    )
