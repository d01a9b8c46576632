"""Checks of list, set, dict and tuple."""

import json
from typing import Any

from dspex.native.validation.check import Check, refuse
from dspex.native.validation.json_value import mark, read_json
from dspex.native.validation.violation import MAX_VIOLATIONS, Finding


def list_check(item: Check, expected: str, *, strict: bool) -> Check:
    """Return a check of a list; coerce mode takes its JSON text too."""

    def check(value: Any, findings: list[Finding]) -> Any:
        if type(value) is not list:
            value = _as_list(value, strict=strict)
            if type(value) is not list:
                return refuse(value, findings, "must be a list", expected)
        first = known = len(findings)
        checked = []
        for index, each in enumerate(value):
            checked.append(item(each, findings))
            if len(findings) > known:
                mark(findings, known, index)
                known = len(findings)
                if known >= MAX_VIOLATIONS:
                    break
        return checked if known == first else value

    return check


def set_check(item: Check, expected: str, *, strict: bool) -> Check:
    """Return a check of a set; coerce mode drops duplicates, strict mode refuses them."""
    as_list = list_check(item, expected, strict=strict)

    def check(value: Any, findings: list[Finding]) -> Any:
        before = len(findings)
        checked = as_list(value, findings)
        if len(findings) > before:
            return checked
        unique = {identity(each): each for each in checked}
        if len(unique) < len(checked) and strict:
            return refuse(value, findings, "must have no duplicates", expected)
        return list(unique.values())

    return check


def identity(value: Any) -> Any:
    """Return a hashable value that equal JSON values share; 1 and 1.0 are equal, 1 and true not."""
    kind = type(value)
    if kind is str:
        return value
    if kind is int or kind is float:
        return (value,)
    return json.dumps(value, sort_keys=True), kind is dict


def dict_check(key: Check, item: Check, expected: str, *, strict: bool) -> Check:
    """Return a check of a dict; its keys are JSON strings, whatever the key's type.

    `key` gets the key's text and returns its normal form.
    """

    def check(value: Any, findings: list[Finding]) -> Any:
        if type(value) is not dict:
            read = read_json(value, "{") if isinstance(value, str) and not strict else None
            if type(read) is not dict:
                return refuse(value, findings, "must be an object", expected)
            value = read
        checked: dict[str, Any] = {}
        first = len(findings)
        for name, each in value.items():
            before = len(findings)
            normal = key(name, findings)
            entry = item(each, findings)
            if len(findings) > before:
                mark(findings, before, str(name))
                if before >= MAX_VIOLATIONS:
                    break
            elif normal in checked:
                refuse(name, findings, "must not have the same key twice", expected)
                mark(findings, before, str(name))
            else:
                checked[normal] = entry
        return checked if len(findings) == first else value

    return check


def tuple_check(items: tuple[Check, ...], expected: str, *, strict: bool) -> Check:
    """Return a check of a tuple of fixed length."""
    length = len(items)

    def check(value: Any, findings: list[Finding]) -> Any:
        value = _as_list(value, strict=strict)
        if type(value) is not list or len(value) != length:
            return refuse(value, findings, f"must be a list of exactly {length}", expected)
        checked = []
        first = len(findings)
        for index, item in enumerate(items):
            before = len(findings)
            checked.append(item(value[index], findings))
            if len(findings) > before:
                mark(findings, before, index)
        return checked if len(findings) == first else value

    return check


def _as_list(value: Any, *, strict: bool) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and not strict:
        read = read_json(value, "[")
        return value if read is None else read
    return value
