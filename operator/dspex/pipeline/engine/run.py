"""What all levels of one run share."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dspex.bridge.dispatch import Dispatcher
from dspex.pipeline.engine.clock import Clock
from dspex.pipeline.events import Event, Listener
from dspex.pipeline.record import ItemRecord, StepRecord


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Name and namespace of a run; both stand in expressions and idempotency keys."""

    name: str
    namespace: str = "default"


class Resume(Protocol):
    """What a former process of the same run had finished."""

    def step(self, name: str) -> StepRecord | None:
        """Return the record of a step that had ended, None if it had not."""
        ...

    def item(self, name: str, index: int) -> ItemRecord | None:
        """Return the record of an item that had succeeded, None if it had not."""
        ...


@dataclass(slots=True)
class Run:
    """The shared parts: where calls go, who listens, which clock and which dice."""

    identity: RunIdentity
    dispatcher: Dispatcher
    listener: Listener
    clock: Clock
    draw: random.Random
    resume: Resume | None = None
    started: datetime | None = None

    def emit(self, event: Event) -> None:
        """Tell the listener."""
        self.listener(event)
