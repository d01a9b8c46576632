"""Where what is not `async` runs: threads of one kind, a bounded number of them.

Nothing ends a thread but itself. One whose call was given up is stuck until it comes back; when
half of them are for a while, the worker ends in good order, and the process takes them along.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

from dspex_worker.log import logger

Result = TypeVar("Result")


PATIENCE: Final = 5.0
"""Seconds in which a thread whose call was given up may come back by itself: many do at once."""


class ThreadsStuckError(Exception):
    """No thread is left that could do the work."""


class Threads:
    """A number of threads, some of which may be stuck.

    Args:
        kind: What they run, `module` or `tool`.
        size: How many.
        on_exhausted: Called on the loop when half of them have been stuck for `patience`.
        patience: Seconds.

    Attributes:
        kind: What they run.
        size: How many.
        stuck: Those that are at work for calls that were given up.
    """

    def __init__(
        self,
        kind: str,
        size: int,
        on_exhausted: Callable[[], None],
        *,
        patience: float = PATIENCE,
    ) -> None:
        self.kind = kind
        self.size = size
        self.stuck = 0
        self._on_exhausted = on_exhausted
        self._patience = patience
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=kind)
        self._counting = threading.Lock()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run work in a thread; a call that is cancelled leaves its thread behind.

        Raises:
            ThreadsStuckError: All threads are stuck.
        """
        if self.stuck >= self.size:
            raise ThreadsStuckError(
                f"All {self.size} threads for {self.kind}s are stuck in former calls"
            )
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
        logger.warning(
            f"a {self.kind}'s thread is stuck", extra={"stuck": self.stuck, "of": self.size}
        )
        asyncio.get_running_loop().call_later(self._patience, self._look)

    def _look(self) -> None:
        if self.stuck * 2 >= self.size:
            self._on_exhausted()

    def _came_back(self, _: "Future[Any]") -> None:
        with self._counting:
            self.stuck -= 1
