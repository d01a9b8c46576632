"""Structural schemas, as the API server demands them, from the pydantic models.

A structural schema has a type at every place, no `$ref`, and no choice between types. What pydantic
writes is JSON Schema 2020-12; this module rewrites the part of it that the models use.
"""

import copy
from typing import Any, Final

from pydantic import BaseModel

from dspex.api.base import NULLABLE, RULES
from dspex.api.limits import MAX_CONSTRAINT_DEPTH

Schema = dict[str, Any]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
VALIDATIONS: Final = "x-kubernetes-validations"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"

_DROPPED: Final = ("title", "$defs", "propertyNames", "patternProperties", "const", "oneOf")


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, without `default: null` and the like."""
    schema = json_schema(model)
    return _rewrite(schema, schema.get("$defs", {}), ())


def json_schema(model: type[BaseModel]) -> Schema:
    """Return pydantic's own JSON Schema of a model, names as in manifests."""
    return model.model_json_schema(by_alias=True, mode="validation")


def resolve(schema: Schema, definitions: Schema) -> Schema:
    """Follow a `$ref`; what stands beside it wins over what it names."""
    found = dict(schema)
    while "$ref" in found:
        name = str(found.pop("$ref")).removeprefix("#/$defs/")
        found = {**copy.deepcopy(definitions[name]), **found}
    return found


def without_null(schema: Schema, definitions: Schema) -> Schema:
    """Flatten `anyOf` of one thing and null into the thing; int or float become number."""
    if "anyOf" not in schema:
        return schema
    outer = {key: value for key, value in schema.items() if key != "anyOf"}
    options = [
        resolve(option, definitions) for option in schema["anyOf"] if option.get("type") != "null"
    ]
    flat: list[Schema] = []
    for option in options:
        nested = without_null(option, definitions)
        if nested not in flat:
            flat.append(nested)
    merged: Schema = {}
    for option in flat:
        merged = {**merged, **option}
    if len(flat) > 1 and {option.get("type") for option in flat} == {"integer", "number"}:
        merged["type"] = "number"
    return {**merged, **outer}


def _rewrite(schema: Schema, definitions: Schema, trail: tuple[str, ...]) -> Schema:
    trail = (*trail, *_references(schema))
    found = without_null(resolve(schema, definitions), definitions)
    if found.pop(NULLABLE, False):
        found["nullable"] = True
    result = {key: value for key, value in found.items() if key not in _DROPPED}
    result.pop(RULES, None)
    if "patternProperties" in found:
        # The CRD can't bound the keys of a mapping; models and webhook do.
        (result["additionalProperties"],) = found["patternProperties"].values()
    if result.get(INT_OR_STRING):
        result.pop("type", None)
    if not result.get("default"):
        result.pop("default", None)
    _rewrite_bounds(result)
    _rewrite_properties(result, definitions, trail)
    if found.get(RULES):
        result[VALIDATIONS] = [*result.get(VALIDATIONS, []), *found[RULES]]
    if "items" in result:
        result["items"] = _rewrite(result["items"], definitions, trail)
    if not (result.get("type") or result.get(PRESERVE) or result.get(INT_OR_STRING)):
        # Anything goes, null too: items of enum.
        result.update({PRESERVE: True, "nullable": True})
    return result


def _rewrite_properties(result: Schema, definitions: Schema, trail: tuple[str, ...]) -> None:
    extra = result.pop("additionalProperties", False)
    if extra and not result.get(PRESERVE):
        result["additionalProperties"] = _rewrite(extra, definitions, trail)
    properties = result.pop("properties", None)
    if properties is None:
        return
    kept = {
        name: _rewrite(value, definitions, trail)
        for name, value in properties.items()
        if not _too_deep(value, trail)
    }
    result["properties"] = kept


def _references(schema: Schema) -> list[str]:
    options = [schema, *schema.get("anyOf", [])]
    return [option["$ref"] for option in options if "$ref" in option]


def _too_deep(schema: Schema, trail: tuple[str, ...]) -> bool:
    """Say whether a model that holds itself (constraints of items) has been followed enough."""
    return any(trail.count(each) >= MAX_CONSTRAINT_DEPTH for each in _references(schema))


def _rewrite_bounds(result: Schema) -> None:
    """Write exclusive bounds as OpenAPI 3.0 has them: a flag beside the bound."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        bound = result.get(exclusive)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool):
            result[inclusive] = bound
            result[exclusive] = True
