"""A PipelineRun as its controller looks at it: a few facts read off the object, by name."""

import datetime
from dataclasses import dataclass
from typing import Any, Final, cast

from dspex.api import conditions
from dspex.api.base import Condition
from dspex.api.conditions import SUCCEEDED, timestamp
from dspex.controllers import outcome
from dspex.controllers.decision import Note, Object
from dspex.errors import ConditionReason
from dspex.resources import names
from dspex.resources.pod_trouble import TROUBLES

_ALARMING: Final = (*TROUBLES, ConditionReason.REFUSED)
"""Reasons of a run that goes on, of which an Event warns."""

OWNED: Final = frozenset(
    {
        "observedGeneration",
        "conditions",
        "startTime",
        "completionTime",
        "planDigest",
        "message",
    }
)
"""Keys of a run's status that the operator writes; the others are its runner's."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run.

    Attributes:
        item: The object.
    """

    item: Object

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.item["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.item["metadata"]["name"])

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.item["metadata"]["uid"])

    @property
    def job(self) -> str:
        """The name of its Job."""
        return names.job_name(self.name, self.uid)

    @property
    def pipeline(self) -> str:
        """The name of its Pipeline; empty where the spec is wrong."""
        return str((self.spec.get("pipelineRef") or {}).get("name", ""))

    @property
    def created(self) -> datetime.datetime:
        """When it was created."""
        return moment(self.item["metadata"]["creationTimestamp"])

    @property
    def spec(self) -> Object:
        """Its spec."""
        return cast("Object", self.item.get("spec") or {})

    @property
    def status(self) -> Object:
        """Its status."""
        return cast("Object", self.item.get("status") or {})

    @property
    def runner(self) -> Object:
        """What its runner says of itself; empty before one has claimed it."""
        return cast("Object", self.status.get("runner") or {})

    @property
    def claimed(self) -> bool:
        """Whether a runner has ever claimed it."""
        return bool(self.runner.get("podUID"))

    @property
    def cancelled(self) -> bool:
        """Whether Cancel was asked for."""
        return self.spec.get("shutdown") == "Cancel"

    @property
    def stopped(self) -> bool:
        """Whether Stop was asked for."""
        return self.spec.get("shutdown") == "Stop"

    @property
    def suspended(self) -> bool:
        """Whether it is to have no pod."""
        return bool(self.spec.get("suspend"))

    @property
    def frozen(self) -> bool:
        """Whether its plan was frozen, and its Job made."""
        return "planDigest" in self.status

    @property
    def ended(self) -> bool:
        """Whether it has ended, well or not."""
        return self._condition(SUCCEEDED).get("status") in ("True", "False")

    @property
    def reason(self) -> str:
        """The reason of its conditions."""
        return str(self._condition(SUCCEEDED).get("reason", ""))

    def active(
        self, reason: str, message: str, now: datetime.datetime, **more: Any
    ) -> tuple[Object, tuple[Note, ...]]:
        """Return the status, and the Events, of this run when it has not ended.

        Args:
            reason: Of all conditions.
            message: For a person.
            now: The time of day.
            more: Further keys of status; those that are there stay.
        """
        after = conditions.run_active(
            reason, outcome.cut(message), now=timestamp(now), generation=self._generation
        )
        return self._status(after, message, **more)

    def finished(
        self, succeeded: bool, reason: str, message: str, now: datetime.datetime, **more: Any
    ) -> tuple[Object, tuple[Note, ...]]:
        """Return the status, and the Events, of this run when it has ended.

        Args:
            succeeded: Whether it did.
            reason: Of all conditions.
            message: For a person.
            now: The time of day.
            more: Further keys of status; those that are there stay.
        """
        after = conditions.run_ended(
            succeeded, reason, outcome.cut(message), now=timestamp(now), generation=self._generation
        )
        return self._status(after, message, **{"completionTime": timestamp(now), **more})

    @property
    def _generation(self) -> int | None:
        return cast("int | None", self.item["metadata"].get("generation"))

    def _condition(self, kind: str) -> Object:
        for each in self.status.get("conditions") or ():
            if each["type"] == kind:
                return cast("Object", each)
        return {}

    def _status(
        self, after: tuple[Condition, ...], message: str, **more: Any
    ) -> tuple[Object, tuple[Note, ...]]:
        made = outcome.carried_over(self.item, after)
        kept = {key: part for key, part in self.status.items() if key in OWNED}
        status = {
            **kept,
            **more,
            "observedGeneration": self._generation,
            "conditions": made,
            "message": outcome.cut(message),
        }
        if runner_start := self.runner.get("startTime"):
            status["startTime"] = runner_start
        return status, outcome.transition(self.item, made, alarming=_ALARMING)


def moment(text: str) -> datetime.datetime:
    """Return the moment that Kubernetes writes so."""
    return datetime.datetime.fromisoformat(text)
