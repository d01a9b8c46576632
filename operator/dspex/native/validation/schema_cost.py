"""How often a schema holds parts of itself against one value, before it is let do so.

References that multiply make a schema of a few lines take years: in place (`allOf` of two
references to the next definition, thirty deep) or down the value (two references to the root for
one property).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from dspex.native.validation.json_value import MAX_DEPTH
from dspex.native.validation.violation import shorten

MAX_IN_PLACE: Final = 2_000
"""Subschemas that hold for one and the same value."""
MAX_COST: Final = 1_000_000
"""Subschemas that are tried on the way down the deepest value; it takes about 0.1 s."""
MAX_EDGES: Final = 200_000
"""Subschemas of all parts together."""
MAX_NESTING: Final = 256
"""Subschemas in each other that hold for one and the same value."""

_ANY_KEY: Final = "*"


class SchemaError(ValueError):
    """A schema that can't be compiled; the message says why."""


def check_cost(schema: dict[str, Any]) -> None:
    """Refuse a schema that would take long.

    Raises:
        SchemaError: It would, or a reference in it leads nowhere, elsewhere or back to itself.
    """
    parts = _Parts(schema)
    costs = dict.fromkeys(parts.sizes, 0)
    for _ in range(MAX_DEPTH):
        costs = {part: parts.cost(part, costs) for part in costs}
        if max(costs.values()) > MAX_COST:
            raise SchemaError(f"one value could be held against more than {MAX_COST} subschemas")


class _Parts:
    """The parts of a schema that a value, or something inside it, is held against.

    Attributes:
        sizes: By part, the number of subschemas that hold for the same value.
        inner: By part, the parts that hold for what is inside, by key.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.sizes: dict[int, int] = {}
        self.inner: dict[int, dict[str, list[int]]] = {}
        edges = 0
        left = [root]
        while left:
            part = left.pop()
            if id(part) in self.sizes:
                continue
            same = list(self._same(part, 0))
            self.sizes[id(part)] = len(same)
            inner = self.inner[id(part)] = {}
            for key, child in ((key, child) for node in same for key, child in _inside(node)):
                inner.setdefault(key, []).append(id(child))
                left.append(child)
                edges += 1
            edges += len(same)
            if edges > MAX_EDGES:
                raise SchemaError(f"its parts have more than {MAX_EDGES} subschemas together")

    def cost(self, part: int, costs: dict[int, int]) -> int:
        """Return how many subschemas are tried from here, given what one level less costs."""
        inner = self.inner[part]
        anywhere = sum(costs[child] for child in inner.get(_ANY_KEY, ()))
        deepest = max(
            (sum(map(costs.__getitem__, inner[key])) for key in inner if key != _ANY_KEY), default=0
        )
        return self.sizes[part] + anywhere + deepest

    def _same(
        self, node: Any, depth: int, budget: list[int] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Give the subschemas that hold for the same value as `node`, itself included."""
        budget = [MAX_IN_PLACE] if budget is None else budget
        if not isinstance(node, dict):
            return
        budget[0] -= 1
        if budget[0] < 0:
            raise SchemaError(
                f"one value would be held against more than {MAX_IN_PLACE} subschemas"
            )
        if depth > MAX_NESTING:
            raise SchemaError(
                f"more than {MAX_NESTING} subschemas hold for one value in each other; "
                "perhaps a $ref leads back to itself"
            )
        if node is not self.root and isinstance(node.get("$id"), str):
            raise SchemaError("$id stands inside the schema: references would count from there")
        yield node
        for part in _in_place(node, self.root):
            yield from self._same(part, depth + 1, budget)


def _inside(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the subschemas for what is inside the value, with the key that they hold for."""
    properties = node.get("properties")
    if isinstance(properties, dict):
        yield from ((f".{key}", part) for key, part in properties.items() if isinstance(part, dict))
    patterns = node.get("patternProperties")
    anywhere = list(patterns.values()) if isinstance(patterns, dict) else []
    anywhere += map(node.get, _ANYWHERE)
    yield from ((_ANY_KEY, part) for part in anywhere if isinstance(part, dict))
    places = node.get("prefixItems")
    if isinstance(places, list):
        yield from ((f"[{at}]", part) for at, part in enumerate(places) if isinstance(part, dict))


def _in_place(node: dict[str, Any], root: dict[str, Any]) -> Iterator[Any]:
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
    for reference in _references(node):
        yield _target(reference, root)


def _subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give every subschema that stands under a keyword of JSON Schema, itself included."""
    left: list[Any] = [schema]
    while left:
        node = left.pop()
        if not isinstance(node, dict):
            continue
        yield node
        for keyword, value in node.items():
            if keyword in _MAPS and isinstance(value, dict):
                left.extend(value.values())
            elif keyword in _LISTS and isinstance(value, list):
                left.extend(value)
            elif keyword in _SINGLE:
                left.append(value)


_ANYWHERE: Final = (
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "contains",
    "unevaluatedItems",
)
_MAPS: Final = ("$defs", "properties", "patternProperties", "dependentSchemas")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE: Final = ("not", "if", "then", "else", *_ANYWHERE)


def _references(node: dict[str, Any]) -> Iterable[str]:
    found = (node.get(keyword) for keyword in ("$ref", "$dynamicRef"))
    return [reference for reference in found if isinstance(reference, str)]


def _target(reference: str, root: dict[str, Any]) -> Any:
    """Return what a reference leads to; only one that begins at the schema's own root is taken."""
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
    for node in _subschemas(root):
        if anchor in (node.get("$anchor"), node.get("$dynamicAnchor")):
            return node
    raise SchemaError(f"$ref #{shorten(anchor)} leads nowhere")
