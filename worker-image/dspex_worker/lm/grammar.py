"""JSON Schemas made fit for constrained decoding: bounded, and of known keywords alone.

llama.cpp fails open: a schema with one keyword that its decoder does not know is dropped whole and
the model writes what it likes. So unknown keywords go (validation still sees them), and whatever
could grow without end gets a bound, so that a small model which repeats itself stops.
"""

import json
from typing import Any, Final

JsonSchema = dict[str, Any]

MAX_STRING: Final = 200
"""Characters of a string that has no `maxLength`, or a larger one."""
MAX_NESTED_STRING: Final = 64
"""Characters of such a string inside a list or a free object, of which there may be many."""
MAX_ITEMS: Final = 8
"""Items of an array, and properties of a free object, that has no bound or a larger one."""
MAX_KEY: Final = 32
"""Characters of a key of a free object."""
MAX_NUMBER: Final = 999_999_999
STEP: Final = 0.0001
"""Numbers are multiples of this: the decoder bounds a fraction's digits by nothing else."""
MAX_DEPTH: Final = 3
"""Depth of a value of any type."""

# Formats that the decoder knows, with the length of the longest text that makes sense.
_FORMATS: Final = {
    "date": 10,
    "date-time": 32,
    "time": 18,
    "uuid": 36,
    "ipv4": 15,
    "email": 64,
    "hostname": 64,
}
_BASE64_BLOCKS: Final = 16


def decodable(schema: JsonSchema, *, patterns: bool = True) -> JsonSchema:
    """Return a schema for the decoder: every value bounded, no keyword that it does not know.

    Args:
        schema: Any JSON Schema without `$ref`; what is not understood is left free.
        patterns: Whether `pattern` is kept; some regular expressions make the decoder fail open.
    """
    return {
        **_bounded(schema, patterns, MAX_DEPTH),
        "x-guidance": {"whitespace_flexible": False},
    }


def has_patterns(schema: Any) -> bool:
    """Say whether the schema has a `pattern` of its own anywhere."""
    match schema:
        case {"type": "string", "pattern": _}:
            return True
        case dict():
            return any(has_patterns(part) for part in schema.values())
        case list():
            return any(has_patterns(part) for part in schema)
        case _:
            return False


def _bounded(schema: Any, patterns: bool, depth: int) -> JsonSchema:
    if not isinstance(schema, dict):
        return _anything(depth)
    if "const" in schema:
        return {"const": schema["const"]}
    if "enum" in schema:
        return {"enum": schema["enum"]}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return {"anyOf": [_bounded(option, patterns, depth) for option in schema[key]]}
    kind = schema.get("type")
    if isinstance(kind, list):
        options = [_bounded({**schema, "type": one}, patterns, depth) for one in kind]
        return {"anyOf": options}
    match kind:
        case "string":
            return _string(
                schema, patterns, MAX_STRING if depth == MAX_DEPTH else MAX_NESTED_STRING
            )
        case "integer" | "number":
            return _number(schema)
        case "array":
            return _array(schema, patterns, depth)
        case "object":
            return _object(schema, patterns, depth)
        case "boolean" | "null":
            return {"type": kind}
        case _:
            return _anything(depth)


def _string(schema: JsonSchema, patterns: bool, longest: int) -> JsonSchema:
    if schema.get("contentEncoding") == "base64":
        return {
            "type": "string",
            "pattern": f"^(?:[A-Za-z0-9+/]{{4}}){{0,{_BASE64_BLOCKS}}}$",
        }
    bounded: JsonSchema = {"type": "string"}
    least = schema.get("minLength", 0)
    if schema.get("format") in _FORMATS:
        bounded["format"] = schema["format"]
        longest = _FORMATS[schema["format"]]
    elif patterns and "pattern" in schema:
        bounded["pattern"] = schema["pattern"]
    if least:
        bounded["minLength"] = least
    bounded["maxLength"] = max(least, min(schema.get("maxLength", longest), longest))
    return bounded


def _number(schema: JsonSchema) -> JsonSchema:
    bounded: JsonSchema = {"type": schema["type"]}
    if "exclusiveMinimum" in schema:
        bounded["exclusiveMinimum"] = schema["exclusiveMinimum"]
    else:
        bounded["minimum"] = schema.get("minimum", min(-MAX_NUMBER, schema.get("maximum", 0)))
    if "exclusiveMaximum" in schema:
        bounded["exclusiveMaximum"] = schema["exclusiveMaximum"]
    else:
        bounded["maximum"] = schema.get("maximum", max(MAX_NUMBER, schema.get("minimum", 0)))
    if "multipleOf" in schema:
        bounded["multipleOf"] = schema["multipleOf"]
    elif schema["type"] == "number":
        bounded["multipleOf"] = STEP
    return bounded


def _array(schema: JsonSchema, patterns: bool, depth: int) -> JsonSchema:
    if "prefixItems" in schema:
        items = [_bounded(item, patterns, depth - 1) for item in schema["prefixItems"]]
        return {
            "type": "array",
            "prefixItems": items,
            "items": False,
            "minItems": len(items),
            "maxItems": len(items),
        }
    least = schema.get("minItems", 0)
    bounded: JsonSchema = {
        "type": "array",
        "items": _bounded(schema.get("items"), patterns, depth - 1),
        "maxItems": max(least, min(schema.get("maxItems", MAX_ITEMS), MAX_ITEMS)),
    }
    if least:
        bounded["minItems"] = least
    return bounded


def _object(schema: JsonSchema, patterns: bool, depth: int) -> JsonSchema:
    properties = schema.get("properties")
    if properties:
        # Every property is asked for: a small model that may leave one out does.
        return {
            "type": "object",
            "properties": {
                name: _bounded(value, patterns, depth) for name, value in properties.items()
            },
            "required": list(properties),
            "additionalProperties": False,
        }
    value = schema.get("additionalProperties")
    return {
        "type": "object",
        "patternProperties": {f"^.{{1,{MAX_KEY}}}$": _bounded(value, patterns, depth - 1)},
        "additionalProperties": False,
        "maxProperties": min(schema.get("maxProperties", MAX_ITEMS), MAX_ITEMS),
    }


def _anything(depth: int) -> JsonSchema:
    scalars: list[JsonSchema] = [
        _string({}, False, MAX_NESTED_STRING),
        _number({"type": "number"}),
        {"type": "boolean"},
        {"type": "null"},
    ]
    if depth <= 0:
        return {"anyOf": scalars}
    nested: list[JsonSchema] = [
        _array({}, False, min(depth, 2) - 1),
        _object({}, False, min(depth, 2) - 1),
    ]
    return {"anyOf": [*scalars, *nested]}


def longest(schema: Any) -> int:
    """Return how many characters a value of a `decodable` schema may have in JSON at most."""
    if not isinstance(schema, dict):
        return 0
    if "const" in schema:
        return _length(schema["const"])
    if "enum" in schema:
        return max((_length(value) for value in schema["enum"]), default=0)
    if "anyOf" in schema:
        return max((longest(option) for option in schema["anyOf"]), default=0)
    match schema.get("type"):
        case "string":
            return int(schema.get("maxLength", _BASE64_BLOCKS * 4)) + 2
        case "integer" | "number":
            # Sign, nine digits, point and four decimals.
            return 15
        case "array":
            items = [longest(item) for item in schema.get("prefixItems", ())]
            items = items or [longest(schema["items"])] * schema["maxItems"]
            return 2 + sum(items) + len(items)
        case "object":
            return _longest_object(schema)
        case _:
            return 5


def _longest_object(schema: JsonSchema) -> int:
    if "properties" in schema:
        members = schema["properties"].items()
        return 2 + sum(_length(name) + 2 + longest(value) for name, value in members)
    value = next(iter(schema["patternProperties"].values()))
    count: int = schema["maxProperties"]
    return 2 + count * (MAX_KEY + 4 + longest(value))


def _length(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))
