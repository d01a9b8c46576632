"""The work queue: each object once, one worker an object, later again after an error."""

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Callable
from typing import Final

from dspex.controllers.key import Key

FIRST_DELAY: Final = 0.1
"""Seconds after the first error."""

MAX_DELAY: Final = 60.0
"""Seconds after many errors; the delays double."""

TICK: Final = 1e-6
"""Seconds; less is not waited for."""


class WorkQueue:
    """Keys in the order in which they are due; use it in one event loop.

    A key that is added while it waits is there once, at the earlier of both times. One that is
    added while it is worked on comes again after that.

    Args:
        draw: Draws a number from 0 to 1 for the jitter.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._working: set[Key] = set()
        self._later: dict[Key, float] = {}
        self._errors: Counter[Key] = Counter()
        self._number = 0
        self._changed = asyncio.Event()
        # One worker waits for the next key's time, the others for their turn: a change wakes one.
        self._turn = asyncio.Lock()
        self._closed = False

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Have a key worked on after some seconds, or earlier where that was asked already."""
        due = asyncio.get_running_loop().time() + delay
        if key in self._working:
            self._later[key] = min(due, self._later.get(key, due))
        elif due < self._due.get(key, float("inf")):
            self._push(key, due)

    async def get(self) -> Key | None:
        """Return the next key once it is due; None when the queue was closed."""
        async with self._turn:
            while not self._closed:
                wait = self._clean()
                if wait is not None and wait <= TICK:
                    _, _, key = heapq.heappop(self._heap)
                    del self._due[key]
                    self._working.add(key)
                    return key
                self._changed.clear()
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        return None

    def done(self, key: Key) -> None:
        """Say that a key was worked on without an error."""
        self._errors.pop(key, None)
        self._leave(key)

    def failed(self, key: Key) -> float:
        """Say that work on a key failed: it comes again, ever later; return after how long."""
        errors = self._errors[key]
        self._errors[key] += 1
        bound = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(errors, 20))
        delay = bound * (0.5 + self._draw() / 2)
        # A change that came meanwhile does not shorten it: the error may be the change's own.
        self._later.pop(key, None)
        self._leave(key)
        self.add(key, delay)
        return delay

    def close(self) -> None:
        """Give no key to anybody any more; those who wait get None."""
        self._closed = True
        self._changed.set()

    def depth(self) -> Counter[str]:
        """Return how many keys are due or worked on, by kind; those for later are not counted."""
        now = asyncio.get_running_loop().time()
        waiting = [key for key, due in self._due.items() if due <= now]
        return Counter(key.kind.name for key in [*waiting, *self._working])

    def _push(self, key: Key, due: float) -> None:
        self._due[key] = due
        self._number += 1
        heapq.heappush(self._heap, (due, self._number, key))
        self._changed.set()

    def _leave(self, key: Key) -> None:
        self._working.discard(key)
        if key in self._later:
            self._push(key, self._later.pop(key))

    def _clean(self) -> float | None:
        """Drop what was moved to an earlier time; return the seconds until the first is due."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        if not self._heap:
            return None
        return self._heap[0][0] - asyncio.get_running_loop().time()
