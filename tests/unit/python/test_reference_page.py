"""docs/python-reference.md is made from the code, and says all of it."""

from pathlib import Path

import pytest

import dspex
from dspex.python import reference_page

ROOT = Path(__file__).parents[3]


def test_the_reference_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands in the repository; `make generate` writes it."""
    assert reference_page.main(["--check", str(ROOT)]) == 0
    assert capsys.readouterr().out == ""


def test_it_is_written_where_it_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And only there; `--check` writes nothing."""
    (tmp_path / "docs").mkdir()
    assert reference_page.main(["--check", str(tmp_path)]) == 1
    assert not (tmp_path / reference_page.PAGE).exists()
    assert reference_page.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"differs {reference_page.PAGE}",
        f"wrote {reference_page.PAGE}",
    ]
    assert reference_page.main(["--check", str(tmp_path)]) == 0


def test_it_names_everything_but_the_errors() -> None:
    """Async forms beside the sync ones; no object's address, no module's name."""
    page = reference_page.page()
    for name in dspex.__all__:
        value = getattr(dspex, name)
        if isinstance(value, type) and value.__module__.startswith("dspex.errors"):
            continue
        assert name == "__version__" or f"# {name}\n" in page or f"`{name}`" in page, name
    assert " at 0x" not in page
    assert "dspex.api." not in page
