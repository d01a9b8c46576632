"""Ctrl-C and SIGTERM while something runs: the first asks, the second does not."""

import asyncio
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Calls `ask` on the first signal and `force` on each that follows; a context manager.

    Attributes:
        count: How many signals came.
    """

    def __init__(self, ask: Callable[[], None], force: Callable[[], None]) -> None:
        self.count = 0
        self._ask = ask
        self._force = force

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def _hear(self) -> None:
        self.count += 1
        if self.count == 1:
            self._ask()
        else:
            self._force()
