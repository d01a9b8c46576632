"""Folds the engine's events into the part of a run's status that its runner writes.

Kept free of pydantic: a runner starts in a moment, and needs no models for this.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from dspex.api.limits import MAX_DESCRIPTION, MAX_JSON, MAX_TRACEBACK
from dspex.api.names import MAX_NAME
from dspex.bridge.protocol import Usage
from dspex.pipeline.events import (
    AttemptFailed,
    Event,
    ItemFinished,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from dspex.pipeline.record import Fault, Items, RunRecord, State, StepRecord

MAX_DETAIL: Final = 512
"""Characters of a text among an error's details."""

MAX_ENTRIES: Final = 20
"""Entries of a list or an object among an error's details."""

OUTPUTS: Final = "outputs"
"""Ending of the name of the PipelineRunData with a run's outputs."""


class RunProgress:
    """Hears every event of a run.

    Attributes:
        started: When the run began, None before.
        ended: When it ended, None before.
        digest: The plan's; empty before the run began.
        record: How it ended, None before.
    """

    def __init__(self) -> None:
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.digest = ""
        self.record: RunRecord | None = None
        self._steps: dict[str, dict[str, Any]] = {}
        self._usage = Usage()

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case RunStarted():
                self.started, self.digest = event.time, event.digest
                self._steps = {record.name: step_status(record) for record in event.steps}
            case StepStarted():
                self._start(event)
            case AttemptFailed():
                self._note_attempt(event)
            case ItemFinished():
                self._count(event)
            case StepFinished():
                self._steps[event.record.name] = step_status(event.record)
                if "/" not in event.record.name:
                    self._usage += event.record.usage
            case RunFinished():
                self.ended, self.record = event.time, event.record

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps as they stand in a status."""
        return [dict(step) for step in self._steps.values()]

    @property
    def usage(self) -> Usage:
        """What the steps that ended have cost together."""
        return self.record.usage if self.record is not None else self._usage

    @property
    def outputs(self) -> dict[str, Any] | None:
        """The run's outputs, None where it has none."""
        outputs = self.record.outputs if self.record is not None else None
        return None if outputs is None else dict(outputs)

    def _start(self, event: StepStarted) -> None:
        step = self._steps.setdefault(event.step, {"name": event.step})
        step["state"] = str(State.RUNNING)
        step["startTime"] = timestamp(event.time)
        if event.items is not None:
            step["items"] = items_status(Items(total=event.items))

    def _note_attempt(self, event: AttemptFailed) -> None:
        step = self._steps.get(event.step)
        if step is not None:
            step["attempts"] = step.get("attempts", 0) + 1
            step["message"] = shortened(f"{event.error.reason}: {event.error.message}")

    def _count(self, event: ItemFinished) -> None:
        step = self._steps.get(event.step)
        if step is not None and "items" in step:
            name = str(event.state).lower()
            # A new object: who got the status before must not see it change.
            step["items"] = step["items"] | {name: step["items"].get(name, 0) + 1}


def too_large(outputs: Mapping[str, Any]) -> bool:
    """Say whether a run's outputs have no place in its status."""
    return len(msgspec.json.encode(outputs)) > MAX_JSON


def step_status(record: StepRecord) -> dict[str, Any]:
    """Return a step as it stands in `status.steps`; what is empty is left out."""
    step: dict[str, Any] = {"name": record.name, "kind": record.kind, "state": str(record.state)}
    optional: dict[str, Any] = {
        "reason": record.reason,
        "message": shortened(record.message),
        "attempts": record.attempts,
        "startTime": timestamp(record.start_time) if record.start_time else None,
        "completionTime": timestamp(record.completion_time) if record.completion_time else None,
        "pool": record.pool,
        "worker": record.worker,
        "usage": usage_status(record.usage) if record.usage.calls else None,
        "error": fault_status(record.error) if record.error else None,
        "items": items_status(record.items) if record.items else None,
    }
    return step | {name: value for name, value in optional.items() if value}


def usage_status(usage: Usage) -> dict[str, int]:
    """Return usage as it stands in a status."""
    return {
        "calls": usage.calls,
        "promptTokens": usage.prompt_tokens,
        "completionTokens": usage.completion_tokens,
        "totalTokens": usage.total_tokens,
    }


def fault_status(fault: Fault) -> dict[str, Any]:
    """Return an error as it stands in a status."""
    error: dict[str, Any] = {"reason": fault.reason, "message": shortened(fault.message)}
    if fault.error_class:
        error["class"] = fault.error_class
    if fault.traceback:
        error["traceback"] = shortened(fault.traceback, MAX_TRACEBACK)
    if fault.details:
        error["details"] = bounded(fault.details)
    return error


def bounded(value: Any, depth: int = 4) -> Any:
    """Cut a JSON value to what a status may hold of it: long texts, long lists, deep nesting."""
    if isinstance(value, str):
        return shortened(value, MAX_DETAIL)
    if isinstance(value, Mapping | list | tuple) and depth == 0:
        return "…"
    if isinstance(value, Mapping):
        shown = list(value.items())[:MAX_ENTRIES]
        return {str(key): bounded(each, depth - 1) for key, each in shown}
    if isinstance(value, list | tuple):
        return [bounded(each, depth - 1) for each in value[:MAX_ENTRIES]]
    return value


def items_status(items: Items) -> dict[str, int]:
    """Return a forEach's counts as they stand in a status."""
    return {
        "total": items.total,
        "succeeded": items.succeeded,
        "failed": items.failed,
        "skipped": items.skipped,
    }


def child_name(owner: str, suffix: str) -> str:
    """Name an object that belongs to another: the owner's name, cut where it must be."""
    return f"{owner[: MAX_NAME - len(suffix) - 1].rstrip('-')}-{suffix}"


def timestamp(time: datetime) -> str:
    """Write a time as statuses hold it: RFC 3339 in UTC, with microseconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shortened(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """Cut a text to what a status may hold."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
