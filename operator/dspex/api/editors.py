"""JSON Schemas for editors (yaml-language-server): completion, hints and checks while writing."""

from typing import Any, Final

from dspex.api.base import API_VERSION, NULLABLE, RULES
from dspex.api.kinds import KINDS, Kind
from dspex.api.names import CEL_WORDS, NAME_PATTERN, YAML_WORDS
from dspex.api.structural import Schema, json_schema, without_null

DIALECT: Final = "http://json-schema.org/draft-07/schema#"

_HIDDEN: Final = ("title", NULLABLE, RULES)


def editor_schema(kind: Kind) -> Schema:
    """Return the JSON Schema of a kind's manifests."""
    schema = json_schema(kind.model)
    definitions = {
        name: _rewrite(each, schema["$defs"]) for name, each in sorted(schema["$defs"].items())
    }
    properties = {
        name: _rewrite(value, schema["$defs"]) for name, value in schema["properties"].items()
    }
    properties["apiVersion"] = {"const": API_VERSION, "description": f"Always {API_VERSION}."}
    properties["kind"] = {"const": kind.name, "description": f"Always {kind.name}."}
    return {
        "$schema": DIALECT,
        "title": kind.name,
        "description": kind.summary,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
        "properties": properties,
        "$defs": definitions,
    }


def combined_schema() -> Schema:
    """Return one schema for manifests of all kinds; those of other groups pass."""
    definitions: Schema = {}
    choices = []
    for kind in KINDS.values():
        schema = editor_schema(kind)
        definitions.update(schema.pop("$defs"))
        del schema["$schema"]
        definitions[kind.name] = schema
        condition: dict[str, Any] = {
            "required": ["apiVersion", "kind"],
            "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"const": kind.name}},
        }
        choices.append({"if": condition, "then": {"$ref": f"#/$defs/{kind.name}"}})
    return {
        "$schema": DIALECT,
        "title": "DSPex",
        "description": f"Manifests of {API_VERSION}.",
        "type": "object",
        "allOf": choices,
        "$defs": dict(sorted(definitions.items())),
    }


def _rewrite(value: Any, definitions: Schema) -> Any:
    if isinstance(value, list):
        return [_rewrite(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    found = _flatten(value, definitions)
    result = {
        key: _rewrite_properties(each, definitions)
        if key in ("properties", "patternProperties")
        else _rewrite(each, definitions)
        for key, each in found.items()
        if key not in _HIDDEN and not key.startswith("x-kubernetes-")
    }
    if result.get("default", True) in (None, "", []):
        del result["default"]
    if result.get("pattern") == NAME_PATTERN:
        result["not"] = {"enum": sorted(CEL_WORDS | YAML_WORDS)}
    if "$ref" in result and len(result) > 1:
        # Draft 7 ignores what stands beside $ref.
        result["allOf"] = [{"$ref": result.pop("$ref")}]
    return result


def _rewrite_properties(value: Schema, definitions: Schema) -> Schema:
    return {name: _rewrite(each, definitions) for name, each in value.items()}


def _flatten(schema: Schema, definitions: Schema) -> Schema:
    """Take null out of `anyOf`; keep a reference a reference."""
    options = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    if len(options) == 1 and "$ref" in options[0]:
        return {**options[0], **{key: each for key, each in schema.items() if key != "anyOf"}}
    return without_null(schema, definitions)
