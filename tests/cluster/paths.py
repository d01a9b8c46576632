"""Where the test cluster keeps what it builds, and what it runs."""

import os
from pathlib import Path


def cache() -> Path:
    """Return the folder of what is built; it outlives the work tree."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "dspex-tests" / "cluster"
