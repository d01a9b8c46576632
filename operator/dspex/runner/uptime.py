"""How long this process has been there: what a runner's start costs is seen from its log."""

import os
import time
from pathlib import Path
from typing import Final

_STAT: Final = Path("/proc/self/stat")
_START: Final = 19
"""Which word behind the command's name is the start, in ticks since the boot (proc(5), stat)."""


def uptime() -> float:
    """Return the seconds since this process started; 0 where the system does not tell."""
    try:
        words = _STAT.read_text().rpartition(")")[2].split()
        started = int(words[_START]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0
