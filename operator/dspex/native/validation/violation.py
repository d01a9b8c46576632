"""What is wrong about a value, and where."""

import json
from dataclasses import dataclass
from typing import Any, Final

MAX_VIOLATIONS: Final = 1000
"""Violations of one validation that are listed; a last one says that there are more."""
MAX_SHOWN: Final = 60
"""Characters of a wrong value that are shown."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong about one value.

    Attributes:
        path: Where, such as `summary` or `items[2].name`.
        message: What must hold, such as `must be an integer`.
        expected: The type or constraint that is not met, such as `int` or `maxLength: 200`.
        found: What was there, shortened; empty where nothing was.
    """

    path: str
    message: str
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        found = f", found {self.found}" if self.found else ""
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.message}{found}"


class Finding:
    """A violation under way from the value where it was found up to the field.

    Attributes:
        parts: Indexes and keys from the value upwards: the last is the field's name.
    """

    __slots__ = ("expected", "found", "message", "parts")

    def __init__(self, message: str, expected: str, found: str = "") -> None:
        self.message = message
        self.expected = expected
        self.found = found
        self.parts: list[int | str] = []

    def violation(self) -> Violation:
        """Return the violation, its path counted from the field."""
        return Violation(join_parts(self.parts[::-1]), self.message, self.expected, self.found)


def join_parts(parts: list[int | str]) -> str:
    """Return the path of a field's name, indexes and keys: `items[2].name`, `map["a b"]`."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.isidentifier():
            path += f"[{shorten(json.dumps(part, ensure_ascii=False))}]" if path else part
        else:
            path += f".{part}" if path else part
    return path


def describe(value: Any) -> str:
    """Return a few words that show a wrong value."""
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if value is None or isinstance(value, (bool, int, float)):
        return shorten(_scalar(value))
    if isinstance(value, str):
        return shorten(repr(value[: MAX_SHOWN + 1]))
    return f"a value of class {type(value).__qualname__}"


def _scalar(value: bool | int | float | None) -> str:
    if type(value) is int and value.bit_length() > 10_000:
        return "an integer of thousands of digits"
    return json.dumps(value)


def shorten(text: str) -> str:
    """Return the text, cut where it is long."""
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
