"""A document of group dspex.dev to its model, with every error at its place."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dspex.api.base import RULE_ERROR, Resource
from dspex.api.fields import model_at
from dspex.api.kinds import Kind
from dspex.errors import Diagnostic, ExpressionError
from dspex.manifests.explanation import Explanation, explain, missing_field, unknown_field
from dspex.manifests.findings import Findings
from dspex.manifests.nodes import Node
from dspex.manifests.paths import Part, Place, locate, path_text
from dspex.manifests.rules import broken_rules
from dspex.native.expressions.scanner import scan

KEY_MARK = "[key]"
"""What pydantic puts behind the name of a key that it refuses."""

Found = tuple[Diagnostic, tuple[Part, ...]]
"""A finding, and the path that it is about."""


def read_object(kind: Kind, root: Node, subject: str, findings: Findings) -> Resource | None:
    """Return the object that a document holds; None, with all errors noted, if it is not right."""
    cut = _note_unclosed(root, subject, findings)
    try:
        return kind.model.model_validate(root.to_json(), by_alias=True, by_name=False)
    except ValidationError as error:
        diagnostics = [
            _diagnose(kind, root, detail)
            for detail in error.errors(include_url=False)
            if detail["type"] != RULE_ERROR and not _is_echo(root, detail)
        ]
    for parts, broken in broken_rules(kind.model, root):
        remedy = broken.remedy or None
        explanation = Explanation("InvalidObject", broken.message, remedy=remedy)
        diagnostics.append(_at(root, (*parts, *broken.field), explanation, key=True))
    seen = set()
    for diagnostic, parts in diagnostics:
        place = (diagnostic.path, diagnostic.code, diagnostic.message)
        if place not in seen and not _is_debris(parts, cut):
            seen.add(place)
            findings.put(diagnostic.at(subject=subject, file=findings.file))
    return None


def _is_echo(root: Node, detail: ErrorDetails) -> bool:
    """Say whether a list is too short only because its wrong entries were not counted."""
    if detail["type"] != "too_short":
        return False
    node = locate(root, detail["loc"]).node
    return len(node.items or ()) >= int(detail["ctx"]["min_length"])


def _diagnose(kind: Kind, root: Node, detail: ErrorDetails) -> Found:
    parts = tuple(part for part in detail["loc"] if part != KEY_MARK)
    name = str(parts[-1]) if parts else kind.name
    model = model_at(kind.model, parts[:-1])
    if detail["type"] == "missing":
        return _at(root, parts, missing_field(name, model), key=True)
    if detail["type"] == "extra_forbidden":
        return _at(root, parts, unknown_field(name, model, path_text(parts[:-1])), key=True)
    is_key = detail["loc"][-1:] == (KEY_MARK,)
    # Behind the path pydantic names the option of a union, which the document does not have.
    place = locate(root, parts, key=is_key)
    is_number = detail["type"] in ("int_type", "int_from_float") and parts[-1:] == ("int",)
    type_ = "float_type" if is_number else detail["type"]
    explanation = explain(type_, detail.get("ctx") or {}, _shown(kind, place.parts), place.node)
    return _at(root, place.parts, explanation, key=is_key, found=not is_key)


def _shown(kind: Kind, parts: tuple[Part, ...]) -> str:
    if not parts:
        return kind.name
    return path_text(parts[-2:] if isinstance(parts[-1], int) else parts[-1:])


def _at(
    root: Node,
    parts: tuple[Part, ...],
    explanation: Explanation,
    *,
    key: bool = False,
    found: bool = False,
) -> Found:
    place = locate(root, parts, key=key)
    diagnostic = Diagnostic(
        code=explanation.code,
        message=explanation.message,
        expected=explanation.expected,
        found=place.node.kind() if found else _renamed(place),
        remedy=explanation.remedy,
        path=path_text(parts) or None,
        line=place.line,
        column=place.column,
    )
    return diagnostic, parts


def _renamed(place: Place) -> str | None:
    """Say how a key was written which kubectl reads as another name, such as `yes`."""
    if not place.parts or place.text in ("", place.parts[-1]):
        return None
    return f"the key {place.text}, which kubectl reads as {str(place.parts[-1])!r}"


def _note_unclosed(root: Node, subject: str, findings: Findings) -> list[tuple[Part, ...]]:
    """Note each `$(` that no bracket closes; return the objects and lists that hold one."""
    cut: list[tuple[Part, ...]] = []
    pending: list[tuple[tuple[Part, ...], Node]] = [((), root)]
    while pending:
        parts, node = pending.pop()
        if node.fields is not None:
            for name, entry in node.fields.items():
                child = (*parts, name)
                pending.append((child, entry.node))
                if "$(" in entry.text and _unclosed(entry.text) is not None:
                    cut.append(parts)
                    _refuse(findings, subject, child, entry.text, entry.line, entry.column)
        elif node.items is not None:
            pending.extend(((*parts, index), item) for index, item in enumerate(node.items))
        elif isinstance(node.value, str) and "$(" in node.value:
            offset = _unclosed(node.value)
            if offset is not None:
                cut.append(parts[:-1])
                shift = node.indent + offset if node.verbatim else 0
                column = node.column + shift
                _refuse(findings, subject, parts, node.value, node.line, column)
    return cut


def _unclosed(text: str) -> int | None:
    """Return the offset of a `$(` that is not closed, None if all are."""
    try:
        scan(text)
    except ExpressionError as error:
        first = error.diagnostics[0]
        if first.code == "UnclosedExpression":
            return first.start or 0
    return None


def _refuse(
    findings: Findings, subject: str, parts: tuple[Part, ...], text: str, line: int, column: int
) -> None:
    findings.add(
        "UnclosedExpression",
        "the expression behind $( is not closed",
        line=line,
        column=column,
        path=path_text(parts),
        subject=subject,
        actual=repr(text if len(text) <= 80 else text[:77] + "…"),
        remedy="YAML may have cut it at a comma or at #: quote it, or write it in a block behind "
        ">-; a literal $( is written $$(",
    )


def _is_debris(parts: tuple[Part, ...], cut: list[tuple[Part, ...]]) -> bool:
    """Say whether an error is only what is left of an expression that YAML has cut."""
    return any(parts[: len(holder)] == holder and holder for holder in cut)
