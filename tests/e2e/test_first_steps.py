"""What a person does first: help, a starter, a run of it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from fakes.processes import Scene

HEAVY = ("dspy", "kopf", "kubernetes", "litellm", "dspex_worker")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "what",
    [
        "import dspex",
        "import sys; sys.argv = ['dspex', '--help']; from dspex.cli.app import run; run(['--help'])",
        "from dspex.cli.app import run; run(['lint', '-f', 'p.yaml'])",
    ],
    ids=["import", "help", "lint"],
)
async def test_nothing_heavy_is_imported(scene: Scene, what: str) -> None:
    """Neither DSPy nor a Kubernetes client nor the worker, not even to compile a pipeline."""
    scene.write(
        "apiVersion: dspex.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
        "spec: {steps: [{name: s, template: {source: hi}}]}\n",
        "p.yaml",
    )
    program = (
        f"{what}\nimport sys\nassert not [m for m in {HEAVY!r} if m in sys.modules], sys.modules"
    )
    ran = await scene.run("-c", program, program=(sys.executable,))
    assert ran.status == 0, ran.err


async def test_a_starter_is_sound_and_runs_on_the_embedded_model(scene: Scene) -> None:
    """new, lint, run: outputs of the signature's types."""
    signature = "message -> topic: Literal['billing', 'bug'], urgent: bool"
    made = await scene.run("new", "triage", "--signature", signature)
    assert made.status == 0, made.err
    assert "dspex run -f triage.yaml" in made.err
    assert (await scene.run("lint", "-f", "triage.yaml")).status == 0
    ran = await scene.run("run", "-f", "triage.yaml", "-i", "message=I was charged twice!")
    assert ran.status == 0, ran.err
    outputs = yaml.safe_load(ran.out)
    assert outputs["topic"] in ("billing", "bug")
    assert isinstance(outputs["urgent"], bool)


async def test_a_starter_is_never_overwritten(scene: Scene) -> None:
    """The second time it is status 2 and the file as it was."""
    arguments = ("new", "qa", "--signature", "question -> answer")
    assert (await scene.run(*arguments)).status == 0
    before = (scene.folder / "qa.yaml").read_text()
    ran = await scene.run(*arguments)
    assert ran.status == 2
    assert "is there already" in ran.err
    assert (scene.folder / "qa.yaml").read_text() == before
