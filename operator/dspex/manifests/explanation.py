"""What a refused value is told: expected, found, remedy; never pydantic's own words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from dspex.api.base import PATTERN_WORDS, VALUE_ERROR
from dspex.api.fields import field_names
from dspex.errors import nearest
from dspex.manifests.nodes import Node, describe

MAX_LISTED: Final = 16
"""Known names that are listed."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is wrong about a value, in the fields of a Diagnostic."""

    code: str
    message: str
    expected: str | None = None
    remedy: str | None = None


_TYPES: Final = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "an object",
    "mapping_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
}


def explain(kind: str, context: Mapping[str, Any], name: str, node: Node | None) -> Explanation:
    """Explain an error of pydantic, by its type and context, about the field `name`."""
    if kind in _TYPES:
        return _wrong_type(name, _TYPES[kind], node)
    if kind == VALUE_ERROR:
        return Explanation(
            "InvalidValue", context["message"], context["expected"], context["remedy"]
        )
    if kind in ("enum", "literal_error"):
        return _wrong_choice(name, str(context["expected"]), node)
    if kind in _BOUNDS:
        return _out_of_bounds(kind, context, name)
    if kind == "string_pattern_mismatch":
        return Explanation(
            "InvalidValue",
            f"{name} is not written as it must be",
            PATTERN_WORDS.get(context["pattern"], f"a text that matches {context['pattern']}"),
        )
    return Explanation("InvalidValue", f"{name} can't have this value")


def unknown_field(name: str, model: type[BaseModel] | None, place: str) -> Explanation:
    """Explain a field that the object does not have."""
    known = field_names(model) if model else ()
    near = nearest(name, known)
    listed = ", ".join(known[:MAX_LISTED]) + (", …" if len(known) > MAX_LISTED else "")
    return Explanation(
        "UnknownField",
        f"unknown field {name!r}{f' in {place}' if place else ''}",
        f"one of {listed}" if listed else None,
        f"write {near}" if near else "remove it",
    )


def missing_field(name: str, model: type[BaseModel] | None) -> Explanation:
    """Explain a field that must be there."""
    field = None
    if model is not None:
        field = next((f for n, f in model.model_fields.items() if name == (f.alias or n)), None)
    return Explanation(
        "MissingField",
        f"{name} is missing",
        field.description if field else None,
        f"add {name}",
    )


def _wrong_type(name: str, expected: str, node: Node | None) -> Explanation:
    value = None if node is None else node.value
    remedy = None
    if expected == "a string" and name == "name" and isinstance(value, bool):
        remedy = "choose another name: kubectl reads this one as " + describe(value)
    elif expected == "a string" and isinstance(value, (bool, int, float)):
        remedy = "put it in quotes, or kubectl reads it as " + describe(value)
    elif expected == "a list" and node is not None and node.fields is not None:
        remedy = "begin each entry with -"
    elif expected == "an object" and node is not None and node.items is not None:
        remedy = "write fields with values, without -"
    elif expected != "a string" and isinstance(value, str):
        remedy = f"write {expected}" + (", without quotes" if _looks_bare(value) else "")
    return Explanation("WrongType", f"{name} must be {expected}", expected, remedy)


def _looks_bare(value: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d+(\.\d+)?|true|false", value))


def _wrong_choice(name: str, expected: str, node: Node | None) -> Explanation:
    choices = re.findall(r"'([^']*)'", expected)
    value = node.value if node is not None else None
    near = nearest(value, choices) if isinstance(value, str) else None
    listed = ", ".join(choices[:MAX_LISTED]) + (", …" if len(choices) > MAX_LISTED else "")
    return Explanation(
        "InvalidValue",
        f"{name} can't have this value",
        f"one of {listed}" if len(choices) > 1 else listed,
        f"write {near}" if near else None,
    )


_BOUNDS: Final = {
    "string_too_short": ("at least {min_length} characters", "is too short"),
    "string_too_long": ("at most {max_length} characters", "is too long"),
    "too_short": ("at least {min_length} entries", "has too few entries"),
    "too_long": ("at most {max_length} entries", "has too many entries"),
    "greater_than_equal": ("at least {ge}", "is too small"),
    "greater_than": ("more than {gt}", "is too small"),
    "less_than_equal": ("at most {le}", "is too large"),
    "less_than": ("less than {lt}", "is too large"),
}


def _out_of_bounds(kind: str, context: Mapping[str, Any], name: str) -> Explanation:
    expected, what = _BOUNDS[kind]
    words = expected.format(**context)
    if words.endswith(" 1 entries"):
        words = words.replace("entries", "entry")
    return Explanation("OutOfBounds", f"{name} {what}", words)
