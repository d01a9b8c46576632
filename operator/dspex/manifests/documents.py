"""A file's text to documents, split where kubectl splits it."""

import re
from typing import Final

from dspex.manifests.compose import Budget, Composer
from dspex.manifests.findings import Findings
from dspex.manifests.jsontext import JsonComposer, NotJsonError
from dspex.manifests.limits import MAX_FILE_BYTES
from dspex.manifests.nodes import Node

_SEPARATOR: Final = re.compile(r"^---(.*)$", re.MULTILINE)


def read_documents(data: bytes, findings: Findings) -> list[Node]:
    """Return the documents of a file that are not empty; errors go to `findings`.

    A document that can't be read is left out, the others are returned.
    """
    if len(data) > MAX_FILE_BYTES:
        findings.add(
            "FileTooLarge",
            f"the file is larger than {MAX_FILE_BYTES // 1_000_000} MB",
            line=1,
            column=1,
            actual=f"{len(data)} bytes or more",
            remedy="split it; one object can't be larger than about 1.5 MB anyway",
        )
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        findings.add(
            "NotUtf8",
            "the file is not UTF-8",
            line=before.count(b"\n") + 1,
            column=len(before) - (before.rfind(b"\n") + 1) + 1,
            actual=f"the byte 0x{data[error.start]:02X}",
            remedy="save it as UTF-8",
        )
        return []
    roots = _read_json(text, findings) if text.lstrip().startswith("{") else None
    return _read_yaml(text, findings) if roots is None else roots


def _read_json(text: str, findings: Findings) -> list[Node] | None:
    """Return the objects of a JSON stream, None if the text is no JSON."""
    attempt = Findings(findings.file)
    try:
        roots = JsonComposer(attempt, Budget(), text).compose()
    except NotJsonError:
        return None
    for each in attempt.found:
        findings.put(each)
    return roots


def _read_yaml(text: str, findings: Findings) -> list[Node]:
    budget = Budget()
    roots = []
    for first_line, chunk in _split(text, findings):
        root = Composer(findings, budget, first_line).compose(chunk)
        if root is not None and not _is_null(root):
            roots.append(root)
        if budget.is_spent:
            break
    return roots


def _split(text: str, findings: Findings) -> list[tuple[int, str]]:
    """Cut the text at lines `---`; return each part with the number of lines before it."""
    parts = []
    start = line = 0
    for found in _SEPARATOR.finditer(text):
        parts.append((line, text[start : found.start()]))
        line += text.count("\n", start, found.start()) + 1
        start = min(found.end() + 1, len(text))
        rest = found[1].strip()
        if rest and not rest.startswith("#"):
            findings.add(
                "BadSeparator",
                "text on the line of ---, which kubectl refuses",
                line=line,
                column=4,
                actual=repr(rest[:40]),
                remedy="begin the document on the next line",
            )
    parts.append((line, text[start:]))
    return parts


def _is_null(root: Node) -> bool:
    return root.fields is None and root.items is None and root.value is None
