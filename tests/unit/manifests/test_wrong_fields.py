"""A wrong value in every field of every kind, generated from the CRDs: an error at its line."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dspex.api.documentation import FieldDoc, documentation
from dspex.api.kinds import KINDS, Kind
from dspex.errors import Diagnostic, ManifestError
from dspex.manifests import load

SAMPLES: dict[str, Any] = {
    "string": "text",
    "number": 1.5,
    "boolean": True,
    "list": ["text"],
    "object": {"strange": "text"},
}
FITTING = {
    "integer": set(),
    "number": {"number"},
    "boolean": {"boolean"},
    "object": {"object"},
    "JSON object": {"object"},
    "any JSON": set(SAMPLES),
}


def _fields(kind: Kind) -> Iterator[FieldDoc]:
    for field in documentation(kind).walk():
        if field.path.startswith(("spec", "status")):
            yield field


def _fitting(field: FieldDoc) -> set[str]:
    """Name the samples that the field would take, or whose error lies below the field."""
    if field.type.startswith("list of"):
        return {"list"}
    if field.type == "object" or field.type.endswith(" by key"):
        return {"object"}
    return FITTING.get(field.type, {"string"})


def _manifest(kind: Kind, path: str, value: Any) -> tuple[str, int, str]:
    """Write a manifest that holds the value at the path, and return its line and full path."""
    lines = ["apiVersion: dspex.dev/v1alpha1", f"kind: {kind.name}", "metadata: {name: x}"]
    indent = ""
    *holders, last = path.split(".")
    for part in holders:
        lines.append(f"{indent}{part.removesuffix('[]')}:")
        indent = indent.replace("-", " ") + ("  - " if part.endswith("[]") else "  ")
    lines.append(f"{indent}{last}: {json.dumps(value)}")
    return "\n".join(lines) + "\n", len(lines), path.replace("[]", "[0]")


def _errors(text: str) -> list[Diagnostic]:
    try:
        load(["-"], stdin=io.StringIO(text))
    except ManifestError as error:
        return list(error.diagnostics)
    return []


CASES = [
    pytest.param(kind, field, id=f"{kind.name}-{field.path}")
    for kind in KINDS.values()
    for field in _fields(kind)
    if ".items.items" not in field.path
]


@pytest.mark.parametrize(("kind", "field"), CASES)
def test_a_wrong_type_is_an_error_at_its_line(kind: Kind, field: FieldDoc) -> None:
    """Each type that the field does not have is refused there, in words of our own."""
    for sample in SAMPLES.keys() - _fitting(field):
        text, line, path = _manifest(kind, field.path, SAMPLES[sample])
        found = [each for each in _errors(text) if (each.path, each.line) == (path, line)]
        assert found, (sample, text)
        for each in found:
            assert each.subject == f"{kind.name}/x"
            assert (each.file, bool(each.column)) == ("-", True)
            assert each.expected or each.remedy
            words = f"{each.message} {each.expected} {each.remedy}"
            assert not re.search(r"pydantic|Input should|http.*errors|dict_type|valid ", words)


@pytest.mark.parametrize(("kind", "field"), CASES)
def test_a_null_is_taken_for_absent(kind: Kind, field: FieldDoc) -> None:
    """A null is an error only where the field is required, and then says that it is missing."""
    text, _, path = _manifest(kind, field.path, None)
    found = [each for each in _errors(text) if each.path == path]
    must = field.required and field.type != "any JSON"
    assert [each.code for each in found] == (["MissingField"] if must else [])


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_unknown_field_names_the_nearest(kind: Kind) -> None:
    """A slip in any field's name is answered with the name that was meant, at its line."""
    for field in _fields(kind):
        if ".items" in field.path or len(field.name) < 4:
            continue
        slip = field.name + "x"
        holder = field.path[: -len(field.name)]
        text, line, path = _manifest(kind, holder + slip, "text")
        found = [each for each in _errors(text) if each.path == path]
        assert [(each.code, each.line) for each in found] == [("UnknownField", line)], text
        assert found[0].remedy == f"write {field.name}"
