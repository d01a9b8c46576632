"""The one stream of events that a running engine emits; whoever shows progress reads this.

Events come in the order of what happened; a step's StepStarted before its others, its
StepFinished after; RunStarted first and RunFinished last. `step` is `outer/inner` for a step of a
sub-pipeline. `item` is the position under forEach, None otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from dspex.pipeline.record import Fault, ItemRecord, RunRecord, State, StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The run has begun; `steps` holds all steps that it may run, as Pending."""

    time: datetime
    run: str
    pipeline: str
    digest: str
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step's dependencies have ended and its `if` holds."""

    time: datetime
    step: str
    items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt failed; `retry_in` is the delay in seconds before the next, None if none is."""

    time: datetime
    step: str
    item: int | None
    attempt: int
    error: Fault
    retry_in: float | None
    pool: str = ""
    worker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackTaken:
    """The alternatives before this one have failed; `number` counts `fallback` from 0."""

    time: datetime
    step: str
    item: int | None
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFinished:
    """One item of a forEach ended; `kept` only where it succeeded, for checkpoints."""

    time: datetime
    step: str
    item: int
    state: State
    error: Fault | None = None
    kept: ItemRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step ended, skipped ones too."""

    time: datetime
    record: StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FinallyStarted:
    """The steps have ended; `reason` is how the run would end, `Succeeded` included."""

    time: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run ended; nothing of it is left running."""

    time: datetime
    record: RunRecord


Event: TypeAlias = (
    RunStarted
    | StepStarted
    | AttemptFailed
    | FallbackTaken
    | ItemFinished
    | StepFinished
    | FinallyStarted
    | RunFinished
)
Listener: TypeAlias = Callable[[Event], None]
"""Is called in the engine's loop: it must not block, and must not raise."""
