"""Runs the commands of a page in order, in one folder, and compares what they print."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from documents.pages import ROOT, Block

TIMEOUT: Final = 300
"""Seconds for all commands of a block together."""

_MARK: Final = "@@ the output of the next command @@"
_CHANGING: Final = (
    (re.compile(r"^ *\d+\.\d+s(?=  )", re.MULTILINE), "0.00s"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "0.0 s"),
    (re.compile(r"\bpid \d+"), "pid 0"),
    (re.compile(r"\b\d+ tokens\b"), "0 tokens"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    # What stands behind the name of a run that has none of its own.
    (re.compile(r"(?<=-)[b-df-hj-np-tv-xz24-9]{5}\b"), "00000"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as printed, and what the page says that it prints."""

    text: str
    expected: str


def commands(block: Block) -> list[Command]:
    r"""Split a console block; a command goes on behind `\`, or in lines that begin with `> `."""
    found: list[Command] = []
    command: list[str] = []
    output: list[str] = []
    open_ = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            _close(found, command, output)
            command, output, open_ = [line[2:]], [], line.endswith("\\")
        elif open_ or (line.startswith("> ") and not output):
            command.append(line.removeprefix("> "))
            open_ = line.endswith("\\")
        else:
            output.append(line)
    _close(found, command, output)
    return found


def _close(found: list[Command], command: list[str], output: list[str]) -> None:
    if command:
        found.append(Command("\n".join(command), "".join(f"{line}\n" for line in output)))


def folder(path: Path) -> Path:
    """Prepare a folder in which a page's commands can run: it holds the examples."""
    (path / "examples").symlink_to(ROOT / "examples")
    return path


def write_file(block: Block, where: Path) -> None:
    """Write a block that names a file."""
    if block.file is not None:
        target = where / block.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text)


def run(block: Block, where: Path, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Run the commands of a block in one shell; return what each printed, both streams."""
    script = "".join(
        f"{command.text}\n__status=$?; echo '{_MARK}'; (exit $__status)\n"
        for command in commands(block)
    )
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    # Started by a make, the makes of a page would tell of each folder that they enter.
    environment = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("MAKE", "MFLAGS"))
    }
    plain = {"PATH": path, "NO_COLOR": "1", "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT if "root" in block.words else where,
        env={**environment, **plain},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return done.stdout.split(f"{_MARK}\n")[:-1]


def differences(
    block: Block, where: Path, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Run the commands of a block; say of each that prints something else what it was."""
    printed, shown = run(block, where, environment), commands(block)
    if len(printed) != len(shown):
        return [f"{block.place}: the shell ended early"]
    return [
        f"{block.place}: $ {command.text}\nprinted:\n{output}\nshown:\n{command.expected}"
        for command, output in zip(shown, printed, strict=True)
        if not agrees(command.expected, output)
    ]


def draw(block: Block) -> str:
    """Return what the command above a drawing draws now."""
    program, *arguments = block.command
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    return done.stdout


def agrees(expected: str, printed: str) -> bool:
    """Say whether an output is what a page shows.

    `…` stands for anything in its line, a line of `…` alone for any lines; times, process ids,
    token counts and the ends of runs' names may be others.
    """
    pattern = ""
    for line in _steady(expected).splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += re.escape(line).replace("…", ".*") + r"\n"
    return re.fullmatch(pattern, _steady(printed)) is not None


def _steady(text: str) -> str:
    for changing, steady in _CHANGING:
        text = changing.sub(steady, text)
    return text
