"""Which names a value reads, found without knowing any type."""

from typing import Any

from dspex.errors import ExpressionError
from dspex.native.expressions.scanner import Embedded, scan
from dspex.native.expressions.syntax import Comprehension, Node, Path, children, parse

_LENGTHS = {"inputs": 2, "run": 2, "item": 1, "index": 1}


def references(value: Any) -> frozenset[str]:
    """Return the dotted names that a JSON value's expressions mention.

    Only names that begin with steps, inputs, run, item or index, cut to the length that a name in
    scope has: `steps.a.outputs.x`, `steps.a.state`, `inputs.x`. An expression with wrong syntax
    counts as mentioning nothing; `compile_value` reports it.
    """
    found: set[str] = set()
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, str):
            if "$(" in current:
                found |= _in_text(current)
        elif isinstance(current, list | tuple):
            pending.extend(current)
        elif isinstance(current, dict):
            pending.extend(current.values())
    return frozenset(found)


def _in_text(text: str) -> set[str]:
    found: set[str] = set()
    try:
        parts = scan(text).parts
    except ExpressionError:
        return found
    for part in parts:
        if isinstance(part, Embedded):
            found |= expression_references(part.source)
    return found


def expression_references(source: str) -> frozenset[str]:
    """Return the dotted names that one expression mentions; see `references`."""
    found: set[str] = set()
    try:
        _collect(parse(source), frozenset(), found)
    except ExpressionError:
        return frozenset()
    return frozenset(found)


def _collect(node: Node, local: frozenset[str], found: set[str]) -> None:
    if isinstance(node, Path):
        name = None if node.segments[0].text in local else _name(node)
        if name is not None:
            found.add(name)
    elif isinstance(node, Comprehension):
        _collect(node.range, local, found)
        for argument in node.arguments:
            _collect(argument, local | {node.variable.text}, found)
    else:
        for part in children(node):
            _collect(part, local, found)


def _name(path: Path) -> str | None:
    names = [segment.text for segment in path.segments]
    if names[0] == "steps":
        length = 4 if names[2:3] == ["outputs"] else 3
    elif names[0] in _LENGTHS:
        length = _LENGTHS[names[0]]
    else:
        return None
    return ".".join(names[:length])
