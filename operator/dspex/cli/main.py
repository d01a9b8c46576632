"""Where the `dspex` command begins; kept small, so that Ctrl-C is handled from the first moment."""

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

CANCELLED: Final = 130
"""Exit status after Ctrl-C or SIGTERM."""

BAD_INPUT: Final = 2
"""Exit status where a part of the command line is not installed."""

_asked = False

_PARTS: Final = {"click", "rich", "yaml", "cel_expr_python", "cronsim"}


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        from dspex.cli.app import run

        status = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        if error.name not in _PARTS:
            raise
        message = f"the command line needs {error.name}, which is not installed"
        print(f"{message}\n  remedy: pip install 'dspex[cli]'", file=sys.stderr)
        status = BAD_INPUT
    except KeyboardInterrupt:
        print("\ncancelled; nothing had been started", file=sys.stderr)
        status = CANCELLED
    _flush()
    sys.exit(status)


def interrupted() -> bool:
    """Return whether a signal came before the command's own handlers stood.

    What it interrupts may turn it into an error of its own: pydantic does so
    while it builds a model.
    """
    return _asked


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Let every signal do what Ctrl-C does."""
    global _asked
    _asked = True
    raise KeyboardInterrupt


def _flush() -> None:
    """Write what is buffered; whoever read it may be gone, as `| head` is."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError):
            try:
                stream.flush()
            except BrokenPipeError:
                # Else the interpreter tries again at its end, and complains.
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
