"""Which names the fields of a signature may have, and why others may not.

The rule of `dspex.api.names` holds for every input, step and field; a signature's field must also
be an attribute that Python and DSPy leave free.
"""

import keyword
import re
from typing import Final

from dspex.api import names
from dspex.errors import Diagnostic

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

_shape = re.compile(names.NAME_PATTERN).fullmatch
_REFUSED: Final = names.CEL_WORDS | names.YAML_WORDS | DSPY_WORDS | frozenset(keyword.kwlist)


def is_valid_name(name: str) -> bool:
    """Say whether an input, a field or a step may have this name."""
    return names.is_valid_name(name)


def is_valid_field_name(name: str) -> bool:
    """Say whether a signature's field may have this name."""
    return (
        _shape(name) is not None
        and name not in _REFUSED
        and (len(name) > 5 or name.lower() not in names.YAML_WORDS)
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
        expected="a lower-case letter, then up to 62 letters, digits or underscores",
        remedy=_remedy(name),
    )


def _objection(name: str) -> str:
    if name in DSPY_WORDS:
        return "it is an attribute of DSPy's own signature class"
    return names.check_name(name) or "Python reserves it"


def _remedy(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    for candidate in (plain[:1].lower() + plain[1:63], f"{plain.lower()}_value"[:63]):
        if is_valid_field_name(candidate):
            return f"rename it, for example to {candidate!r}"
    return "choose another name"
