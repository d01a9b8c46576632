"""Secrets and ConfigMaps, read as far as steps and workers need them."""

import base64
import binascii

from dspex.manifests.findings import Findings
from dspex.manifests.nodes import Entry, Node
from dspex.manifests.paths import locate, path_text


def read_secret(root: Node, subject: str, findings: Findings) -> dict[str, bytes]:
    """Return the values of a Secret by key; stringData wins over data, as in the cluster."""
    values: dict[str, bytes] = {}
    for key, entry in _strings(root, "data", subject, findings):
        decoded = _decode(root, "data", key, str(entry.node.value), subject, findings)
        values[key] = decoded or b""
    for key, entry in _strings(root, "stringData", subject, findings):
        values[key] = str(entry.node.value).encode()
    return values


def read_config_map(root: Node, subject: str, findings: Findings) -> dict[str, str]:
    """Return the texts of a ConfigMap by key; of binaryData those that are UTF-8."""
    values = {
        key: str(entry.node.value) for key, entry in _strings(root, "data", subject, findings)
    }
    for key, entry in _strings(root, "binaryData", subject, findings):
        decoded = _decode(root, "binaryData", key, str(entry.node.value), subject, findings)
        if decoded is not None:
            try:
                values[key] = decoded.decode()
            except UnicodeDecodeError:
                continue
    return values


def _strings(root: Node, field: str, subject: str, findings: Findings) -> list[tuple[str, Entry]]:
    """List the entries of a field that are strings; note those that are not."""
    node = root.get(field)
    if node is None or (node.value is None and node.fields is None and node.items is None):
        return []
    if node.fields is None:
        _refuse(root, (field,), f"{field} must be an object", node, subject, findings)
        return []
    strings = []
    for key, entry in node.fields.items():
        if isinstance(entry.node.value, str):
            strings.append((key, entry))
        else:
            message = f"{key} must be a string"
            _refuse(root, (field, key), message, entry.node, subject, findings)
    return strings


def _decode(
    root: Node, field: str, key: str, text: str, subject: str, findings: Findings
) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        place = locate(root, (field, key))
        # The value may be a secret: it is not shown.
        findings.add(
            "InvalidValue",
            f"{key} is no base64",
            line=place.line,
            column=place.column,
            path=path_text((field, key)),
            subject=subject,
            remedy="encode it (base64 -w0), or use stringData in a Secret, data in a ConfigMap",
        )
        return None


def _refuse(
    root: Node,
    parts: tuple[str, ...],
    message: str,
    node: Node,
    subject: str,
    findings: Findings,
) -> None:
    place = locate(root, parts)
    scalar = node.fields is None and node.items is None
    findings.add(
        "WrongType",
        message,
        line=place.line,
        column=place.column,
        path=path_text(parts),
        subject=subject,
        expected=message.rpartition(" be ")[2],
        remedy="put it in quotes" if scalar else None,
    )
