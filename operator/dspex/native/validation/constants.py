"""Checks of Literal and of the constraint enum: one of some constants."""

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from dspex.native.validation.check import Check, refuse
from dspex.native.validation.violation import Finding, shorten

Constant: TypeAlias = str | int | float | bool | None


def strict_constant(values: Iterable[Constant], expected: str) -> Check:
    """Return a check that takes the constants exactly; 1, 1.0 and true are different."""
    known = {_key(value): value for value in values}
    message = _message(known.values())

    def check(value: Any, findings: list[Finding]) -> Any:
        if type(value) is not float and _key(value) in known:
            return value
        return refuse(value, findings, message, expected)

    return check


def strict_number_constant(values: Iterable[Constant], expected: str) -> Check:
    """Return a check that takes the constants exactly; 1 and 1.0 are the same number."""
    known = {_key(value) for value in values}
    message = _message(values)

    def check(value: Any, findings: list[Finding]) -> Any:
        return value if _key(value) in known else refuse(value, findings, message, expected)

    return check


def coerce_constant(values: Iterable[Constant], expected: str) -> Check:
    """Return a check that also takes the constants' texts, whatever case, blanks and quotes.

    Texts that more than one constant has this way are taken exactly only.
    """
    known = {_key(value): value for value in values}
    message = _message(known.values())
    folded: dict[str, list[Constant]] = {}
    for value in known.values():
        folded.setdefault(_fold(_text(value)), []).append(value)
    unique = {text: same[0] for text, same in folded.items() if len(same) == 1}
    longest = 4 * max(map(len, folded), default=0) + 64

    def check(value: Any, findings: list[Finding]) -> Any:
        key = _key(value)
        if key in known:
            return known[key]
        if isinstance(value, str):
            text = _fold(value) if len(value) <= longest else None
        elif isinstance(value, (int, float)):
            text = _text(value)
        else:
            text = None
        if text in unique:
            return unique[text]
        return refuse(value, findings, message, expected)

    return check


def _key(value: Any) -> tuple[type, Constant] | None:
    kind = type(value)
    if kind is float and value.is_integer():
        return int, int(value)
    if kind in (str, int, bool, float) or value is None:
        return kind, value
    return None


def _text(value: Constant) -> str:
    if isinstance(value, str):
        return value
    key = _key(value)
    return json.dumps(value if key is None else key[1])


def _fold(text: str) -> str:
    words = " ".join(text.split())
    if len(words) > 1 and words[0] == words[-1] and words[0] in "'\"`":
        words = words[1:-1].strip()
    return words.casefold()


def _message(values: Iterable[Constant]) -> str:
    listed = [shorten(json.dumps(value, ensure_ascii=False)) for value in values]
    if len(listed) > 20:
        listed[20:] = [f"… ({len(listed) - 20} more)"]
    return f"must be one of {', '.join(listed)}"
