"""Model calls from threads: they end whenever the call that they belong to does."""

import asyncio
import contextvars
from typing import Any

import dspy.lm15 as lm15
import pytest

from dspex_worker.lm import ledger
from dspex_worker.lm.engine import SyncEngine


class Never:
    """An engine whose calls would take for ever."""

    supports_response_schema = False
    supports_function_calling = False
    supports_reasoning = False
    supported_params: frozenset[str] = frozenset()

    async def complete(self, request: Any) -> Any:
        """Wait until it is cancelled."""
        del request
        await asyncio.Event().wait()


async def test_a_thread_whose_call_is_over_before_it_asks_does_not_wait_for_ever() -> None:
    """Its model call is cancelled before its first step; the thread hears of it."""
    record = ledger.Ledger()
    record.abandon()
    with ledger.recording(record):
        context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    never: Any = Never()
    engine: Any = SyncEngine(never, loop)
    async with asyncio.timeout(10):
        with pytest.raises(lm15.TransportError, match="cancelled"):
            await loop.run_in_executor(None, context.run, engine.complete, object())
