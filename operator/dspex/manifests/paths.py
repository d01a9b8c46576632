"""Field paths such as `spec.steps[2].inputs.message`: written, and walked in a document."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dspex.manifests.nodes import Node

Part = str | int

_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*")
_INDEX: Final = re.compile(r"\[(\d+)\]")
_QUOTED: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')


def path_text(parts: Iterable[Part]) -> str:
    """Write a path; a name that is not plain is written as `["a name"]`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            escaped = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads.

    Attributes:
        line: Line, 1-based: that of the value, or of its key where it is a list or an object.
        column: Column, 1-based.
        parts: The part of the path that exists.
        node: The value there.
        text: The last name as it is written; empty for an item of a list.
    """

    line: int
    column: int
    parts: tuple[Part, ...]
    node: Node
    text: str = ""


def locate(root: Node, parts: Iterable[Part], *, key: bool = False) -> Place:
    """Follow a path as far as the document has it.

    Args:
        root: The document.
        parts: Names and indices.
        key: Whether the place of the last name is wanted instead of its value's.
    """
    node, line, column = root, root.line, root.column
    taken: list[Part] = []
    text = ""
    for part in parts:
        entry = (node.fields or {}).get(part) if isinstance(part, str) else None
        child = node.child(part)
        if child is None:
            break
        taken.append(part)
        node, text = child, entry.text if entry else ""
        is_tree = child.fields is not None or child.items is not None
        if entry is not None and (is_tree or key):
            line, column = entry.line, entry.column
        else:
            line, column = child.line, child.column
    return Place(line, column, tuple(taken), node, text)


def walk_text(root: Node, path: str) -> Place:
    """Follow a written path as far as the document has it."""
    parts: list[Part] = []
    node: Node | None = root
    rest = path
    while rest and node is not None:
        part, rest = _next_part(node, rest)
        node = None if part is None else node.child(part)
        if part is not None:
            parts.append(part)
    return locate(root, parts)


def _next_part(node: Node, rest: str) -> tuple[Part | None, str]:
    index = _INDEX.match(rest)
    if index:
        return int(index[1]), rest[index.end() :]
    quoted = _QUOTED.match(rest)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1]), rest[quoted.end() :]
    rest = rest.removeprefix(".")
    # A name may hold dots: the longest that the object has is the one meant.
    for name in sorted(node.fields or (), key=len, reverse=True):
        if rest.startswith(name) and rest[len(name) : len(name) + 1] in ("", ".", "["):
            return name, rest[len(name) :]
    return None, ""
