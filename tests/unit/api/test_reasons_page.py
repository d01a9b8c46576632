"""The page of reasons, and that each reason is one that the code gives."""

import ast
from pathlib import Path

import dspex
from dspex.api.kinds import KINDS
from dspex.api.reference import index_page, reasons_page
from dspex.errors import ConditionReason, Reason

SOURCES = sorted(Path(dspex.__file__).parent.rglob("*.py"))
DECLARED = Path("errors") / "condition.py"


def given() -> set[str]:
    """Return the reasons that some code gives: by name, or by a constant of a module."""
    words: set[str] = set()
    for path in SOURCES:
        if path.match(str(DECLARED)):
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "ConditionReason"
            ):
                words.add(str(ConditionReason[node.attr]))
        for line in tree.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Constant):
                words.add(str(line.value.value))
    return words


def test_every_reason_of_a_condition_is_given_by_code() -> None:
    """One that nothing gives any more would stay in the page for ever."""
    assert {str(each) for each in ConditionReason} - given() == set()


def test_every_reason_is_one_word_and_documented() -> None:
    """With the kinds that it is said of, what it says, and what to do."""
    kinds = {*KINDS, "every kind"}
    for each in ConditionReason:
        assert len(each) <= 64
        assert str(each).isalnum()
        assert str(each)[0].isupper()
        assert set(each.kinds.split(", ")) <= kinds, each
        assert each.summary.endswith(".")
        assert each.remedy.endswith(".")
    assert len({each.summary for each in ConditionReason}) == len(ConditionReason)


def test_a_word_has_one_meaning() -> None:
    """Reasons of steps and of conditions stand in one page, and in one field of a run."""
    assert not {str(each) for each in Reason} & {str(each) for each in ConditionReason}


def test_the_page_has_a_row_for_each_reason() -> None:
    """Each once, with all of it; a bar in a text would be another cell."""
    lines = reasons_page().splitlines()
    for reason in Reason:
        mark = "retried" if reason.transient else ""
        row = f"| `{reason}` | {mark} | {_cell(reason.summary)} | {_cell(reason.remedy)} |"
        assert lines.count(row) == 1
    for each in ConditionReason:
        row = f"| `{each}` | {each.kinds} | {_cell(each.summary)} | {_cell(each.remedy)} |"
        assert lines.count(row) == 1
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(Reason) + len(ConditionReason)


def test_every_kind_is_in_the_index() -> None:
    """With its page and what it is."""
    page = index_page()
    for kind in KINDS.values():
        assert f"- [{kind.name}]({kind.singular}.md): {kind.summary}" in page
    assert "(reasons.md)" in page


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
