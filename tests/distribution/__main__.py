"""`make wheel`: builds the wheel, looks into it, and tries each extra in an empty environment.

The wheel is left in `dist/`. Exit status 1 where something that is promised does not hold.
"""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from distribution.archive import problems
from distribution.environment import BrokenPromiseError, Environment
from distribution.extra import EXTRAS, Extra

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Build and try; print a line an extra."""
    wheel = build(ROOT)
    found = problems(wheel, ROOT)
    print(f"{wheel.name}  {wheel.stat().st_size / 1e3:.0f} kB")
    for problem in found:
        print(f"  {problem}")
    # The work is the child processes': two threads keep two cores busy.
    with ThreadPoolExecutor(max_workers=2) as threads:
        for broken in threads.map(lambda extra: tell(extra, wheel), EXTRAS):
            found += broken
    return 1 if found else 0


def tell(extra: Extra, wheel: Path) -> list[str]:
    """Try one extra and print how it went; return its name where it broke a promise."""
    began = time.perf_counter()
    try:
        size = attempt(extra, wheel)
    except BrokenPromiseError as error:
        print(f"{extra.requirement:16} BROKEN\n{error}", flush=True)
        return [extra.name]
    seconds = time.perf_counter() - began
    print(f"{extra.requirement:16} ok {size:7.1f} MB {seconds:6.1f} s", flush=True)
    return []


def build(root: Path) -> Path:
    """Build the wheel from the checkout into `dist/`."""
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."]
    with tempfile.TemporaryFile() as log:
        done = subprocess.run(words, cwd=root, stdout=log, stderr=log, check=False)
        log.seek(0)
        if done.returncode:
            sys.exit(log.read().decode())
    return max((root / "dist").glob("dspex-*.whl"), key=lambda path: path.stat().st_mtime)


def attempt(extra: Extra, wheel: Path) -> float:
    """Try one extra; return how many megabytes it takes.

    Raises:
        BrokenPromiseError: With what was run and what it said.
    """
    with tempfile.TemporaryDirectory(prefix="dspex-wheel-") as folder:
        environment = Environment(Path(folder) / extra.name, ROOT)
        environment.install(extra, wheel)
        size = environment.megabytes()
        environment.program("import_all.py", *sorted(extra.absent))
        for name in extra.programs:
            environment.program(name)
        for command in extra.commands:
            environment.command(command)
    return size


if __name__ == "__main__":
    sys.exit(main())
