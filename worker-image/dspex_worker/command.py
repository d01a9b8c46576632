"""The entry of `dspex-worker`: says what to install where the worker's extra is missing."""

import sys
from typing import Final

_PARTS: Final = frozenset({"dspy", "prometheus_client"})


def main() -> int:
    """Run the worker's command; returns the exit status."""
    try:
        from dspex_worker.main import main as run
    except ModuleNotFoundError as error:
        if error.name not in _PARTS:
            raise
        message = f"the worker needs {error.name}, which is not installed"
        sys.stderr.write(f"{message}\n  remedy: pip install 'dspex[worker]'\n")
        return 2
    return run()
