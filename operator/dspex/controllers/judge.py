"""What is wrong about an object by itself: the checks of the files' loader, without a file."""

import dataclasses
from typing import Any, Final

from dspex.api.base import Resource
from dspex.api.kinds import KINDS
from dspex.controllers.decision import Object
from dspex.errors import Diagnostic
from dspex.manifests.findings import Findings
from dspex.manifests.limits import MAX_DEPTH
from dspex.manifests.nodes import Entry, Node
from dspex.manifests.objects import read_object
from dspex.manifests.paths import Part, path_text

_SHOWN: Final = 4
"""Parts of a path that say where something is nested too deep."""


def judge(item: Object) -> tuple[Resource | None, tuple[Diagnostic, ...]]:
    """Return an object's model, or all that is wrong about it; what the cluster added is left out.

    Status is not looked at: it is ours.
    """
    kind = KINDS[item["kind"]]
    parts = ("apiVersion", "kind", "metadata", "spec")
    known = {part: item[part] for part in parts if part in item}
    name = item["metadata"].get("name") or item["metadata"].get("generateName", "")
    subject = f"{kind.name}/{name}"
    deep = _too_deep(known)
    if deep is not None:
        return None, (_depth(subject, deep),)
    findings = Findings("")
    model = read_object(kind, _node(known), subject, findings)
    return model, tuple(_without_place(each) for each in findings.found)


def _too_deep(item: Object) -> tuple[Part, ...] | None:
    """Return the path of something that is nested deeper than the loader reads, None for none.

    The API server takes free JSON of thousands of levels, which no recursion here survives.
    """
    pending: list[tuple[tuple[Part, ...], Any]] = [((), item)]
    while pending:
        path, value = pending.pop()
        if len(path) >= MAX_DEPTH:
            return path
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        pending.extend(
            ((*path, part), each) for part, each in inside if isinstance(each, (dict, list))
        )
    return None


def _depth(subject: str, path: tuple[Part, ...]) -> Diagnostic:
    return Diagnostic(
        code="TooDeep",
        message=f"nested deeper than {MAX_DEPTH} levels",
        remedy="nest it less, or pass it as a text of JSON",
        subject=subject,
        path=path_text(path[:_SHOWN]),
    )


def _node(value: Any) -> Node:
    """Return a value as the loader composes it from a file; the place stands for nothing."""
    if isinstance(value, dict):
        fields = {name: Entry(1, 1, _node(part), name) for name, part in value.items()}
        return Node(1, 1, fields=fields)
    if isinstance(value, list):
        return Node(1, 1, items=[_node(part) for part in value])
    return Node(1, 1, value)


def _without_place(finding: Diagnostic) -> Diagnostic:
    return dataclasses.replace(finding, file=None, line=None, column=None)
