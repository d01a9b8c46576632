"""Where tools that are not `async` run: threads of their own, so that modules keep theirs."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from dspex_worker.log import logger
from dspex_worker.tools.guard import ToolError

Result = TypeVar("Result")


class Threads:
    """A number of threads, some of which may be stuck: nothing ends a thread but itself.

    Args:
        size: How many.

    Attributes:
        stuck: Those that are at work for calls that were given up.
    """

    def __init__(self, size: int) -> None:
        self.stuck = 0
        self._size = size
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="tool")
        self._counting = threading.Lock()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run work in a thread; a call that is cancelled leaves its thread behind.

        Raises:
            ToolError: All threads are stuck.
        """
        if self.stuck >= self._size:
            raise ToolError(f"All {self._size} threads for tools are stuck in former calls")
        future = self._executor.submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if not future.done():
                self._leave(future)
            raise

    def close(self) -> None:
        """Take no more work; a thread that still works is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self, future: "Future[Any]") -> None:
        with self._counting:
            self.stuck += 1
        future.add_done_callback(self._came_back)
        logger.warning("a tool's thread is stuck", extra={"stuck": self.stuck, "of": self._size})

    def _came_back(self, _: "Future[Any]") -> None:
        with self._counting:
            self.stuck -= 1
