"""Where tools that are not `async` run."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Threads(Protocol):
    """Runs blocking work off the loop."""

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run it in a thread; a cancelled call leaves the thread at work, which can't be ended."""
        ...


class ExecutorThreads:
    """The threads of an executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run it in one of the executor's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
