"""The constraint schema: a JSON Schema (2020-12) that a value must satisfy."""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from dspex.native.validation.patterns import REGEX_SIZE
from dspex.native.validation.violation import MAX_VIOLATIONS, Finding, describe, shorten

MAX_COST: Final = 20_000
"""Subschemas that one value may be held against; references that multiply reach it soon."""

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


class SchemaError(ValueError):
    """A schema that can't be compiled; the message says why."""


@lru_cache(maxsize=256)
def schema_errors(text: str) -> Callable[[Any], Iterable[Finding]]:
    """Return the function that gives the findings of a value against the schema of a JSON text.

    Nothing is fetched: references must lead to the schema itself.

    Raises:
        SchemaError: The schema is invalid, of another draft, refers elsewhere, or costs too much.
    """
    # The import costs 20 ms, which a signature without schemas need not pay.
    import jsonschema_rs

    schema = json.loads(text)
    _check_draft(schema)
    _check_cost(schema)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=REGEX_SIZE, dfa_size_limit=REGEX_SIZE
            ),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaError(shorten_line(str(error))) from None

    def findings(value: Any) -> Iterable[Finding]:
        for count, error in enumerate(validator.iter_errors(value)):
            if count >= MAX_VIOLATIONS:
                break
            expected = f"schema: {error.kind.name}"
            finding = Finding(shorten_line(error.message), expected, describe(error.instance))
            finding.parts.extend(reversed(error.instance_path))
            yield finding

    return findings


def shorten_line(text: str) -> str:
    """Return the first line of a message, cut where it is long."""
    line = text.partition("\n")[0]
    return line if len(line) <= 200 else f"{line[:197]}..."


def _check_draft(schema: dict[str, Any]) -> None:
    draft = schema.get("$schema", _DRAFT)
    if not isinstance(draft, str) or draft.rstrip("#") != _DRAFT:
        raise SchemaError(f"$schema must be {_DRAFT}, not {shorten(str(draft))}")


def _check_cost(schema: dict[str, Any]) -> None:
    """Bound the subschemas that are tried on one value without going into its parts.

    A schema of 64 KiB whose references double twenty times would take minutes for one value.
    """
    costs: dict[int, int] = {}
    open_: set[int] = set()

    def cost(node: Any) -> int:
        if not isinstance(node, dict):
            return 1
        known = costs.get(id(node))
        if known is not None:
            return known
        if id(node) in open_:
            raise SchemaError("a $ref leads back to itself without going into the value")
        if len(open_) > 256:
            raise SchemaError("subschemas are nested deeper than 256")
        open_.add(id(node))
        total = 1 + sum(cost(part) for part in _in_place(node, schema))
        open_.discard(id(node))
        costs[id(node)] = total
        if total > MAX_COST:
            raise SchemaError(f"one value would be held against more than {MAX_COST} subschemas")
        return total

    for node in _nodes(schema):
        cost(node)


def _nodes(schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Give every object in the schema: each may be one that a part of the value is held against."""
    left: list[Any] = [schema]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)


def _in_place(node: dict[str, Any], root: dict[str, Any]) -> Iterable[Any]:
    """Give the subschemas that hold for the same value as `node`."""
    for keyword in ("allOf", "anyOf", "oneOf"):
        parts = node.get(keyword)
        if isinstance(parts, list):
            yield from parts
    for keyword in ("not", "if", "then", "else"):
        if keyword in node:
            yield node[keyword]
    dependent = node.get("dependentSchemas")
    if isinstance(dependent, dict):
        yield from dependent.values()
    for keyword in ("$ref", "$dynamicRef"):
        reference = node.get(keyword)
        if isinstance(reference, str):
            yield _target(reference, root)


def _target(reference: str, root: dict[str, Any]) -> Any:
    """Return what a reference leads to, as far as that can be told from its text."""
    if not reference.startswith("#"):
        raise SchemaError(f"$ref {shorten(reference)} leads out of the schema")
    pointer = reference[1:]
    if pointer and not pointer.startswith("/"):
        return _anchored(pointer, root)
    node: Any = root
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            raise SchemaError(f"$ref {shorten(reference)} leads nowhere")
    return node


def _anchored(anchor: str, root: dict[str, Any]) -> Any:
    for node in _nodes(root):
        if anchor in (node.get("$anchor"), node.get("$dynamicAnchor")):
            return node
    raise SchemaError(f"$ref #{shorten(anchor)} leads nowhere")
