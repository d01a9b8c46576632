"""JSON Schemas (2020-12) of types and fields, for editors, status and constrained decoding."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from dspex.native.field import NO_CONSTRAINTS, Constraints, Field
from dspex.native.types import (
    FLOAT,
    INT,
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    MediaName,
    ObjectType,
    Scalar,
    ScalarName,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
)
from dspex.native.validation.fit import camel, fitting
from dspex.native.validation.validator import may_be_left_out

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_SCALARS: Final[dict[ScalarName, dict[str, Any]]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "None": {"type": "null"},
}

_TEXT: Final[dict[str, Any]] = {"type": "string"}


def _record(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_MEDIA: Final[dict[MediaName, dict[str, Any]]] = {
    "Image": _record({"url": {"type": "string", "pattern": "^(https?|gs)://|^data:"}}, "url"),
    "Audio": _record(
        {"data": {"type": "string", "contentEncoding": "base64"}, "audio_format": _TEXT},
        "data",
        "audio_format",
    ),
    "File": {
        **_record({"file_data": _TEXT, "file_id": _TEXT, "filename": _TEXT}),
        "minProperties": 1,
    },
    "History": _record({"messages": {"type": "array", "items": {"type": "object"}}}, "messages"),
    "Tool": _record({"name": _TEXT}, "name"),
}

_KEYWORDS: Final = (
    "min_length",
    "max_length",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusive_minimum",
    "exclusive_maximum",
    "multiple_of",
    "min_items",
    "max_items",
)


def type_schema(type_: Type, constraints: Constraints = NO_CONSTRAINTS) -> dict[str, Any]:
    """Return the JSON Schema of a type's wire form, with constraints that fit it."""
    if isinstance(type_, UnionOf):
        return {"anyOf": [type_schema(each, fitting(constraints, each)) for each in type_.options]}
    schema = _plain(type_, constraints)
    return _constrained(schema, type_, constraints) if constraints else schema


def _plain(type_: Type, constraints: Constraints) -> dict[str, Any]:
    match type_:
        case Scalar():
            return dict(_SCALARS[type_.name])
        case AnyType():
            return {}
        case ObjectType():
            return {"type": "object"}
        case LiteralOf():
            return _constants(list(type_.values))
        case Media():
            copied: dict[str, Any] = json.loads(json.dumps(_MEDIA[type_.name]))
            return copied
        case _:
            return _container(type_, _inner(constraints))


def _inner(constraints: Constraints) -> Constraints:
    if constraints.probability:
        return Constraints(probability=True)
    return constraints.items or NO_CONSTRAINTS


def _container(type_: Type, inner: Constraints) -> dict[str, Any]:
    match type_:
        case ListOf():
            return {"type": "array", "items": type_schema(type_.item, inner)}
        case SetOf():
            return {
                "type": "array",
                "items": type_schema(type_.item, inner),
                "uniqueItems": True,
            }
        case TupleOf(variadic=True):
            return {"type": "array", "items": type_schema(type_.items[0], inner)}
        case TupleOf():
            return _tuple(type_)
        case DictOf():
            schema = {"type": "object", "additionalProperties": type_schema(type_.value, inner)}
            names = _key_schema(type_.key)
            return {**schema, "propertyNames": names} if names else schema
    raise AssertionError(type_)


def _tuple(type_: TupleOf) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array"}
    if type_.items:
        schema["prefixItems"] = [type_schema(item) for item in type_.items]
    return {
        **schema,
        "items": False,
        "minItems": len(type_.items),
        "maxItems": len(type_.items),
    }


def _key_schema(type_: Type) -> dict[str, Any] | None:
    """Return the schema of a dict's keys, as far as one can be told of their texts."""
    match type_:
        case LiteralOf():
            texts = [
                value if isinstance(value, str) else json.dumps(value) for value in type_.values
            ]
            return {"enum": texts}
        case Scalar(name="int"):
            return {"pattern": "^-?[0-9]+$"}
        case Scalar(name="bool"):
            return {"enum": ["true", "false"]}
        case Scalar(name="date" | "datetime"):
            return {"format": _SCALARS[type_.name]["format"]}
    return None


_JSON_NAMES: Final = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _constants(values: list[Any]) -> dict[str, Any]:
    kinds = {_JSON_NAMES[type(value)] for value in values}
    schema: dict[str, Any] = {"enum": values}
    return {"type": kinds.pop(), **schema} if len(kinds) == 1 else schema


def _constrained(schema: dict[str, Any], type_: Type, constraints: Constraints) -> dict[str, Any]:
    for name in _KEYWORDS:
        value = getattr(constraints, name)
        if value is not None:
            schema[camel(name)] = value
    if constraints.unique_items:
        schema["uniqueItems"] = True
    if constraints.enum is not None:
        schema["enum"] = json.loads(constraints.enum)
    if (constraints.probability or constraints.confidence) and type_ in (INT, FLOAT):
        schema["minimum"] = max(0, schema.get("minimum", 0))
        schema["maximum"] = min(1, schema.get("maximum", 1))
    if constraints.dimension is not None:
        schema["minItems"] = schema["maxItems"] = constraints.dimension
    if constraints.shape is not None:
        schema = _shaped(schema, constraints.shape)
    if constraints.schema is not None:
        schema = _with_own(schema, constraints.schema)
    return schema


def _with_own(schema: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the type's schema together with the one that its author wrote."""
    own: dict[str, Any] = json.loads(text)
    if '"$ref"' in text:
        # References count from the document's root: an $id makes the part a document of its own.
        own.setdefault("$id", f"urn:dspex:schema:{hashlib.sha256(text.encode()).hexdigest()[:16]}")
    if schema in ({}, {"type": own.get("type", "object")}):
        return {**schema, **own}
    return {"allOf": [schema, own]}


def _shaped(schema: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    level = schema
    for depth, size in enumerate(shape):
        if size != -1:
            level["minItems"] = level["maxItems"] = size
        inner = level.get("items") or {"type": "array" if depth < len(shape) - 1 else "number"}
        level["items"] = inner
        level = inner
    return schema


def record_schema(
    fields: Iterable[Field], *, title: str, description: str = "", lenient: bool
) -> dict[str, Any]:
    """Return the JSON Schema of a record of fields.

    With `lenient`, fields that have a default or may be None are not required, as validation has
    it; without, all are: what a model writes shall be whole.
    """
    fields = tuple(fields)
    schema: dict[str, Any] = {"$schema": DRAFT, "title": title}
    if description:
        schema["description"] = description
    schema["type"] = "object"
    schema["properties"] = {field.name: _property(field) for field in fields}
    schema["required"] = [
        field.name for field in fields if not (lenient and may_be_left_out(field))
    ]
    schema["additionalProperties"] = False
    return schema


def _property(field: Field) -> dict[str, Any]:
    schema = type_schema(field.type, field.constraints)
    notes: dict[str, Any] = {"title": field.name}
    if field.description:
        notes["description"] = field.description
    if isinstance(field.default, str):
        notes["default"] = json.loads(field.default)
    return {**notes, **schema}
