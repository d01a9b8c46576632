"""`import dspex`: every name is there, and nothing is loaded before it is asked for."""

import subprocess
import sys
from types import ModuleType
from typing import assert_type

import pytest

import dspex
from dspex.pipeline.engine import Engine
from dspex.python.builder import PipelineBuilder

LIGHT = 12
"""Modules that `import dspex` may load beside the interpreter's own."""


def loaded(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_import_is_light() -> None:
    """It loads itself alone: no model of a kind, no engine, no typing module even."""
    added = loaded("import dspex") - loaded("pass")
    assert {name for name in added if name.startswith("dspex")} == {"dspex"}
    assert len(added) <= LIGHT


def test_asking_for_one_name_loads_what_it_needs() -> None:
    """An error's class needs neither pydantic nor aiohttp."""
    assert not {"pydantic", "aiohttp", "yaml", "click"} & loaded("import dspex; dspex.StepError")


@pytest.mark.parametrize("name", dspex.__all__)
def test_every_name_is_there(name: str) -> None:
    """What `__all__` promises can be had, and is listed."""
    assert getattr(dspex, name) is not None
    assert name in dir(dspex)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As for any module, so that `hasattr` works."""
    with pytest.raises(AttributeError, match="has no attribute 'predicct'"):
        getattr(dspex, "predicct")  # noqa: B009 -- mypy would see it


def test_a_missing_part_is_named_with_its_remedy() -> None:
    """Where the command line's extra is not installed; as an import error, which it is."""
    code = (
        "import sys; sys.modules['yaml'] = None\nimport dspex\n"
        "for call in (lambda: dspex.predict, lambda: dspex.pipeline('p')):\n"
        "    try: call()\n"
        "    except ModuleNotFoundError as e: assert 'pip install' in str(e) and e.name == 'yaml', e\n"
        "    else: raise SystemExit(1)"
    )
    loaded(code)


@pytest.mark.parametrize(
    "before",
    ["", "import dspex.pipeline.engine; ", "from dspex.pipeline import graph; "],
)
def test_pipeline_is_a_function_and_a_package(before: str) -> None:
    """Whoever imported the package first: both uses of the name go on working."""
    code = (
        f"{before}import dspex; p = dspex.pipeline('support'); assert p.name == 'support'; "
        "from dspex.pipeline.engine import Engine; import dspex.pipeline.engine as e; "
        "assert dspex.pipeline.engine.Engine is Engine is e.Engine; dspex.pipeline('again')"
    )
    loaded(code)


def test_type_checkers_see_the_functions() -> None:
    """The types of the lazy names are the real ones."""
    assert_type(dspex.pipeline("support"), PipelineBuilder)
    assert isinstance(sys.modules["dspex.pipeline"], ModuleType)
    assert Engine.__module__.startswith("dspex.pipeline.")
