"""Findings of later stages get their place in the file."""

import io

import pytest

from dspex.errors import Diagnostic
from dspex.manifests import load

TEXT = """\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: p}
spec:
  steps:
  - name: a
    template: {source: x}
    inputs:
      message: $(inputs.nope)
      quoted: "see $(inputs.nope)"
      escaped: "\\u0041 $(inputs.nope)"
      block: >-
        $(inputs.nope)
      deep: {list: [1, {a.b: $(inputs.nope)}]}
  outputs:
  - {name: o, value: $(steps.a.outputs.text)}
"""
SUBJECT = "Pipeline/p"


def _place(
    path: str, source: str | None = None, start: int | None = None
) -> tuple[int | None, int | None]:
    manifests = load(["-"], stdin=io.StringIO(TEXT))
    diagnostic = Diagnostic(
        code="X", message="wrong", subject=SUBJECT, path=path, source=source, start=start
    )
    placed = manifests.place(diagnostic)
    assert placed.file == "-"
    return placed.line, placed.column


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", (1, 1)),
        ("spec.steps[0]", (6, 5)),
        ("spec.steps[0].template", (7, 5)),
        ("spec.steps[0].template.source", (7, 24)),
        ("spec.steps[0].inputs.message", (9, 16)),
        ("spec.steps[0].inputs.deep.list[1].a.b", (14, 30)),
        ('spec.steps[0].inputs.deep.list[1]["a.b"]', (14, 30)),
        ("spec.outputs[0].value", (16, 22)),
        ("spec.steps[7].inputs", (5, 3)),
        ("spec.steps[0].retry.attempts", (6, 5)),
    ],
)
def test_a_path_leads_to_line_and_column(path: str, place: tuple[int, int]) -> None:
    """A path is followed as far as the document has it: to the value, or the key of a tree."""
    assert _place(path) == place


@pytest.mark.parametrize(
    ("name", "source", "start", "place"),
    [
        ("message", "$(inputs.nope)", 2, (9, 18)),
        ("message", "inputs.nope", 7, (9, 25)),
        ("quoted", "inputs.nope", 7, (10, 29)),
        ("quoted", "see $(inputs.nope)", 6, (10, 22)),
        ("quoted", None, 6, (10, 22)),
        ("escaped", "inputs.nope", 7, (11, 16)),
        ("block", "inputs.nope", 7, (12, 14)),
        ("message", "something else", 3, (9, 16)),
    ],
)
def test_an_offset_moves_the_column_where_text_stands_as_it_is(
    name: str, source: str | None, start: int, place: tuple[int, int]
) -> None:
    """On one line without escapes the column is the character's own; elsewhere the scalar's."""
    assert _place(f"spec.steps[0].inputs.{name}", source, start) == place


def test_findings_about_other_objects_stay_as_they_are() -> None:
    """An unknown subject, and a finding that has its place, come back unchanged."""
    manifests = load(["-"], stdin=io.StringIO(TEXT))
    for diagnostic in (
        Diagnostic(code="X", message="wrong", subject="Pool/x", path="spec"),
        Diagnostic(code="X", message="wrong"),
        Diagnostic(code="X", message="wrong", subject=SUBJECT, file="f", line=3, column=4),
    ):
        assert manifests.place(diagnostic) is diagnostic
