"""The JSON Schema of a DSPy signature's outputs, with our fields' constraints in it."""

import functools
from typing import Any, Final

import pydantic

from dspex.native.signatures import type_schema
from dspex_worker.signatures import native_field

JsonSchema = dict[str, Any]

# What OpenAI's strict mode takes; with another keyword it refuses the request.
_STRICT: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}
    | {"pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"multipleOf", "minItems", "maxItems", "description", "title"}
)


def response_format(signature: Any) -> JsonSchema:
    """Return the `response_format` that holds an answer to a signature's outputs."""
    schema = output_schema(signature)
    return {
        "type": "json_schema",
        "json_schema": {"name": "outputs", "schema": schema, "strict": is_strict(schema)},
    }


@functools.lru_cache(256)
def output_schema(signature: Any) -> JsonSchema:
    """Return the schema of an object with all outputs of a DSPy signature."""
    properties = {name: _field_schema(info) for name, info in signature.output_fields.items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field_schema(info: Any) -> JsonSchema:
    field = native_field(info)
    if field is not None:
        schema: JsonSchema = type_schema(field.type, field.constraints)
        return schema
    return _inlined(pydantic.TypeAdapter(info.annotation).json_schema())


def _inlined(schema: JsonSchema) -> JsonSchema:
    """Put definitions in the places that refer to them; decoders know no `$ref`."""
    definitions = schema.get("$defs", {})

    def walk(part: Any, depth: int) -> Any:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in definitions:
                # A type that holds itself is cut.
                return walk(definitions[name], depth + 1) if depth < 4 else {}
            return {key: walk(value, depth) for key, value in part.items() if key != "$defs"}
        if isinstance(part, list):
            return [walk(item, depth) for item in part]
        return part

    inlined: JsonSchema = walk(schema, 0)
    return inlined


def is_strict(schema: Any) -> bool:
    """Say whether a schema is one that OpenAI's strict mode takes."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if not schema or set(schema) - _STRICT:
        return False
    if schema.get("type") == "object":
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False or not properties:
            return False
        if set(schema.get("required", ())) != set(properties):
            return False
        return all(is_strict(value) for value in properties.values())
    return all(is_strict(schema[key]) for key in ("items", "anyOf") if key in schema)
