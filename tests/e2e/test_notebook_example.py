"""The example notebook in a real kernel, with real workers and the real model."""

from pathlib import Path

from dspex.cli.checks import check
from dspex.manifests import load
from fakes.notebook import Notebook, cells

FILE = Path(__file__).parents[2] / "examples" / "notebook" / "support.ipynb"


async def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    """Each cell shows what it should, and the manifests that it writes are sound."""
    async with Notebook(tmp_path) as notebook:
        shown = [await notebook.run(cell) for cell in cells(FILE)]
    assert shown == [
        "Prediction(mood='unhappy')",
        "['happy', 'unhappy']",
        "Result(reply='We are sorry to hear that.')",
        "((), PosixPath('manifests/support.yaml'))",
    ]
    assert check(load([tmp_path / "manifests"])) == ()
