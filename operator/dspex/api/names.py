"""The rule for names of steps, inputs and fields, and the one for names of objects.

A name of a step, an input or a field stands in expressions (`$(steps.triage.outputs.topic)`) and
as a key in YAML, so it may be neither a word of CEL nor one that YAML 1.1, which kubectl reads,
takes for a boolean or null.
"""

import re
from typing import Final

MAX_NAME: Final = 63
"""Characters of any name."""

NAME_PATTERN: Final = r"^[a-z][A-Za-z0-9_]{0,62}$"
"""Regular expression of names of steps, inputs and fields, without the refused words."""

OBJECT_NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""Regular expression of names of objects: an RFC 1123 label."""

CEL_WORDS: Final = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
"""Words that CEL reserves; they can't follow a dot in an expression."""

YAML_WORDS: Final = frozenset(["false", "n", "no", "null", "off", "on", "true", "y", "yes"])
"""Words that YAML 1.1 reads as a boolean or null; refused in any case."""

_NAME: Final = re.compile(NAME_PATTERN)
_OBJECT_NAME: Final = re.compile(OBJECT_NAME_PATTERN)


def check_name(name: str) -> str | None:
    """Say why `name` can't be the name of a step, an input or a field; None if it can."""
    if name.casefold() in YAML_WORDS:
        return f"YAML 1.1, which kubectl reads, takes {name!r} for {_yaml_meaning(name)}"
    if name in CEL_WORDS:
        return f"{name!r} is a reserved word of CEL, so no expression could name it"
    if not name:
        return "a name can't be empty"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, this one has {len(name)}"
    if not ("a" <= name[0] <= "z"):
        return "a name begins with a lower-case letter (a to z)"
    if not _NAME.fullmatch(name):
        return "a name holds only letters (A to Z, a to z), digits and _"
    return None


def is_valid_name(name: str) -> bool:
    """Say whether `name` can be the name of a step, an input or a field."""
    return check_name(name) is None


def check_object_name(name: str) -> str | None:
    """Say why `name` can't be the name of an object of group dspex.dev; None if it can."""
    if not name:
        return "a name can't be empty"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, this one has {len(name)}"
    if not _OBJECT_NAME.fullmatch(name):
        return (
            "a name of an object holds only lower-case letters, digits and -, and begins and ends "
            "with a letter or digit"
        )
    return None


def _yaml_meaning(name: str) -> str:
    return "null" if name.casefold() == "null" else "a boolean"
