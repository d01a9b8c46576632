"""The worker's bounded queue: so many calls run, so many wait, the rest is turned away."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

FIRST_GUESS: Final = 1.0
"""Seconds that a call is taken to need before one has been seen."""
WEIGHT: Final = 0.2
"""How much the newest call counts in the mean of service times."""


class QueueFullError(Exception):
    """The call was turned away.

    Attributes:
        retry_after: Seconds after which a place is likely to be free.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Gate:
    """Lets `concurrency` calls run side by side and `size` more wait, first come first served.

    Args:
        concurrency: Calls that run.
        size: Calls that wait.
        timeout: Seconds that a call waits at most.
    """

    def __init__(self, concurrency: int, size: int, timeout: float) -> None:
        self._concurrency = concurrency
        self._size = size
        self._timeout = timeout
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._service = FIRST_GUESS

    @property
    def active(self) -> int:
        """Calls that run."""
        return self._active

    @property
    def queued(self) -> int:
        """Calls that wait."""
        return len(self._waiting)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[float]:
        """Hold a place among the running calls; yields the seconds that it was waited for.

        Raises:
            QueueFullError: No room to wait, or no place came free in time.
        """
        waited = await self._enter()
        started = time.monotonic()
        try:
            yield waited
        finally:
            self._service += WEIGHT * (time.monotonic() - started - self._service)
            self._leave()

    async def _enter(self) -> float:
        if self._active < self._concurrency and not self._waiting:
            self._active += 1
            return 0.0
        if len(self._waiting) >= self._size:
            raise QueueFullError(
                f"{self._active} calls run and {len(self._waiting)} wait", self.retry_after()
            )
        started = time.monotonic()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._timeout):
                await turn
        except BaseException as error:
            self._give_up(turn)
            if isinstance(error, TimeoutError):
                raise QueueFullError(
                    f"no place came free in {self._timeout:g} s", self.retry_after()
                ) from error
            raise
        return time.monotonic() - started

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            # The place came at the very moment of giving up: it goes to the next.
            self._leave()
        else:
            with contextlib.suppress(ValueError):
                self._waiting.remove(turn)

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._active -= 1

    def retry_after(self) -> float:
        """Return the seconds until a place is likely to be free, from the observed service time."""
        return self._service * (len(self._waiting) + 1) / self._concurrency
