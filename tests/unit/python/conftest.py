"""What the tests of the Python API share: scripted workers, and a session for each test."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from dspex.api.pool import Pool
from dspex.local import process
from dspex.python.pools import pool
from dspex.python.session import Session, session
from dspex.python.workers import WarmWorkers
from fakes.command_line import FAKE_WORKER
from fakes.dispatcher import ScriptedDispatcher


@pytest.fixture(autouse=True)
def own_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Give the test a session of its own, whose workers are scripted, and end it."""
    monkeypatch.setattr(process, "WORKER_COMMAND", FAKE_WORKER)
    session.cache_clear()
    made = session()
    yield made
    made.background.close()
    session.cache_clear()


@pytest.fixture
def small() -> Pool:
    """A Pool whose model is never called: its workers answer by script."""
    return pool("small", model="openai/m")


@pytest.fixture
def dispatcher(monkeypatch: pytest.MonkeyPatch) -> ScriptedDispatcher:
    """Let calls be answered in this process, by the test's own scripts."""
    made = ScriptedDispatcher({})

    @contextlib.asynccontextmanager
    async def of(self: WarmWorkers, plans: Any, most: int) -> AsyncIterator[ScriptedDispatcher]:
        del self, plans, most
        yield made

    monkeypatch.setattr(WarmWorkers, "of", of)
    return made
