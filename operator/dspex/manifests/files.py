"""Which files a path stands for, and their bytes."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from dspex.errors import Diagnostic
from dspex.manifests.limits import MAX_FILE_BYTES

STDIN: Final = "-"
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


def read_files(
    paths: Iterable[str | Path], stdin: IO[Any] | None
) -> tuple[list[tuple[str, bytes]], list[Diagnostic]]:
    """Read each file once, in the order of the paths; return names with bytes, and what failed.

    Of a directory all *.yaml, *.yml and *.json are read, below it too, sorted; those whose name
    begins with a dot are left out. `-` is standard input. At most one byte more than a file may
    have is read.
    """
    files: list[tuple[str, bytes]] = []
    failures: list[Diagnostic] = []
    seen: set[str | Path] = set()
    for name in _names(paths, failures):
        key = name if name == STDIN else Path(name).resolve()
        if key in seen:
            continue
        seen.add(key)
        try:
            files.append((name, _read(name, stdin)))
        except OSError as error:
            failures.append(_failure(name, f"can't be read: {error.strerror or error}"))
    return files, failures


def _names(paths: Iterable[str | Path], failures: list[Diagnostic]) -> Iterator[str]:
    for path in paths:
        if str(path) == STDIN or not Path(path).is_dir():
            yield str(path)
            continue
        found = sorted(_walk(Path(path)))
        if not found:
            failures.append(_failure(str(path), "the directory holds no *.yaml, *.yml or *.json"))
        yield from map(str, found)


def _walk(directory: Path) -> Iterator[Path]:
    pending = [directory]
    while pending:
        for entry in pending.pop().iterdir():
            if entry.name.startswith("."):
                continue
            # A link to a directory may lead in a circle.
            if entry.is_dir() and not entry.is_symlink():
                pending.append(entry)
            elif entry.suffix in SUFFIXES and entry.is_file():
                yield entry


def _read(name: str, stdin: IO[Any] | None) -> bytes:
    if name != STDIN:
        with Path(name).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    data = (stdin or sys.stdin.buffer).read(MAX_FILE_BYTES + 1)
    return data.encode() if isinstance(data, str) else bytes(data)


def _failure(name: str, message: str) -> Diagnostic:
    return Diagnostic(
        code="UnreadableFile",
        message=message,
        file=name,
        remedy="give a file, a directory, or - for standard input",
    )
