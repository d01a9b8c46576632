"""How long a person waits for the command line, and what importing the parts costs."""

import subprocess
import sys
from pathlib import Path

from performance.measure import WALL, Contender, compare
from performance.row import Row

COMMAND = Path(sys.executable).with_name("dspex")
GOAL = 0.2


def startup() -> list[Row]:
    """Start `dspex --help`, and Pythons that import; wall time, disk caches warm."""
    floor = _process("python -c pass", sys.executable, "-c", "pass")
    usage = _process("dspex --help", str(COMMAND), "--help")
    package = _process("import dspex", sys.executable, "-c", "import dspex")
    engine = _process("import the engine", sys.executable, "-c", "import dspex.pipeline.engine")
    return [
        Row(
            name=each.name,
            rival=floor.name,
            measured=compare(each, floor, clock=WALL, rounds=9),
            goal=GOAL if each is usage else None,
        )
        for each in (usage, package, engine)
    ]


def _process(name: str, *command: str) -> Contender:
    return Contender(
        name=name,
        run=lambda _: subprocess.run(command, check=True, stdout=subprocess.DEVNULL),
    )
