"""Looking a field up by its path, for `dspex explain pipeline.spec.steps.retry`."""

import re
from dataclasses import dataclass

from dspex.api.documentation import FieldDoc, documentation
from dspex.api.kinds import KINDS, Kind, find_kind
from dspex.errors import Diagnostic, InputError, nearest


@dataclass(frozen=True, slots=True)
class Explained:
    """What was looked up: the kind, and the field (the kind itself where no path was given)."""

    kind: Kind
    field: FieldDoc


def explain(text: str) -> Explained:
    """Look up a kind or a field of one.

    The kind goes by its name, plural or short name, in any case. `spec` may be left out, and
    `[]` or `[0]` behind a list.

    Raises:
        InputError: There is no such kind or field; names the nearest.
    """
    first, *names = [part for part in re.sub(r"\[\d*\]", "", text).split(".") if part] or [""]
    kind = find_kind(first)
    if kind is None:
        raise InputError(_unknown_kind(text, first))
    root = documentation(kind)
    if not names:
        return Explained(kind, root)
    # Of places that lead equally far the first wins: most questions are about spec.
    starts = [*(root.find(part) or root for part in ("spec", "status")), root]
    reached, failed = min((_follow(start, names) for start in starts), key=lambda end: len(end[1]))
    if failed:
        raise InputError(_unknown_field(text, kind, reached, failed[0]))
    return Explained(kind, reached)


def _follow(start: FieldDoc, names: list[str]) -> tuple[FieldDoc, list[str]]:
    """Go down as far as the names lead; return where that is, and the names that are left."""
    for index, name in enumerate(names):
        below = start.find(name)
        if below is None:
            return start, names[index:]
        start = below
    return start, []


def _unknown_kind(text: str, name: str) -> Diagnostic:
    spellings = [spelling for kind in KINDS.values() for spelling in kind.spellings]
    near = nearest(name, spellings)
    return Diagnostic(
        code="UnknownKind",
        message=f"there is no kind {name!r}",
        expected=f"one of {', '.join(KINDS)}",
        remedy=f"write {near}" if near else "name a kind first, as in pipeline.spec.steps",
        source=text,
        start=0,
        end=max(1, len(name)),
    )


def _unknown_field(text: str, kind: Kind, reached: FieldDoc, name: str) -> Diagnostic:
    candidates = (*reached.fields, *(documentation(kind).fields if _is_top(reached) else ()))
    near = nearest(name, [field.name for field in candidates])
    found = next((field for field in candidates if field.name == near), None)
    start = max(text.find(name), 0)
    listed = ", ".join(field.name for field in reached.fields)
    return Diagnostic(
        code="UnknownField",
        message=f"{_written(kind, reached)} has no field {name!r}",
        expected=f"one of {listed}" if listed else "nothing below it",
        remedy=f"write {_written(kind, found)}" if found else None,
        source=text,
        start=start,
        end=start + len(name),
    )


def _is_top(field: FieldDoc) -> bool:
    return "." not in field.path


def _written(kind: Kind, field: FieldDoc) -> str:
    return ".".join(part for part in (kind.singular, field.path.replace("[]", "")) if part)
