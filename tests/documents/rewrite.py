"""Writes into the pages what their commands and examples print now: review the difference.

`python -m documents.rewrite docs/semantics.md …` in tests/; outputs that agree stay as they are,
with their `…`.
"""

import sys
import tempfile
from pathlib import Path

from documents import console, semantics
from documents.pages import Block, blocks


def rewrite(page: Path) -> None:
    """Rewrite one page."""
    lines = page.read_text().splitlines(keepends=True)
    with tempfile.TemporaryDirectory() as name:
        texts = _texts(page, console.folder(Path(name)))
    for block, text in reversed(texts):
        lines[block.line : block.line + block.text.count("\n")] = text.splitlines(keepends=True)
    page.write_text("".join(lines))


def _texts(page: Path, where: Path) -> list[tuple[Block, str]]:
    """Return the blocks that have another text now, with it."""
    found: list[tuple[Block, str]] = []
    example: Block | None = None
    for block in blocks(page):
        console.write_file(block, where)
        text = block.text
        if block.is_local:
            text = _console(block, console.run(block, where))
        elif block.language == "mermaid" and block.command:
            text = console.draw(block)
        elif block.language == "text" and "outcome" in block.words and example is not None:
            text = semantics.outcome(example)
        example = block if "pipeline" in block.words else None
        if text != block.text:
            found.append((block, text))
    return found


def _console(block: Block, printed: list[str]) -> str:
    text = ""
    for command, output in zip(console.commands(block), printed, strict=True):
        first, *rest = command.text.splitlines()
        continued = first.endswith("\\")
        text += f"$ {first}\n" + "".join(
            f"{line}\n" if continued else f"> {line}\n" for line in rest
        )
        text += command.expected if console.agrees(command.expected, output) else output
    return text


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        rewrite(Path(argument).resolve())
