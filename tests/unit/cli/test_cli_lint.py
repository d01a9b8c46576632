"""`dspex lint`, and the loading, choosing and compiling that other commands share."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.command_line import PIPELINE, RUN, Ran

Dspex = Callable[..., Ran]


def edited(file: Path, *changes: tuple[str, str]) -> Path:
    """Change a manifest's text."""
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return file


def test_manifests_without_errors_pass(dspex: Dspex, support_run: Path) -> None:
    """Exit status 0, and how many objects there were."""
    assert dspex("lint", "-f", support_run) == Ran(0, "4 objects checked: no errors\n", "")


def test_all_findings_come_at_once_with_their_places(dspex: Dspex, support: Path) -> None:
    """A broken Signature and a wrong name in an expression: file, line and caret for each."""
    broken = PIPELINE.split("---\n")[0].replace("triage", "other").replace(": str ->", ": sr ->")
    edited(support, ("$(inputs.urgent)", "$(inputs.urgnt)"))
    support.write_text(broken + "---\n" + support.read_text())
    ran = dspex("lint", "-f", support)
    assert ran.status == 2
    assert f"{support}:4:29: Signature/other: spec.signature: " in ran.err
    assert "Pipeline/support: spec.steps[1].if: " in ran.err
    assert ran.err.count("^") >= 2
    assert ran.err.endswith("2 errors, 1 warning\n")
    assert "Traceback" not in ran.err


def test_errors_of_loading_are_findings_too(dspex: Dspex, support: Path) -> None:
    """An unknown field names the nearest one; nothing is compiled then."""
    ran = dspex("lint", "-f", edited(support, ("model:", "modell:")))
    assert ran.status == 2
    assert "write model" in ran.err


def test_missing_references_are_errors(dspex: Dspex, support: Path) -> None:
    """Files have to hold all that they name; a ConfigMap's remedy is a flag."""
    edited(
        support,
        ("poolRef: {name: small}", "poolRef: {name: smal}"),
        (
            '{source: "URGENT {{ topic }}"}',
            "{sourceFrom: {configMapRef: {name: texts, key: t.txt}}}",
        ),
    )
    ran = dspex("lint", "-f", support)
    assert ran.status == 2
    assert "there is no Pool smal" in ran.err
    assert "did you mean small?" in ran.err
    assert "--config-map texts/t.txt=file:PATH" in ran.err


def test_runs_are_checked_against_their_pipeline(dspex: Dspex, support_run: Path) -> None:
    """A wrong, an unknown and a missing input, each at its place in the run."""
    edited(support_run, ("inputs: {message: from the run}", "inputs: {urgent: maybe, extra: 1}"))
    ran = dspex("lint", "-f", support_run)
    assert ran.status == 2
    line = support_run.read_text().splitlines().index("  inputs: {urgent: maybe, extra: 1}") + 1
    assert f"{support_run}:{line}:" in ran.err
    for words in ("spec.inputs.urgent", "no input 'extra'", "input 'message' is missing"):
        assert words in ran.err


def test_a_run_of_a_pipeline_that_is_not_there(dspex: Dspex, support_run: Path) -> None:
    """The reference is an error with its place."""
    ran = dspex(
        "lint",
        "-f",
        edited(support_run, ("pipelineRef: {name: support}", "pipelineRef: {name: suport}")),
    )
    assert ran.status == 2
    assert "PipelineRun/support-1: spec.pipelineRef.name: there is no Pipeline suport" in ran.err
    assert "did you mean support?" in ran.err


def test_warnings_do_not_fail(dspex: Dspex, support: Path) -> None:
    """An input that nothing reads is said, and the exit status stays 0."""
    ran = dspex("lint", "-f", edited(support, ("if: $(inputs.urgent)", "if: $(true)")))
    assert ran.status == 0
    assert "warning" in ran.err
    assert "urgent" in ran.err
    assert "no errors" in ran.out


def test_json_is_for_machines(dspex: Dspex, support: Path) -> None:
    """A list of findings on standard output, nothing on standard error."""
    ran = dspex("lint", "-o", "json", "-f", edited(support, ("$(inputs.urgent)", "$(nope)")))
    finding, warning = json.loads(ran.out)
    assert warning["severity"] == "Warning"
    assert ran.status == 2
    assert ran.err == ""
    assert finding["severity"] == "Error"
    assert finding["subject"] == "Pipeline/support"
    assert finding["file"] == str(support)
    assert finding["line"] > 1


def test_several_files_folders_and_standard_input(
    dspex: Dspex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-f repeated, paths behind it as a shell's * makes them, a folder, and a dash."""
    parts = PIPELINE.split("---\n")
    files = []
    for index, part in enumerate(parts):
        files.append(tmp_path / f"{index}.yaml")
        files[-1].write_text(part)
    assert dspex("lint", "-f", files[0], "-f", files[1], "-f", files[2]).status == 0
    assert dspex("lint", "-f", *files).status == 0
    assert dspex("lint", "-f", tmp_path).status == 0

    class Stdin:
        buffer = io.BytesIO((PIPELINE + RUN).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert dspex("lint", "-f", "-").out == "4 objects checked: no errors\n"
    ran = dspex("lint", "-f", tmp_path / "none.yaml")
    assert ran.status == 2
    assert "none.yaml" in ran.err


def test_other_kinds_are_left_out_with_a_note(dspex: Dspex, support: Path) -> None:
    """What belongs to others is no error."""
    support.write_text(
        support.read_text() + "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
    )
    ran = dspex("lint", "-f", support)
    assert ran.status == 0
    assert "note: " in ran.err
    assert "Service" in ran.err
    assert dspex("lint", "-o", "json", "-f", support) == Ran(0, "[]\n", "")


def test_of_several_pipelines_one_must_be_chosen(dspex: Dspex, support: Path) -> None:
    """The error lists them and shows the flag; a wrong name gets the nearest."""
    second = PIPELINE.split("---\n")[2].replace("name: support", "name: other")
    support.write_text(support.read_text() + "---\n" + second)
    ran = dspex("graph", "-f", support)
    assert ran.status == 2
    assert "several Pipelines: support, other" in ran.err
    assert "--pipeline support" in ran.err
    assert dspex("graph", "-f", support, "--pipeline", "other").out.startswith("other: 2 steps")
    ran = dspex("graph", "-f", support, "--pipeline", "othr")
    assert ran.status == 2
    assert "did you mean other?" in ran.err


def test_a_file_without_a_pipeline(dspex: Dspex, tmp_path: Path) -> None:
    """There is nothing to draw."""
    file = tmp_path / "pool.yaml"
    file.write_text(PIPELINE.split("---\n")[1])
    ran = dspex("graph", "-f", file)
    assert (ran.status, "hold no Pipeline" in ran.err) == (2, True)
    ran = dspex("graph", "-f", file, "--pipeline", "x")
    assert (ran.status, "hold no Pipeline 'x'" in ran.err) == (2, True)
