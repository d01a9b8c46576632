"""The pages, and the fenced blocks in them.

The words behind a block's language say what is done with it:

- `yaml`: whole manifests; they are loaded and linted as they stand.
- `yaml fragment`: a part of a manifest; it is parsed.
- `yaml file=NAME`: the same as `yaml`, and written to NAME for the commands that follow.
- `yaml wrong file=NAME`: manifests with an error that the page speaks of.
- `yaml pipeline`: the spec of a Pipeline, or whole manifests; it is run, and the next block,
  `text outcome`, is what came of it.
- `python cell`: run as in a notebook, all of a page in one process; where the next block is
  `text outcome`, it is what the cell prints.
- `LANGUAGE file=NAME`, such as `python` or `json`: written to NAME.
- `console`: commands behind `$ ` and what they print; `console root` runs in the repository,
  `console cluster` on the tests' cluster, in a namespace of its own that is kubectl's default.
- `mermaid`: a drawing; the comment above it names the command that drew it.
- `sh`: commands that need something that a test has not, such as a key; not run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LANGUAGES: Final = frozenset(
    {"yaml", "console", "text", "python", "json", "sh", "mermaid", "toml", "jinja"}
)

_FENCE: Final = re.compile(r"^```(?P<info>\S.*)?$")
_DRAWN: Final = re.compile(r"<!-- (?P<command>dspex .+) -->")
_LINK: Final = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])+\]\((?P<target>[^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ +(?P<text>.+?)\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        page: The page's file.
        line: Line of its opening fence, 1-based.
        language: First word of the info string.
        words: The other words.
        text: What stands between the fences, with its last line break.
    """

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def command(self) -> list[str]:
        """The command in the comment above a drawing: `<!-- dspex graph … -->`; empty if none."""
        above = self.page.read_text().splitlines()[self.line - 2]
        shown = _DRAWN.fullmatch(above)
        return shown["command"].split() if shown else []

    @property
    def is_local(self) -> bool:
        """Whether it holds commands that need no cluster."""
        return self.language == "console" and "cluster" not in self.words

    @property
    def file(self) -> str | None:
        """Name of the file that the block is written to."""
        return next((word[5:] for word in self.words if word.startswith("file=")), None)


def pages() -> list[Path]:
    """Return all pages that people write; docs/reference is generated and tested elsewhere."""
    written = [path for path in (ROOT / "docs").rglob("*.md") if "reference" not in path.parts]
    top = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
    return [*(ROOT / name for name in top), *sorted(written)]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page.

    Raises:
        ValueError: A fence is not closed, or names no language.
    """
    found: list[Block] = []
    info: str | None = None
    start, lines = 0, list[str]()
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if fence is None or (info is not None and fence["info"] is not None):
            lines.append(line)
        elif info is None:
            info, start, lines = fence["info"] or "", number, []
        else:
            language, *words = info.split() or [""]
            text = "".join(f"{line}\n" for line in lines)
            found.append(Block(page, start, language, tuple(words), text))
            info = None
    if info is not None:
        raise ValueError(f"{page}:{start}: the block is not closed")
    return found


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Give each link outside of fenced blocks, with its line."""
    for number, line in _prose(page):
        for match in _LINK.finditer(line):
            yield number, match["target"]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", match["text"].lower()).replace(" ", "-")
        for _, line in _prose(page)
        if (match := _HEADING.match(line))
    }


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line
