"""What a wheel holds, and what is wrong about that."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = {"dspex": "operator/dspex", "dspex_worker": "worker-image/dspex_worker"}
"""The wheel's packages, and where their sources are."""

ENTRY_POINTS = """\
[console_scripts]
dspex = dspex.cli.main:main
dspex-worker = dspex_worker.command:main
"""


def problems(wheel: Path, root: Path) -> list[str]:
    """Compare a wheel with the sources that it should hold, no more and no less."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = {
            name.split("/", 1)[1]: archive.read(name).decode()
            for name in names
            if ".dist-info/" in name and not name.endswith("/RECORD")
        }
    return [*differences(names, list(sources(root))), *missing(texts, root)]


def sources(root: Path) -> Iterator[str]:
    """List the packages' files by their names in the wheel."""
    for package, folder in PACKAGES.items():
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield f"{package}/{path.relative_to(root / folder).as_posix()}"


def differences(names: Iterable[str], expected: Iterable[str]) -> Iterator[str]:
    """Find files that are there and should not be, and the other way round."""
    found = {name for name in names if ".dist-info/" not in name}
    wanted = {*expected, *(f"{package}/py.typed" for package in PACKAGES)}
    yield from (f"{name} should not be in the wheel" for name in sorted(found - wanted))
    yield from (f"{name} is not in the wheel" for name in sorted(wanted - found))


def missing(texts: dict[str, str], root: Path) -> Iterator[str]:
    """Find what the wheel's own description lacks: licence, commands, extras."""
    if texts.get("licenses/LICENSE") != (root / "LICENSE").read_text():
        yield "LICENSE is not in the wheel"
    if texts.get("entry_points.txt") != ENTRY_POINTS:
        yield f"the commands are {texts.get('entry_points.txt')!r}, expected {ENTRY_POINTS!r}"
    lines = texts.get("METADATA", "").splitlines()
    for line in ("License-Expression: Apache-2.0", "Requires-Python: >=3.11"):
        if line not in lines:
            yield f"METADATA does not say {line!r}"
