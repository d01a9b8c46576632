"""What a person sees of a run while it runs: a live table, or lines where there is no terminal."""

from dspex.cli.progress.base import Progress
from dspex.cli.progress.choose import choose_progress

__all__ = ["Progress", "choose_progress"]
