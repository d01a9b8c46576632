"""What one call's model calls were: usage, time and texts, collected by the engines.

A context variable holds the ledger of the call that runs, so that the engines need no argument for
it, whatever module called them and in whatever task or thread.
"""

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator
from typing import Any

from dspex.bridge.protocol import Exchange, Usage
from dspex_worker.lm.completion import Completion

MAX_EXCHANGES = 64
"""Exchanges that a call keeps; an agent that runs for ever does not fill the memory."""


class Ledger:
    """The record of one call.

    Attributes:
        usage: Sum over all model calls, failed ones too.
        seconds: Time in the model; calls side by side count each.
        answer: The last text that the model gave.
        cut: Whether a token limit cut that text.
        exchanges: What was sent and what came back, where `keep` asks for it.
        abandoned: Whether the call has ended while a thread of it may still run.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.keep = keep
        self.usage = Usage()
        self.seconds = 0.0
        self.answer = ""
        self.cut = False
        self.exchanges: list[Exchange] = []
        self.abandoned = False
        self._on_abandon: list[Callable[[], object]] = []

    def on_abandon(self, act: Callable[[], object]) -> None:
        """Have something done when the call ends before its threads do; at once if it has."""
        if self.abandoned:
            act()
        else:
            self._on_abandon.append(act)

    def abandon(self) -> None:
        """Say that nobody waits for the call any more: its threads' model calls end."""
        self.abandoned = True
        for act in self._on_abandon:
            act()
        self._on_abandon.clear()

    def completed(self, messages: list[dict[str, Any]], answer: Completion) -> None:
        """Record a model call that gave an answer."""
        self.usage += Usage(
            prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens
        )
        self.answer = answer.text
        self.cut = not answer.finished
        if self.keep and len(self.exchanges) < MAX_EXCHANGES:
            self.exchanges.append(Exchange(messages=messages, answer=answer.text))

    @contextlib.contextmanager
    def model_call(self) -> Iterator[None]:
        """Count one model call and its time, whatever comes of it."""
        if self.abandoned:
            raise asyncio.CancelledError
        self.usage += Usage(calls=1)
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started


_current: contextvars.ContextVar[Ledger | None] = contextvars.ContextVar("ledger", default=None)


def current() -> Ledger:
    """Return the running call's ledger; outside of a call a fresh one that nobody reads."""
    return _current.get() or Ledger()


@contextlib.contextmanager
def recording(ledger: Ledger) -> Iterator[Ledger]:
    """Make a ledger the running call's one."""
    token = _current.set(ledger)
    try:
        yield ledger
    finally:
        _current.reset(token)
