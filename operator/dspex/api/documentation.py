"""The fields of a kind as a tree of documentation, for `dspex explain` and the reference pages."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dspex.api.amounts import QUANTITY_PATTERN
from dspex.api.base import EXPRESSION_PATTERN, PATTERN_WORDS
from dspex.api.crd import custom_resource_definition
from dspex.api.cron import CRON_PATTERN, TIME_ZONE_PATTERN
from dspex.api.duration import DURATION_PATTERN
from dspex.api.kinds import Kind
from dspex.api.names import NAME_PATTERN, OBJECT_NAME_PATTERN
from dspex.api.structural import PRESERVE

_KNOWN_PATTERNS: Final = {
    DURATION_PATTERN: "duration",
    EXPRESSION_PATTERN: "expression",
    NAME_PATTERN: "name",
    OBJECT_NAME_PATTERN: "object name",
    QUANTITY_PATTERN: "amount",
    CRON_PATTERN: "schedule",
    TIME_ZONE_PATTERN: "time zone",
}
_BOUNDS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("maxProperties", "at most {} properties"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDoc:
    """One field.

    Attributes:
        name: Name in manifests; the kind's name for the root.
        path: Path from the object, such as `spec.steps[].retry`; empty for the root.
        type: Type in words: `string`, `integer`, `duration`, `list of object`, `any JSON`, …
        required: Whether it must be there.
        default: What the API server fills in, as JSON; None if nothing.
        bounds: What values are allowed, in words.
        description: What it does.
        fields: The fields below it.
    """

    name: str
    path: str
    type: str
    required: bool = False
    default: str | None = None
    bounds: tuple[str, ...] = ()
    description: str = ""
    fields: tuple["FieldDoc", ...] = ()

    def find(self, name: str) -> "FieldDoc | None":
        """Return the field of a name below this one, None if there is none."""
        return next((field for field in self.fields if field.name == name), None)

    def walk(self) -> Iterator["FieldDoc"]:
        """Yield all fields below this one, each before those below it."""
        for field in self.fields:
            yield field
            yield from field.walk()


@functools.cache
def documentation(kind: Kind) -> FieldDoc:
    """Return the documentation of a kind."""
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    required = frozenset(root["required"])
    return FieldDoc(
        name=kind.name,
        path="",
        type="object",
        description=kind.summary,
        fields=tuple(
            _document(name, name, schema, name in required)
            for name, schema in root["properties"].items()
        ),
    )


def _document(name: str, path: str, schema: dict[str, Any], required: bool) -> FieldDoc:
    items = schema.get("items")
    inner = items if isinstance(items, dict) else schema
    below = f"{path}[]" if items else path
    names = frozenset(inner.get("required", ()))
    default = schema.get("default")
    return FieldDoc(
        name=name,
        path=path,
        type=_type(schema),
        required=required,
        default=None if default is None else json.dumps(default, ensure_ascii=False),
        bounds=tuple(_bounds(schema)),
        description=schema.get("description", ""),
        fields=tuple(
            _document(each, f"{below}.{each}", value, each in names)
            for each, value in inner.get("properties", {}).items()
        ),
    )


def _type(schema: dict[str, Any]) -> str:
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if schema.get(PRESERVE):
        return "JSON object" if schema.get("type") == "object" else "any JSON"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"{_type(values)} by key"
    return _KNOWN_PATTERNS.get(schema.get("pattern", ""), str(schema.get("type", "any JSON")))


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield "one of " + ", ".join(map(str, schema["enum"]))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"more than {low}" if schema.get("exclusiveMinimum") else f"at least {low}"
    elif high is not None:
        yield f"at most {high}"
    known = schema.get("pattern") in _KNOWN_PATTERNS
    for key, words in _BOUNDS:
        if (key, schema.get(key)) == ("minLength", 1):
            yield "not empty"
        elif key in schema and not known:
            text = words.format(schema[key])
            yield text.replace("entries", "entry") if text.endswith(" 1 entries") else text
    if schema.get("pattern") in PATTERN_WORDS:
        yield PATTERN_WORDS[schema["pattern"]]
    if schema.get("x-kubernetes-list-type") == "set":
        yield "no value twice"
    if schema.get("x-kubernetes-list-type") == "map":
        yield f"no {schema['x-kubernetes-list-map-keys'][0]} twice"
