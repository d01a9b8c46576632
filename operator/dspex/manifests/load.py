"""Loading manifests: files in, objects out, or every error of every file."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from dspex.api.base import API_VERSION, GROUP, Resource
from dspex.api.kinds import KINDS
from dspex.errors import Diagnostic, ManifestError, Severity, nearest
from dspex.manifests.core import read_config_map, read_secret
from dspex.manifests.documents import read_documents
from dspex.manifests.files import read_files
from dspex.manifests.findings import Findings
from dspex.manifests.manifests import Manifests, Origin
from dspex.manifests.nodes import Entry, Node
from dspex.manifests.objects import read_object

MAX_LIST_DEPTH: Final = 3
"""Lists in lists of objects."""


def load(paths: Iterable[str | Path], *, stdin: IO[Any] | None = None) -> Manifests:
    """Read manifests as kubectl reads them.

    Args:
        paths: Files, directories (read with all below them), or `-` for standard input.
        stdin: What `-` stands for; the process's own standard input if not given.

    Raises:
        ManifestError: Something is wrong; carries all findings of all files, each with its file,
            line and column, and, where it is about a field, its path.
    """
    files, failures = read_files(paths, stdin)
    loader = _Loader(errors=failures)
    for name, data in files:
        loader.read(name, data)
    return loader.result()


@dataclass(slots=True)
class _Loader:
    errors: list[Diagnostic]
    objects: dict[str, dict[str, Resource]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    secrets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)

    def read(self, name: str, data: bytes) -> None:
        findings = Findings(name)
        for root in read_documents(data, findings):
            self._document(root, findings, 0)
        self.errors.extend(sorted(findings.found, key=_order))

    def result(self) -> Manifests:
        if self.errors:
            raise ManifestError(*self.errors)
        found: Any = self.objects
        return Manifests(
            signatures=found["Signature"],
            pools=found["Pool"],
            pipelines=found["Pipeline"],
            runs=found["PipelineRun"],
            run_data=found["PipelineRunData"],
            secrets=self.secrets,
            config_maps=self.config_maps,
            notes=tuple(self.notes),
            origins=self.origins,
        )

    def _document(self, root: Node, findings: Findings, depth: int) -> None:
        if root.fields is None:
            findings.add(
                "NotAnObject",
                "a manifest is an object with apiVersion, kind and metadata",
                line=root.line,
                column=root.column,
                actual=root.kind(),
            )
            return
        version = _text(root, "apiVersion", findings)
        kind = _text(root, "kind", findings)
        if version is None or kind is None:
            return
        items = root.get("items")
        if kind.endswith("List") and items is not None and items.items is not None:
            self._list(root, items.items, findings, depth)
            return
        group = version.rpartition("/")[0]
        if group == GROUP or (kind in KINDS and _resembles(group)):
            self._own(root, version, kind, findings)
        elif version == "v1" and kind in ("Secret", "ConfigMap"):
            self._core(root, kind, findings)
        else:
            self._foreign(root, version, kind, findings)

    def _list(self, root: Node, items: list[Node], findings: Findings, depth: int) -> None:
        if depth >= MAX_LIST_DEPTH:
            findings.add(
                "TooDeep",
                f"lists in lists, more than {MAX_LIST_DEPTH} deep",
                line=root.line,
                column=root.column,
            )
            return
        for item in items:
            self._document(item, findings, depth + 1)

    def _own(self, root: Node, version: str, kind: str, findings: Findings) -> None:
        if version != API_VERSION:
            _refuse(
                root,
                "apiVersion",
                findings,
                code="WrongVersion",
                message=f"{version} is not a version that this dspex reads",
                expected=API_VERSION,
            )
            return
        known = KINDS.get(kind)
        if known is None:
            _refuse(
                root,
                "kind",
                findings,
                code="UnknownKind",
                message=f"{GROUP} has no kind {kind}",
                expected=f"one of {', '.join(KINDS)}",
                remedy=f"write {near}" if (near := nearest(kind, KINDS)) else None,
            )
            return
        _name_generated(root)
        subject = _subject(root, kind)
        placed = self._claim(root, subject, findings)
        resource = read_object(known, root, subject, findings)
        if resource is not None and placed:
            self.objects[kind][resource.metadata.name] = resource

    def _core(self, root: Node, kind: str, findings: Findings) -> None:
        subject = _subject(root, kind)
        name = subject.partition("/")[2]
        if not name:
            findings.add(
                "MissingField",
                "metadata.name is missing",
                line=root.line,
                column=root.column,
                subject=subject,
                path="metadata",
                remedy="add metadata.name",
            )
        elif self._claim(root, subject, findings):
            if kind == "Secret":
                self.secrets[name] = read_secret(root, subject, findings)
            else:
                self.config_maps[name] = read_config_map(root, subject, findings)

    def _foreign(self, root: Node, version: str, kind: str, findings: Findings) -> None:
        self.notes.append(
            Diagnostic(
                code="ForeignKind",
                message=f"left out: {kind} of {version} is not a kind of {GROUP}",
                subject=_subject(root, kind),
                file=findings.file,
                line=root.line,
                column=root.column,
                severity=Severity.WARNING,
            )
        )

    def _claim(self, root: Node, subject: str, findings: Findings) -> bool:
        """Note where an object stands; an error if one of its name stands somewhere already."""
        if subject.endswith("/"):
            return False
        before = self.origins.setdefault(subject, Origin(findings.file, root))
        if before.root is root:
            return True
        findings.add(
            "DuplicateObject",
            f"{subject} stands already in {before.file}:{before.root.line}",
            line=root.line,
            column=root.column,
            subject=subject,
            path="metadata.name",
            remedy="rename one of them, or leave one out",
        )
        return False


def _order(diagnostic: Diagnostic) -> tuple[int, int, str]:
    return (diagnostic.line or 0, diagnostic.column or 0, diagnostic.path or "")


def _text(root: Node, name: str, findings: Findings) -> str | None:
    node = root.get(name)
    if node is not None and isinstance(node.value, str) and node.value:
        return node.value
    place = node or root
    findings.add(
        "MissingField" if node is None else "WrongType",
        f"{name} is missing" if node is None else f"{name} must be a text that is not empty",
        line=place.line,
        column=place.column,
        path=name,
        actual=None if node is None else node.kind(),
        remedy=f"add {name}" if node is None else None,
    )
    return None


def _resembles(group: str) -> bool:
    """Say whether a group was probably meant to be ours: dspex, dspex.io, but not tekton.dev."""
    return "dspex" in group.casefold() or nearest(group, [GROUP]) is not None


def _refuse(
    root: Node,
    name: str,
    findings: Findings,
    *,
    code: str,
    message: str,
    expected: str,
    remedy: str | None = None,
) -> None:
    node = root.get(name) or root
    findings.add(
        code,
        message,
        line=node.line,
        column=node.column,
        path=name,
        expected=expected,
        remedy=remedy or f"write {expected}",
    )


def _subject(root: Node, kind: str) -> str:
    metadata = root.get("metadata")
    name = metadata.get("name") if metadata else None
    value = name.value if name else None
    return f"{kind}/{value if isinstance(value, str) else ''}"


def _name_generated(root: Node) -> None:
    """Give an object with generateName a name, as `kubectl create` has the cluster do it.

    The end is a digest of the object, so that the same file always gives the same name.
    """
    metadata = root.get("metadata")
    prefix = metadata.get("generateName") if metadata else None
    if metadata is None or metadata.fields is None or prefix is None or metadata.get("name"):
        return
    if isinstance(prefix.value, str):
        text = json.dumps(root.to_json(), sort_keys=True)
        ending = hashlib.sha256(text.encode()).hexdigest()[:5]
        node = Node(prefix.line, prefix.column, prefix.value + ending)
        metadata.fields["name"] = Entry(prefix.line, prefix.column, node, "name")
