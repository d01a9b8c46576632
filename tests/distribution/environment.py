"""An empty environment with the wheel and one extra's pinned dependencies in it."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from distribution.extra import PROGRAMS, Command, Extra

UV = Path(sys.executable).with_name("uv")
_TIMEOUT = 120
_UNMET = re.compile(r"^The package .*$", re.MULTILINE)
_BY_INTENT = "The package `dspy` requires `litellm"
"""Left out of every lock: DSPy imports it only for providers that the default image refuses."""


class BrokenPromiseError(Exception):
    """Something that an extra promises does not hold; the message says what was run and said."""


class Environment:
    """A virtual environment in a folder of its own, which also is the home of what runs in it."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._python = folder / "bin" / "python"

    def install(self, extra: Extra, wheel: Path) -> None:
        """Make it, with exactly the locked distributions and the wheel.

        Raises:
            BrokenPromiseError: A hash is wrong, or a distribution lacks what it asks for.
        """
        lock = self._root / "requirements" / f"{extra.name}.txt"
        pip = [str(UV), "pip"]
        python = ["--python", str(self._python)]
        _run([str(UV), "venv", "--quiet", "--python", sys.executable, str(self._folder)])
        _run(
            [*pip, "install", "--quiet", *python, "--no-deps", "--require-hashes", "-r", str(lock)]
        )
        _run([*pip, "install", "--quiet", *python, "--no-deps", str(wheel)])
        _check_complete([*pip, "check", *python])

    def megabytes(self) -> float:
        """Return the size of what is installed, without bytecode."""
        files = (self._folder / "lib").rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file()) / 1e6

    def program(self, name: str, *arguments: str) -> None:
        """Run one of `programs/` in it."""
        self.command(Command(words=["python", "-I", str(PROGRAMS / name), *arguments]))

    def command(self, command: Command) -> None:
        """Run a command of it, in the checkout's folder but with nothing of it on the path.

        Raises:
            BrokenPromiseError: It has another exit status, or does not say what it should.
        """
        home = {"HOME": str(self._folder), "PATH": f"{self._folder / 'bin'}:{os.defpath}"}
        words = [str(self._folder / "bin" / command.words[0]), *command.words[1:]]
        _run(words, command.status, command.says, env=home, folder=self._root)


def _check_complete(check: Sequence[str]) -> None:
    """Refuse an environment in which a distribution lacks another that it asks for."""
    done = subprocess.run(check, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    unmet = [line for line in _UNMET.findall(done.stderr) if not line.startswith(_BY_INTENT)]
    if unmet:
        raise BrokenPromiseError("\n".join(unmet))


def _run(
    words: Sequence[str],
    status: int = 0,
    says: str = "",
    *,
    env: dict[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    done = subprocess.run(
        words,
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode != status or says not in done.stdout:
        wanted = f"status {status}" + (f" and {says!r}" if says else "")
        raise BrokenPromiseError(
            f"{' '.join(words)}\nended with status {done.returncode}, expected {wanted}:\n"
            f"{done.stdout}"
        )
    return done.stdout
