"""Which names fields, inputs and steps may have, and why others may not."""

import keyword
import re
from typing import Final

from dspex.errors import Diagnostic

NAME_PATTERN: Final = r"^[a-z][A-Za-z0-9_]{0,62}$"
"""The shape of a name of an input, a field or a step."""

CEL_WORDS: Final = frozenset(
    (
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
        "package",
        "namespace",
        "null",
        "return",
        "true",
        "var",
        "void",
        "while",
    )
)
"""Words that CEL reserves: `steps.x.outputs.in` could not be written."""

YAML_WORDS: Final = frozenset(
    (
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
    )
)
"""Words that YAML 1.1 reads as a boolean or null, in any case, so that `n: 1` loses its key."""

DSPY_WORDS: Final = frozenset(
    (
        "fields",
        "input_fields",
        "instructions",
        "model_config",
        "model_dump",
        "model_dump_json",
        "model_validate",
        "model_validate_json",
        "model_validate_strings",
        "output_fields",
        "signature",
    )
)
"""Attributes of DSPy's signature class: a field of that name makes the class fail."""

_shape = re.compile(r"[a-z][A-Za-z0-9_]{0,62}").fullmatch
_REFUSED_EVERYWHERE: Final = CEL_WORDS | YAML_WORDS
_REFUSED_FIELDS: Final = _REFUSED_EVERYWHERE | DSPY_WORDS | frozenset(keyword.kwlist)


def is_valid_name(name: str) -> bool:
    """Say whether an input, a field or a step may have this name."""
    return _shape(name) is not None and name.lower() not in _REFUSED_EVERYWHERE


def is_valid_field_name(name: str) -> bool:
    """Say whether a signature's field may have this name: it must also be one for DSPy."""
    return _shape(name) is not None and (
        name not in _REFUSED_FIELDS and name.lower() not in _REFUSED_EVERYWHERE
    )


def check_name(name: str, *, what: str = "name") -> Diagnostic | None:
    """Return what is wrong about a name of an input, a field or a step, None if nothing is.

    `what` says whose name it is, for the message: `field name`, `step name`.
    """
    return None if is_valid_name(name) else _finding(name, what)


def check_field_name(name: str, *, what: str = "field name") -> Diagnostic | None:
    """Return what is wrong about the name of a signature's field, None if nothing is."""
    return None if is_valid_field_name(name) else _finding(name, what)


def _finding(name: str, what: str) -> Diagnostic:
    return Diagnostic(
        code="InvalidName",
        message=f"{name!r} can't be a {what}: {_objection(name)}",
        expected="a lowercase letter, then up to 62 letters, digits or underscores",
        remedy=_remedy(name),
    )


def _objection(name: str) -> str:
    word = name.lower()
    if not name:
        return "it is empty"
    if word in YAML_WORDS:
        return "YAML 1.1 reads it as a boolean or null"
    if word in CEL_WORDS:
        return "CEL reserves it"
    if name in DSPY_WORDS:
        return "it is an attribute of DSPy's own signature class"
    if keyword.iskeyword(name):
        return "Python reserves it"
    if len(name) > 63:
        return f"it has {len(name)} characters"
    if not name.isascii():
        return "it has characters other than letters a to z, digits and underscores"
    if not "a" <= name[0] <= "z":
        return "it does not begin with a lowercase letter"
    return "it has characters other than letters, digits and underscores"


def _remedy(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    if not plain:
        return "choose another name"
    candidates = (plain[:1].lower() + plain[1:63], f"{plain.lower()}_value", f"the_{plain}"[:63])
    for candidate in candidates:
        if is_valid_field_name(candidate):
            return f"rename it, for example to {candidate!r}"
    return "choose another name"
