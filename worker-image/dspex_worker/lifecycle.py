"""Where the worker is between start and end: loading, ready, draining, over."""

import asyncio
import enum

from dspex_worker.log import logger


class Phase(enum.StrEnum):
    """What the readiness probe tells."""

    LOADING = "Loading"
    READY = "Ready"
    DRAINING = "Draining"


class Lifecycle:
    """The worker's phase, and the events that move it.

    Attributes:
        phase: Now.
        progress: What is being loaded, for the readiness probe.
        stopped: Set once the end was asked for.
    """

    def __init__(self) -> None:
        self.phase = Phase.LOADING
        self.progress = "starting"
        self.stopped = asyncio.Event()
        self.over = asyncio.Event()
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def loaded(self) -> None:
        """Say that all is there; a drain that has begun stays one."""
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY

    def begin(self) -> None:
        """Count a call that was taken in."""
        self._active += 1
        self._idle.clear()

    def end(self) -> None:
        """Count the end of a call that was taken in."""
        self._active -= 1
        if not self._active:
            self._idle.set()

    def stop(self) -> None:
        """Ask for the end: the first time by draining, the second time at once."""
        if self.phase is Phase.DRAINING:
            self.over.set()
        self.phase = Phase.DRAINING
        self.stopped.set()

    def recycle(self, why: str) -> None:
        """Ask for the end because the process is no good any more; another one takes its place."""
        if self.phase is not Phase.DRAINING:
            logger.warning("the worker ends, to be started anew", extra={"why": why})
            self.stop()

    async def drained(self, grace: float) -> None:
        """Wait until no call is left, the grace is over, or the end was asked for again."""
        idle = asyncio.ensure_future(self._idle.wait())
        over = asyncio.ensure_future(self.over.wait())
        try:
            await asyncio.wait({idle, over}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        finally:
            idle.cancel()
            over.cancel()
