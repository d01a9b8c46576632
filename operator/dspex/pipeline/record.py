"""What is known of a step of a run: its state, its times, what it cost and what it gave."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from dspex.bridge.protocol import Usage
from dspex.errors import PythonError, Reason, StepError

MAX_QUOTED: Final = 300
"""Characters of an error that another message quotes."""

NO_USAGE: Final = Usage()


class State(enum.StrEnum):
    """Where a step stands; the last four are final."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"

    @property
    def final(self) -> bool:
        """Whether the step has ended."""
        return self not in (State.PENDING, State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A StepError as status, checkpoints and expressions hold it."""

    reason: str
    message: str
    error_class: str = ""
    traceback: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: StepError) -> "Fault":
        """Take what is worth keeping of an error."""
        python = error if isinstance(error, PythonError) else None
        return cls(
            reason=str(error.reason),
            message=error.message,
            error_class=python.error_class if python else "",
            traceback=python.traceback if python else "",
            details=error.details,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """How the items of a forEach ended."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecord:
    """An item of a forEach that succeeded: what it gave, after how many attempts, at what cost."""

    outputs: Mapping[str, Any]
    attempts: int = 0
    usage: Usage = NO_USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step of a run as it stands; `outputs` is None unless it gave some.

    Attributes:
        name: `outer/inner` for a step of a sub-pipeline.
        kind: Name of its kind.
        state: Where it stands.
        reason: Why it was skipped, failed or was cancelled; empty otherwise.
        message: In words, where there is something to say.
        attempts: How many attempts were started, over all items and fallbacks.
        start_time: When it started, None before; UTC.
        completion_time: When it ended, None before; UTC.
        pool: Pool of the attempt that succeeded, or of the last one.
        worker: Worker of that attempt.
        usage: What all attempts cost together.
        error: Why it failed; also kept when onError let the run go on.
        items: Counts, under forEach.
        outputs: Values in wire form by name.
        indices: Under forEach with Continue, positions of the items that are left.
    """

    name: str
    kind: str
    state: State = State.PENDING
    reason: str = ""
    message: str = ""
    attempts: int = 0
    start_time: datetime | None = None
    completion_time: datetime | None = None
    pool: str = ""
    worker: str = ""
    usage: Usage = NO_USAGE
    error: Fault | None = None
    items: Items | None = None
    outputs: Mapping[str, Any] | None = None
    indices: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """How a run ended.

    Attributes:
        state: Succeeded, Failed or Cancelled.
        reason: Succeeded, StepsFailed, RunTimeout, Stopped, Cancelled, InputInvalid or
            OutputInvalid (an output's expression failed).
        message: In words.
        outputs: The pipeline's outputs, None unless it succeeded.
        errors: Every failed step's error, in the order of their ends, continued ones too.
        usage: What all steps cost together.
    """

    state: State
    reason: str
    message: str
    outputs: Mapping[str, Any] | None
    errors: tuple[tuple[str, Fault], ...] = ()
    usage: Usage = NO_USAGE


SUCCEEDED_REASON = "Succeeded"
_FINAL_STATES = {
    SUCCEEDED_REASON: State.SUCCEEDED,
    str(Reason.CANCELLED): State.CANCELLED,
    str(Reason.STOPPED): State.CANCELLED,
}


def quoted(message: str) -> str:
    """Cut an error's message to what another message may quote of it."""
    return message if len(message) <= MAX_QUOTED else message[: MAX_QUOTED - 1] + "…"


def run_state(reason: str) -> State:
    """Return the state that a run's reason means."""
    return _FINAL_STATES.get(reason, State.FAILED)
