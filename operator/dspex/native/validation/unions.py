"""Checks of unions: the first option that the value has exactly, then the first it can become."""

from typing import Any, NamedTuple

from dspex.native.validation.check import Check, refuse
from dspex.native.validation.violation import Finding


class Option(NamedTuple):
    """One option of a union.

    Attributes:
        exact: Check of the type alone, strict.
        loose: Check of the type alone, coercing; None in strict mode.
        full: Check of type and constraints, in the union's mode.
        container: The JSON container that the option is made of: list, dict or None.
    """

    exact: Check
    loose: Check | None
    full: Check
    container: type | None


def union_check(options: tuple[Option, ...], expected: str) -> Check:
    """Return a check of a union."""

    def check(value: Any, findings: list[Finding]) -> Any:
        option = _chosen(value, options)
        if option is not None:
            return option.full(value, findings)
        return refuse(value, findings, f"must be {expected}", expected)

    return check


def _chosen(value: Any, options: tuple[Option, ...]) -> Option | None:
    for option in options:
        if _fits(option.exact, value):
            return option
    for option in options:
        if option.loose is not None and _fits(option.loose, value):
            return option
    # No option fits; if only one is made of the value's container, its findings say most.
    alike = [option for option in options if option.container and type(value) is option.container]
    return alike[0] if len(alike) == 1 else None


def _fits(check: Check, value: Any) -> bool:
    findings: list[Finding] = []
    check(value, findings)
    return not findings


def optional_check(full: Check, *, coerce: bool, reads_none_words: bool) -> Check:
    """Return a check of an option beside None.

    With `reads_none_words`, `"null"` and `"none"` mean None where the option can't take them.
    """
    if not (coerce and reads_none_words):

        def check(value: Any, findings: list[Finding]) -> Any:
            return None if value is None else full(value, findings)

        return check

    def check_words(value: Any, findings: list[Finding]) -> Any:
        if value is None:
            return None
        before = len(findings)
        result = full(value, findings)
        if len(findings) > before and isinstance(value, str) and _is_none_word(value):
            del findings[before:]
            return None
        return result

    return check_words


def _is_none_word(value: str) -> bool:
    return len(value) < 16 and value.strip().lower() in ("", "null", "none")
