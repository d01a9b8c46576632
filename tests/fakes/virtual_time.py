"""Runs a coroutine in a loop whose clock jumps to the next timer: hours pass in milliseconds."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import looptime

T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time, and refuse a task that is left over."""

    async def whole() -> T:
        try:
            return await coroutine
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"tasks left behind: {left}"

    loop = looptime.new_event_loop(start=0)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(whole())


def virtual_clock() -> datetime:
    """Read the running loop's time as a date, for records."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())
