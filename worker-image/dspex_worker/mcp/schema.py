"""The schema of an MCP tool's arguments, as a model reads it: without references."""

from collections.abc import Mapping
from typing import Any, Final

DEPTH: Final = 6
"""References that are followed in each other; a schema may refer to itself."""
MAX_PARTS: Final = 2_000
"""Objects and lists of one schema; the rest is left out."""


def described_arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas of a tool's arguments by name, each reference replaced by its target.

    Args:
        schema: JSON Schema of the object that holds the arguments.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    inliner = _Inliner(schema)
    return {str(name): inliner.inline(each, 0) for name, each in properties.items()}


class _Inliner:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_PARTS

    def inline(self, part: Any, depth: int) -> Any:
        if not isinstance(part, (Mapping, list)):
            return part
        self._left -= 1
        if self._left < 0:
            return {}
        if isinstance(part, list):
            return [self.inline(each, depth) for each in part]
        if isinstance(part.get("$ref"), str):
            return self.inline(self._target(part["$ref"]), depth + 1) if depth < DEPTH else {}
        return {str(key): self.inline(each, depth) for key, each in part.items()}

    def _target(self, reference: str) -> Any:
        """Return what a reference within the schema leads to; any other leads to anything."""
        found: Any = self._root if reference.startswith("#/") else {}
        for step in reference.removeprefix("#/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        return found
