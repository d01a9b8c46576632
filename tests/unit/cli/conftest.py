"""What the tests of the command line share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dspex.cli.app import run
from dspex.local import process
from fakes.command_line import FAKE_WORKER, PIPELINE, RUN, Ran


@pytest.fixture
def dspex(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Return a function that runs the command line in this process."""

    def call(*arguments: Any) -> Ran:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return call


@pytest.fixture
def fake_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make local runs start scripted workers; `DSPEX_FAKE_SCRIPT` steers them."""
    monkeypatch.setattr(process, "WORKER_COMMAND", FAKE_WORKER)


@pytest.fixture
def support(tmp_path: Path) -> Path:
    """Write a pipeline with all that it names."""
    file = tmp_path / "support.yaml"
    file.write_text(PIPELINE)
    return file


@pytest.fixture
def support_run(tmp_path: Path) -> Path:
    """Write the same with a PipelineRun."""
    file = tmp_path / "support-run.yaml"
    file.write_text(PIPELINE + RUN)
    return file
