"""Conditions as kstatus reads them, so that every tool knows when an object is done.

Ready=True: done and good. Reconciling=True: being worked on, or waiting for something that is
missing. Stalled=True: nothing will happen until a person changes something. A run has Succeeded
too. `status.observedGeneration` says which spec they speak of.
"""

import datetime
from collections.abc import Sequence
from typing import Final

from dspex.api.base import Condition

EPOCH: Final = "1970-01-01T00:00:00Z"
"""Transition time of the conditions that an object is created with."""

READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
SUCCEEDED: Final = "Succeeded"

PENDING: Final = "Pending"
"""Reason of an object that nobody has looked at."""


def timestamp(moment: datetime.datetime, *, micro: bool = False) -> str:
    """Write a moment as Kubernetes does: UTC, in seconds, or in microseconds if `micro`.

    Raises:
        ValueError: If the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone")
    utc = moment.astimezone(datetime.UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def pending(*, run: bool = False) -> tuple[Condition, ...]:
    """Return the conditions that an object is created with: nobody has looked at it yet."""
    return _conditions(
        {READY: "Unknown", RECONCILING: "True", **({SUCCEEDED: "Unknown"} if run else {})},
        reason=PENDING,
        message="Nobody has looked at it yet.",
        now=EPOCH,
        generation=None,
    )


def ready(
    reason: str, message: str, *, now: str, generation: int | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of an object that is done and good."""
    states = {READY: "True", RECONCILING: "False", STALLED: "False"}
    return _conditions(states, reason=reason, message=message, now=now, generation=generation)


def reconciling(
    reason: str, message: str, *, now: str, generation: int | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of an object that is worked on, or waits for a missing reference."""
    states = {READY: "False", RECONCILING: "True", STALLED: "False"}
    return _conditions(states, reason=reason, message=message, now=now, generation=generation)


def stalled(
    reason: str, message: str, *, now: str, generation: int | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of an object that a person has to change."""
    states = {READY: "False", RECONCILING: "False", STALLED: "True"}
    return _conditions(states, reason=reason, message=message, now=now, generation=generation)


def run_active(
    reason: str, message: str, *, now: str, generation: int | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of a run that has not ended: pending, waiting or running."""
    states = {READY: "False", RECONCILING: "True", STALLED: "False", SUCCEEDED: "Unknown"}
    return _conditions(states, reason=reason, message=message, now=now, generation=generation)


def run_ended(
    succeeded: bool, reason: str, message: str, *, now: str, generation: int | None = None
) -> tuple[Condition, ...]:
    """Return the conditions of a run that has ended; one that failed is Stalled."""
    states = {
        READY: "True" if succeeded else "False",
        RECONCILING: "False",
        STALLED: "False" if succeeded else "True",
        SUCCEEDED: "True" if succeeded else "False",
    }
    return _conditions(states, reason=reason, message=message, now=now, generation=generation)


def carry_over(before: Sequence[Condition], after: Sequence[Condition]) -> tuple[Condition, ...]:
    """Return `after`, where a condition whose status has not changed keeps its transition time.

    Those that an object is created with have none: the first look is their transition.
    """
    former = {condition.type: condition for condition in before}
    kept = []
    for condition in after:
        old = former.get(condition.type)
        if old is None or old.status != condition.status or old.last_transition_time == EPOCH:
            kept.append(condition)
        else:
            time = {"last_transition_time": old.last_transition_time}
            kept.append(condition.model_copy(update=time))
    return tuple(kept)


def _conditions(
    states: dict[str, str], *, reason: str, message: str, now: str, generation: int | None
) -> tuple[Condition, ...]:
    given = {} if generation is None else {"observed_generation": generation}
    return tuple(
        Condition(
            type=type_,
            status=status,
            reason=reason,
            message=message,
            last_transition_time=now,
            **given,
        )
        for type_, status in states.items()
    )
