"""Holds that what README and docs say is so: commands, outputs, manifests, examples, links."""

import io
import itertools
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from documents import cells as cellwise
from documents import console, semantics
from documents.pages import LANGUAGES, ROOT, Block, anchors, blocks, links, pages
from dspex.cli.checks import check
from dspex.errors import ManifestError, Severity
from dspex.manifests import Manifests, load

ALL = [block for page in pages() for block in blocks(page)]


def named(chosen: Callable[[Block], bool]) -> list[object]:
    """Return the blocks that a test is about, named by their places."""
    return [pytest.param(block, id=block.place) for block in ALL if chosen(block)]


def whole(block: Block) -> bool:
    """Say whether a block holds whole manifests."""
    return block.language == "yaml" and not {"fragment", "pipeline"} & {*block.words}


def errors(manifests: Manifests) -> list[str]:
    """Return the errors that lint finds, as it prints them."""
    return [each.render() for each in check(manifests) if each.severity is Severity.ERROR]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_what_it_is(page: Path) -> None:
    """A block without a language that the tests know could rot unseen."""
    unknown = [block.place for block in blocks(page) if block.language not in LANGUAGES]
    assert not unknown


@pytest.mark.parametrize("block", named(whole))
def test_whole_manifests_are_free_of_errors(block: Block) -> None:
    """They load and lint; those that a page calls wrong do not."""
    try:
        found = errors(load(["-"], stdin=io.BytesIO(block.text.encode())))
    except ManifestError as error:
        found = [each.render() for each in error.diagnostics]
    assert bool(found) == ("wrong" in block.words), "\n".join(found)


@pytest.mark.parametrize(
    "block", named(lambda block: block.language == "yaml" and "fragment" in block.words)
)
def test_fragments_are_yaml(block: Block) -> None:
    """A part of a manifest can at least be parsed."""
    assert yaml.safe_load(block.text) is not None


@pytest.mark.parametrize(
    "block", named(lambda block: block.language == "python" and "cell" not in block.words)
)
def test_python_runs(block: Block, tmp_path: Path) -> None:
    """What a page shows of a module, a tool or an operation can at least be imported."""
    file = tmp_path / "shown.py"
    file.write_text(block.text)
    runpy.run_path(str(file))


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if any(block.is_local for block in blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """All commands of a page that need no cluster, in its order, with the files that it shows."""
    where = console.folder(tmp_path)
    for block in blocks(page):
        console.write_file(block, where)
        if block.is_local:
            found = console.differences(block, where)
            assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if any("cell" in block.words for block in blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_cells_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """All cells of a page in its order, under a running loop as in a notebook."""
    found = blocks(page)
    for block in found:
        console.write_file(block, tmp_path)
    cells = [block for block in found if "cell" in block.words]
    printed = dict(zip(cells, cellwise.run([cell.text for cell in cells], tmp_path), strict=True))
    for cell, shown in itertools.pairwise(found):
        if cell in printed and shown.words == ("outcome",):
            assert console.agrees(shown.text, printed[cell]), (cell.place, printed[cell])
        elif cell in printed:
            assert printed[cell] == "", cell.place


def examples() -> list[object]:
    """Return each example with the block behind it."""
    pairs = itertools.pairwise(ALL)
    return [
        pytest.param(block, after, id=block.place)
        for block, after in pairs
        if "pipeline" in block.words
    ]


@pytest.mark.parametrize(("example", "shown"), examples())
def test_examples_end_as_the_page_says(example: Block, shown: Block) -> None:
    """Each is compiled and run; the block behind it is what comes of it."""
    assert (shown.page, shown.language, shown.words) == (example.page, "text", ("outcome",))
    assert semantics.outcome(example) == shown.text


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Files and headings that are linked to are there."""
    broken = [f"line {line}: {target}" for line, target in links(page) if not _there(page, target)]
    assert not broken


def _there(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = (page.parent / path) if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


def test_tests_that_pages_name_exist() -> None:
    """A link to a test file is named by a test in it, without its `test_`."""
    for page in pages():
        for name, path in re.findall(r"\[`(\w+)`\]\(\.\./(tests/[^)]+\.py)\)", page.read_text()):
            assert f"def test_{name}(" in (ROOT / path).read_text(), f"{page}: {name}"


def test_make_targets_that_pages_name_exist() -> None:
    """`make demo` and the others are in the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in pages():
        for target in re.findall(r"`make ([a-z-]+)`|^\$? ?make ([a-z-]+)", page.read_text()):
            assert (target[0] or target[1]) in targets, f"{page}: make {target}"


def test_every_page_is_listed() -> None:
    """docs/index.md links each page, so that none is lost."""
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / target.partition("#")[0]).resolve() for _, target in links(index)}
    written = {page.resolve() for page in pages() if page.parent.name == "docs"} - {index}
    assert written <= listed


@pytest.mark.parametrize("block", named(lambda block: block.language == "mermaid"))
def test_drawings_are_what_their_command_draws(block: Block) -> None:
    """A picture is drawn by the tool itself, by the command in the comment above it."""
    assert console.draw(block) == block.text
