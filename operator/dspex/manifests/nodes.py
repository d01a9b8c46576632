"""What a document is composed to: JSON values that know their place in the file."""

from dataclasses import dataclass, field
from typing import Any, Final

MISSING: Final = object()


@dataclass(slots=True)
class Node:
    """A value with its place.

    Attributes:
        line: Line of its first character, 1-based.
        column: Column of its first character, 1-based.
        value: The scalar's value, where it is one.
        items: The items, where it is a list.
        fields: The fields by name, where it is an object.
        text: The scalar's content where it is a string; None for others.
    """

    line: int
    column: int
    value: Any = None
    items: "list[Node] | None" = None
    fields: "dict[str, Entry] | None" = None
    verbatim: bool = False
    """Whether the string stands in the file as it is, on one line, without escapes."""
    indent: int = 0
    """Characters between `column` and the string's first character: 1 behind a quote."""

    def to_json(self) -> Any:
        """Return the plain JSON value."""
        if self.fields is not None:
            return {name: entry.node.to_json() for name, entry in self.fields.items()}
        if self.items is not None:
            return [item.to_json() for item in self.items]
        return self.value

    def get(self, name: str) -> "Node | None":
        """Return a field's node, None if this is no object or has no such field."""
        entry = (self.fields or {}).get(name)
        return entry.node if entry else None

    def child(self, part: str | int) -> "Node | None":
        """Return the node of a field or an item, None if there is none."""
        if isinstance(part, str):
            return self.get(part)
        items = self.items or []
        return items[part] if 0 <= part < len(items) else None

    def kind(self) -> str:
        """Say in words what kind of value it is, and which."""
        if self.fields is not None:
            return "an object"
        if self.items is not None:
            return "a list"
        return describe(self.value)


@dataclass(slots=True)
class Entry:
    """A field of an object: where its name stands, and its value."""

    line: int
    column: int
    node: Node
    text: str = ""
    """The key as it is written, before `yes` became `true`."""
    merged: bool = field(default=False)
    """Whether it came by a merge key."""


def describe(value: object) -> str:
    """Say in words what a JSON value is: `the number 3`, `an object`."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    text = str(value)
    return f"the text {text if len(text) <= 60 else text[:57] + '…'!r}"
