"""Expensive work that is done once for all test processes of a session."""

import fcntl
import json
from collections.abc import Callable
from typing import Any

import pytest


def once(factory: pytest.TempPathFactory, name: str, work: Callable[[], Any]) -> Any:
    """Return what `work` returned (JSON), in this process or in another one of the session.

    pytest-xdist runs tests in several processes, each with session fixtures of its own.
    """
    base = factory.getbasetemp()
    folder = base.parent if base.name.startswith("popen-") else base
    result = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            result.write_text(json.dumps(work()))
        return json.loads(result.read_text())
