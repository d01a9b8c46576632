"""What a model gives a tool, held against the tool's schema before anything runs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
import pydantic

from dspex.native.validation.object_schema import shorten_line
from dspex.native.validation.patterns import REGEX_SIZE
from dspex.native.validation.schema_cost import SchemaError, check_cost
from dspex.native.validation.violation import join_parts, shorten

MAX_FINDINGS: Final = 10
"""Things wrong about one call's arguments that the model is told."""
MAX_WORDS: Final = 600
"""Characters of what a tool takes, in words."""


class ArgumentsError(ValueError):
    """Arguments that the tool is not called with; the message says what it takes."""


class Arguments:
    """Reads a model's arguments.

    Args:
        schema: JSON Schema of the object that holds them. One that can't be checked here, because
            it refers elsewhere or costs too much, is left to the tool.
        types: What Python wants by argument: a value is converted after the schema has passed it.
    """

    def __init__(self, schema: Mapping[str, Any], types: Mapping[str, Any] | None = None) -> None:
        self.words = _words(schema)
        self._validator = _validator(schema)
        self._adapters = {
            name: pydantic.TypeAdapter(kind)
            for name, kind in (types or {}).items()
            if kind is not Any and name in (schema.get("properties") or {})
        }

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments as the tool takes them.

        Raises:
            ArgumentsError: With everything that is wrong, and what the tool takes.
        """
        findings = list(self._findings(given))
        values = dict(given)
        if not findings:
            for name, adapter in self._adapters.items():
                if name in given:
                    findings += _convert(values, name, adapter)
        if findings:
            shown = "; ".join(findings[:MAX_FINDINGS])
            raise ArgumentsError(f"the arguments do not fit: {shown}. {self.words}")
        return values

    def _findings(self, given: Mapping[str, Any]) -> Iterator[str]:
        if self._validator is None:
            return
        try:
            for error in self._validator.iter_errors(dict(given)):
                yield _line(error.instance_path, error.message)
        except ValueError as error:
            # A value that JSON does not have; a model's answer is JSON, a module's need not be.
            yield shorten_line(str(error))


def _convert(values: dict[str, Any], name: str, adapter: "pydantic.TypeAdapter[Any]") -> list[str]:
    try:
        values[name] = adapter.validate_python(values[name])
    except pydantic.ValidationError as error:
        return [
            _line([name, *each["loc"]], each["msg"]) for each in error.errors(include_url=False)
        ]
    return []


def _line(path: Iterable[int | str], message: str) -> str:
    place = shorten(join_parts(list(path)))
    return f"{place}: {shorten_line(message)}" if place else shorten_line(message)


def _validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator | None:
    try:
        check_cost(dict(schema))
        # A format is checked by the type that a value is converted to, or by the tool's server.
        return jsonschema_rs.validator_for(
            dict(schema),
            validate_formats=False,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=REGEX_SIZE, dfa_size_limit=REGEX_SIZE
            ),
        )
    except (
        SchemaError,
        jsonschema_rs.ValidationError,
        jsonschema_rs.ReferencingError,
        ValueError,
        RecursionError,
    ):
        return None


def _words(schema: Mapping[str, Any]) -> str:
    """Return what a tool takes: `It takes a (integer, required), unit ("C" or "F")`."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return "It takes no arguments" if schema.get("additionalProperties") is False else ""
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    parts = [
        f"{name} ({_kind(each)}{', required' if name in required else ''})"
        for name, each in properties.items()
    ]
    text = f"It takes {', '.join(parts)}"
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 3]}..."


def _kind(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "any"
    options = schema.get("enum")
    if isinstance(options, list):
        return shorten(" or ".join(json.dumps(each, ensure_ascii=False) for each in options))
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            return shorten(" or ".join(dict.fromkeys(map(_kind, schema[word]))))
    kind = schema.get("type", "any")
    return shorten(" or ".join(map(str, kind)) if isinstance(kind, list) else str(kind))
