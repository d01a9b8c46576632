"""Triggers: which runs a Pipeline starts by itself, and what of that has to be remembered.

A run is created before status says so (a Decision is executed in that order), under a name that
follows from the Pipeline's uid, the trigger, and the time or the digest. So:

- Nothing is lost: status never tells of a run that was not created.
- Nothing is started twice by a restart between the two writes: the second create is refused, as
  there is a run of that name. The one exception is a run that somebody, its ttlAfterFinished or
  historyLimits, has deleted before the operator was there again to write its status.
- Once status is written, a run that is deleted is not started again.
"""

import datetime
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from dspex.api.conditions import timestamp
from dspex.api.duration import parse_duration
from dspex.api.pipeline import Pipeline
from dspex.api.trigger import ConcurrencyPolicy, Schedule, Trigger
from dspex.controllers.decision import Note, Object, Ref
from dspex.controllers.pipeline_runs import Standing, reference
from dspex.controllers.schedule import MANY, Due, Timetable
from dspex.errors import ConditionReason, NativeError
from dspex.pipeline.trigger import run_inputs
from dspex.resources.names import TRIGGER_LABEL
from dspex.resources.triggered_run import changed_name, scheduled_name, triggered_run

MAX_WAIT: Final = 3600.0
"""Seconds after which a schedule is looked at again, however far its next time: clocks are set."""


@dataclass(slots=True)
class Followed:
    """What a Pipeline's triggers want.

    Attributes:
        create: Runs to be started.
        delete: Runs that those replace.
        notes: Events.
        states: `triggers` of the Pipeline's status.
        requeue: Seconds until the next time of a schedule, an hour at most; None without one.
    """

    create: list[Object] = field(default_factory=list)
    delete: list[Ref] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    states: list[Object] = field(default_factory=list)
    requeue: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occasion:
    """A run that a trigger would start: its name, the time that it is for, why it starts."""

    name: str
    time: datetime.datetime
    digest: str
    why: str
    policy: ConcurrencyPolicy | None


class _Result(enum.Enum):
    STARTED = enum.auto()
    WAITS = enum.auto()
    FAILED = enum.auto()


def follow(
    pipeline: Pipeline,
    status: Object,
    digest: str,
    runs: Sequence[Standing],
    now: datetime.datetime,
) -> Followed:
    """Decide what a Pipeline's triggers start now.

    Args:
        pipeline: The Pipeline, with its uid.
        status: Its status as it is.
        digest: Of the compiled plan; empty where there is none: then nothing is started, and what
            comes meanwhile counts as missed.
        runs: All runs of the Pipeline, looked at.
        now: The time, UTC.
    """
    return _Follower(pipeline, status, digest, runs, now).follow()


class _Follower:
    """Looks at one trigger after the other and collects what they want."""

    def __init__(
        self,
        pipeline: Pipeline,
        status: Object,
        digest: str,
        runs: Sequence[Standing],
        now: datetime.datetime,
    ) -> None:
        self._pipeline = pipeline
        self._states = {each["name"]: each for each in status.get("triggers") or ()}
        self._digest = digest
        self._active = [run.item for run in runs if not run.ended and _is_of(run.item, pipeline)]
        self._now = now
        # Whoever is looked at for the first time has had its triggers from the beginning.
        created = None if "observedGeneration" in status else _created(pipeline)
        self._seen_since = created or timestamp(now)
        self._followed = Followed()

    def follow(self) -> Followed:
        for trigger in self._pipeline.spec.triggers:
            before = self._states.get(trigger.name, {})
            if trigger.schedule is not None:
                after = self._by_schedule(trigger, trigger.schedule, before)
            else:
                after = self._on_change(trigger, before)
            self._followed.states.append({"name": trigger.name, **after})
        return self._followed

    def _by_schedule(self, trigger: Trigger, schedule: Schedule, before: Object) -> Object:
        """Start what is due; return the trigger's state."""
        times = Timetable(schedule.cron, schedule.time_zone)
        if before.get("schedule") != times.text:
            before = {"since": self._seen_since}
        kept = ("since", "lastScheduleTime")
        state = {"schedule": times.text, **{name: before[name] for name in kept if name in before}}
        if trigger.suspend or not self._digest:
            return state
        since = max(_moment(state[name]) for name in kept if name in state)
        due = times.due(since, self._now)
        if due is not None:
            state |= self._take(trigger, schedule, due)
            if "lastScheduleTime" in state and state["lastScheduleTime"] >= state.get("since", ""):
                state.pop("since", None)
        upcoming = times.next(self._now)
        if upcoming is not None:
            state["nextScheduleTime"] = timestamp(upcoming)
            self._look_again((upcoming - self._now).total_seconds())
        return state

    def _take(self, trigger: Trigger, schedule: Schedule, due: Due) -> Object:
        """Start the run for the latest time; return what is to be remembered of it."""
        moment = timestamp(due.time)
        deadline = schedule.starting_deadline
        if deadline is not None:
            late = (self._now - due.time).total_seconds()
            if late > parse_duration(deadline):
                self._say_missed(trigger, due.missed + 1, f"startingDeadline is {deadline}")
                return {"since": moment}
        occasion = _Occasion(
            name=scheduled_name(self._pipeline, trigger, due.time),
            time=due.time,
            digest=self._digest,
            why=f"for {moment}",
            policy=schedule.concurrency_policy,
        )
        result = self._start(trigger, occasion)
        if result is _Result.WAITS:
            return {}
        if due.missed:
            self._say_missed(trigger, due.missed, "only the latest is made up for")
        return {"lastScheduleTime" if result is _Result.STARTED else "since": moment}

    def _on_change(self, trigger: Trigger, before: Object) -> Object:
        """Start a run if the digest is another one; return the trigger's state."""
        last, changes = before.get("lastDigest"), before.get("changes", 0)
        if last is None:
            return {"lastDigest": self._digest, "changes": 0} if self._digest else {}
        state = {"lastDigest": last, "changes": changes}
        if trigger.suspend or self._digest in ("", last) or trigger.on_change is None:
            return state
        occasion = _Occasion(
            name=changed_name(self._pipeline, trigger, self._digest, changes),
            time=self._now,
            digest=self._digest,
            why=f"for the digest {self._digest}",
            policy=trigger.on_change.concurrency_policy,
        )
        if self._start(trigger, occasion) is _Result.WAITS:
            return state
        return {"lastDigest": self._digest, "changes": changes + 1}

    def _start(self, trigger: Trigger, occasion: _Occasion) -> _Result:
        """Have a run created, and those deleted that it replaces; say so, or what hinders it."""
        others = [
            run
            for run in self._active
            if run["metadata"]["labels"][TRIGGER_LABEL] == trigger.name
            and run["metadata"]["name"] != occasion.name
        ]
        head = f"trigger {trigger.name}"
        if others and occasion.policy is ConcurrencyPolicy.FORBID:
            names = ", ".join(sorted(run["metadata"]["name"] for run in others))
            self._say(
                ConditionReason.TRIGGER_WAITS,
                f"{head} waits for {names} to end: its concurrencyPolicy is Forbid",
            )
            return _Result.WAITS
        try:
            inputs = run_inputs(trigger, occasion.time, occasion.digest)
        except NativeError as error:
            reason = ConditionReason.TRIGGER_FAILED
            self._say(reason, f"{head} starts no run {occasion.why}: {error}", warning=True)
            return _Result.FAILED
        run = triggered_run(self._pipeline, trigger, occasion.name, inputs, occasion.time)
        self._followed.create.append(run)
        if occasion.policy is ConcurrencyPolicy.REPLACE:
            self._followed.delete += [reference(each) for each in others]
        self._say(ConditionReason.TRIGGERED, f"{head} started {occasion.name} {occasion.why}")
        return _Result.STARTED

    def _say_missed(self, trigger: Trigger, missed: int, why: str) -> None:
        count = f"more than {MANY}" if missed > MANY else str(missed)
        times = "time was" if missed == 1 else "times were"
        message = f"trigger {trigger.name}: {count} {times} missed; {why}"
        self._say(ConditionReason.MISSED_SCHEDULE, message, warning=True)

    def _say(self, reason: str, message: str, *, warning: bool = False) -> None:
        self._followed.notes.append(Note(reason, message, warning=warning))

    def _look_again(self, seconds: float) -> None:
        soonest = self._followed.requeue
        self._followed.requeue = min(seconds, MAX_WAIT if soonest is None else soonest)


def _is_of(run: Object, pipeline: Pipeline) -> bool:
    """Say whether a trigger of this very Pipeline started a run: a label alone proves nothing."""
    metadata = run["metadata"]
    owners = metadata.get("ownerReferences") or ()
    return TRIGGER_LABEL in (metadata.get("labels") or {}) and any(
        owner["uid"] == pipeline.metadata.uid for owner in owners
    )


def _created(pipeline: Pipeline) -> str | None:
    extra = pipeline.metadata.model_extra or {}
    created: str | None = extra.get("creationTimestamp")
    return created


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
