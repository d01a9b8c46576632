"""What the pages show of a cluster is so: commands of `console cluster` blocks, with their outputs."""

from pathlib import Path

import pytest

from documents import console
from documents.pages import ROOT, blocks, pages
from stage.kubectl import Kubectl

SHOWN = [page for page in pages() if any("cluster" in block.words for block in blocks(page))]


@pytest.fixture
def config(kubectl: Kubectl, tmp_path: Path) -> Path:
    """Return a kubeconfig whose default namespace is the test's own."""
    file = tmp_path / "kubeconfig"
    file.write_text(kubectl("config", "view", "--raw", "--minify", "--flatten"))
    place = (f"--kubeconfig={file}", f"--namespace={kubectl.namespace}")
    kubectl("config", "set-context", "--current", *place)
    return file


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_a_cluster_print_what_the_page_shows(
    page: Path, kubectl: Kubectl, config: Path, tmp_path: Path
) -> None:
    """All of a page that need one, in its order, with the files that it shows."""
    where = console.folder(tmp_path)
    for block in blocks(page):
        console.write_file(block, where)
        if "cluster" in block.words:
            environment = {**kubectl.environment, "KUBECONFIG": str(config)}
            found = console.differences(block, where, environment)
            assert not found, "\n".join(found)
