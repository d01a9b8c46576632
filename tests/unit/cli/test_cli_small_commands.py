"""`signature`, `explain`, `new`, `completion` and `version`."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dspex import __version__
from dspex.cli.app import COMMANDS
from fakes.command_line import Ran

Dspex = Callable[..., Ran]


def test_a_signature_is_shown_with_all_that_is_understood(dspex: Dspex) -> None:
    """Canonical string, fields with types, instructions, digest."""
    ran = dspex("signature", "question, context: list[str] -> answer, sure:float")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0] == "question: str, context: list[str] -> answer: str, sure: float"
    assert "  context   list[str]" in lines
    assert "sha256:" in lines[-1]
    assert "Be kind." in dspex("signature", "a -> b", "--instructions", "Be kind.").out


def test_a_signature_as_json_has_both_schemas(dspex: Dspex) -> None:
    """What the status of a Signature would hold."""
    shown = json.loads(dspex("signature", "text -> label: Literal['a','b']", "-o", "json").out)
    assert shown["signature"] == "text: str -> label: Literal['a', 'b']"
    assert shown["outputs"] == [{"name": "label", "type": "Literal['a', 'b']"}]
    assert shown["outputSchema"]["properties"]["label"]["enum"] == ["a", "b"]
    assert shown["inputSchema"]["required"] == ["text"]
    assert shown["digest"].startswith("sha256:")


def test_a_wrong_signature_gets_a_caret(dspex: Dspex) -> None:
    """Exit status 2, the place, and what was meant."""
    ran = dspex("signature", "text -> label: Litral['a']")
    assert ran.status == 2
    assert "text -> label: Litral['a']\n" in ran.err
    assert "                   ^~~~" in ran.err
    assert dspex("signature", "").status == 2


def test_explain_shows_a_field_and_those_below(dspex: Dspex) -> None:
    """Type, default, bounds and description."""
    ran = dspex("explain", "pipeline.steps.retry")
    assert ran.status == 0
    assert "spec.steps[].retry" in ran.out
    assert "  attempts  integer, default 3, 1 to 100\n" in ran.out
    assert "(dpool)" in dspex("explain", "Pool").out
    assert max(map(len, dspex("explain", "pipeline.spec.steps").out.splitlines())) < 140


def test_explain_recursive_lists_the_tree(dspex: Dspex) -> None:
    """Fields below, indented, without descriptions."""
    lines = dspex("explain", "pool.model", "--recursive").out.splitlines()
    assert "  apiKeySecretRef  object" in lines
    assert any(line.startswith("    key  string, required") for line in lines)


def test_explain_names_the_nearest_field(dspex: Dspex) -> None:
    """A typing error is bad input."""
    ran = dspex("explain", "pool.modl")
    assert ran.status == 2
    assert "write pool.spec.model" in ran.err


@pytest.mark.parametrize(
    "signature",
    [
        "message -> topic: Literal['billing','bug']",
        "question, context: list[str] -> answer",
        "a: int, b: float, c: bool, d: date, e: datetime, f: bytes, g: Any, h: object -> r: str",
        "a: dict[str, list[int]], b: tuple[int, str], c: tuple[float, ...], d: set[str] -> r: int",
        "a: int | None, b: Optional[list[str]], c: None | str -> r: dict[str, int], s: bool",
        "a: Image, b: Audio, c: File, d: History, e: Tool -> r: list[Literal['x', 'y']]",
        "text: str -> quote: Literal['it\\'s', 'say \"no\"', 'a: b # c']",
    ],
)
def test_new_manifests_pass_lint_and_can_be_drawn(
    dspex: Dspex, tmp_path: Path, signature: str
) -> None:
    """Whatever the types, what `new` writes has no finding, not even a warning."""
    assert dspex("new", "first-try", "--signature", signature, "--directory", tmp_path).status == 0
    file = tmp_path / "first-try.yaml"
    assert dspex("lint", "-f", file) == Ran(0, "4 objects checked: no errors\n", "")
    assert "predict" in dspex("graph", "-f", file).out


def test_new_says_what_comes_next_and_can_print(dspex: Dspex, tmp_path: Path) -> None:
    """The next command stands on standard error; a dash prints in place of writing."""
    folder = tmp_path / "deep" / "folder"
    ran = dspex("new", "t", "--signature", "a -> b", "--directory", folder)
    assert f"dspex run -f {folder}/t.yaml" in ran.err
    printed = dspex("new", "t", "--signature", "a -> b", "--directory", "-").out
    assert printed == (folder / "t.yaml").read_text()
    assert "#   try it     dspex run -f t.yaml" in printed
    instructed = dspex(
        "new", "t", "--signature", "a -> b", "--instructions", 'Say "hi": now', "--directory", "-"
    )
    assert r'instructions: "Say \"hi\": now"' in instructed.out


def test_new_never_overwrites(dspex: Dspex, tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    (tmp_path / "t.yaml").write_text("mine")
    ran = dspex("new", "t", "--signature", "a -> b", "--directory", tmp_path)
    assert ran.status == 2
    assert "is there already" in ran.err
    assert (tmp_path / "t.yaml").read_text() == "mine"
    blocked = dspex("new", "t", "--signature", "a -> b", "--directory", tmp_path / "t.yaml" / "x")
    assert (blocked.status, "can't be written" in blocked.err) == (2, True)


@pytest.mark.parametrize("name", ["Triage", "a_b", "", "-a", "x" * 62])
def test_new_refuses_names_that_no_object_can_have(dspex: Dspex, tmp_path: Path, name: str) -> None:
    """The run's name is the name with an end, so that has to fit too."""
    ran = dspex("new", "--signature", "a -> b", "--directory", tmp_path, "--", name)
    assert ran.status == 2
    assert "can't be the name" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_new_refuses_a_wrong_signature(dspex: Dspex, tmp_path: Path) -> None:
    """Nothing is written."""
    ran = dspex("new", "t", "--signature", "a -> b: nope", "--directory", tmp_path)
    assert (ran.status, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(dspex: Dspex, shell: str) -> None:
    """Each is a script for its shell that calls dspex back."""
    script = dspex("completion", shell).out
    assert f"_DSPEX_COMPLETE={shell}_complete" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_completion_knows_the_commands() -> None:
    """What the bash script calls answers with commands and options."""
    program = "from dspex.cli.main import main; import sys; sys.argv[0] = 'dspex'; main()"
    for words, expected in (("dspex ", set(COMMANDS)), ("dspex run --pip", {"--pipeline"})):
        done = subprocess.run(
            ["python", "-c", program],
            env={
                "PATH": str(Path(__import__("sys").executable).parent),
                "COMP_WORDS": words,
                "COMP_CWORD": str(len(words.split(" ")) - 1),
                "_DSPEX_COMPLETE": "bash_complete",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert expected <= {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_version_names_what_it_runs_on(dspex: Dspex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, JSON and --version; a part that is not installed is said to be so."""
    assert f"dspex            {__version__}\n" in dspex("version").out
    assert dspex("--version").out == f"dspex {__version__}\n"
    monkeypatch.setattr("dspex.cli.commands.version._PARTS", ("no-such-part",))
    versions = json.loads(dspex("version", "-o", "json").out)
    assert versions["no-such-part"] == "not installed"
