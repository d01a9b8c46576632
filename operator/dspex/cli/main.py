"""Where the `dspex` command begins; kept small, so that Ctrl-C is handled from the first moment."""

import contextlib
import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

CANCELLED: Final = 130
"""Exit status after Ctrl-C or SIGTERM."""


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        from dspex.cli.app import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("\ncancelled; nothing had been started", file=sys.stderr)
        status = CANCELLED
    _flush()
    sys.exit(status)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Let SIGTERM do what Ctrl-C does."""
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
