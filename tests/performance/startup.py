"""How long a person waits for the command line, and what importing the parts costs.

With bytecode, as an installed package has it, whatever the environment says about writing it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from performance.measure import WALL, Contender, compare
from performance.row import Row

COMMAND = Path(sys.executable).with_name("dspex")
GOAL = 0.2


def startup() -> list[Row]:
    """Start `dspex --help`, and Pythons that import; wall time, disk caches warm."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return [
            _row("dspex --help", [str(COMMAND), "--help"], environment, GOAL),
            _row("import dspex", _python("import dspex"), environment),
            _row("import the engine", _python("import dspex.pipeline.engine"), environment),
        ]


def _row(
    name: str, command: list[str], environment: Mapping[str, str], goal: float | None = None
) -> Row:
    floor = _process("python -c pass", _python("pass"), environment)
    ours = _process(name, command, environment)
    measured = compare(ours, floor, clock=WALL, rounds=9)
    return Row(name=name, rival=floor.name, measured=measured, goal=goal)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _process(name: str, command: list[str], environment: Mapping[str, str]) -> Contender:
    def run(_: None) -> None:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    return Contender(name=name, run=run)
