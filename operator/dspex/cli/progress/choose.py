"""Which way to show progress fits where the command runs."""

import os
import sys

from dspex.cli.progress.base import Progress
from dspex.cli.progress.lines import LineProgress


def choose_progress() -> Progress:
    """Return a live table on a terminal, lines elsewhere."""
    if sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb"):
        from dspex.cli.progress.table import TableProgress

        return TableProgress()
    return LineProgress()
