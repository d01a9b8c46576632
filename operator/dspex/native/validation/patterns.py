"""Regular expressions and formats of strings, by a matcher whose time is linear in the text.

JSON Schema's meaning: a pattern is looked for anywhere in the value. The matcher has no
look-around and no back references, so neither a pattern nor a model's answer can make it hang.
"""

from functools import lru_cache
from typing import Final, Protocol

from dspex.errors import nearest

FORMATS: Final = (
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
)
"""The formats of JSON Schema, all of which are enforced."""

REGEX_SIZE: Final = 1 << 20
"""Bytes that a compiled pattern may take; `(a{1000}){1000}` takes more."""


class Matcher(Protocol):
    """Says whether a text matches."""

    def __call__(self, text: str, /) -> bool:
        """Say whether the text matches."""


class PatternError(ValueError):
    """A pattern or a format that can't be compiled; the message says why."""


@lru_cache(maxsize=1024)
def pattern_matcher(pattern: str) -> Matcher:
    """Return the matcher of a regular expression.

    Raises:
        PatternError: It is malformed, too large, or needs look-around or back references.
    """
    # The import costs 20 ms, which a signature without patterns need not pay.
    import jsonschema_rs

    options = jsonschema_rs.RegexOptions(size_limit=REGEX_SIZE, dfa_size_limit=REGEX_SIZE)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            {"pattern": pattern}, pattern_options=options, offline=True
        )
    except (jsonschema_rs.ValidationError, ValueError):
        raise PatternError(_why(pattern)) from None
    return validator.is_valid


def _why(pattern: str) -> str:
    for part, name in _UNSUPPORTED:
        if part in pattern:
            return f"{name} ({part}…) would make its time unbounded"
    return "it is malformed, or too large when compiled"


_UNSUPPORTED: Final = (
    ("(?=", "look-ahead"),
    ("(?!", "look-ahead"),
    ("(?<=", "look-behind"),
    ("(?<!", "look-behind"),
    ("(?>", "an atomic group"),
    ("\\k", "a back reference"),
    *((f"\\{digit}", "a back reference") for digit in range(1, 10)),
)


@lru_cache(maxsize=64)
def format_matcher(name: str) -> Matcher:
    """Return the matcher of a format of JSON Schema.

    Raises:
        PatternError: There is no such format.
    """
    import jsonschema_rs

    if name not in FORMATS:
        near = nearest(name, FORMATS)
        raise PatternError(f"write {near}" if near else f"use one of {', '.join(FORMATS)}")
    validator = jsonschema_rs.Draft202012Validator(
        {"format": name}, validate_formats=True, ignore_unknown_formats=False, offline=True
    )
    return validator.is_valid
