"""Folds the engine's events into a PipelineRun's status: what `kubectl get -o json` would show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from dspex.api import conditions
from dspex.api.base import ObjectMeta, ObjectReference
from dspex.api.conditions import carry_over, pending, run_active, run_ended
from dspex.api.limits import MAX_DESCRIPTION, MAX_JSON, MAX_TRACEBACK
from dspex.api.names import MAX_NAME
from dspex.api.pipelinerundata import PipelineRunData, PipelineRunDataSpec
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

RUNNING: Final = "Running"
"""Reason of the conditions of a run under way."""

MAX_DETAIL: Final = 512
"""Characters of a text among an error's details."""

MAX_ENTRIES: Final = 20
"""Entries of a list or an object among an error's details."""

OUTPUTS: Final = "outputs"
"""Ending of the name of the PipelineRunData with a run's outputs."""


class StatusWriter:
    """Hears every event of a run; `status` is always the present one."""

    def __init__(self, run: str, generation: int = 1) -> None:
        """Begin with a run that has not started.

        Args:
            run: The run's name.
            generation: Its `metadata.generation`.
        """
        self._run = run
        self._generation = generation
        self._steps: dict[str, dict[str, Any]] = {}
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._digest = ""
        self._record: RunRecord | None = None
        self._usage = Usage()
        self._conditions = pending(run=True)

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case RunStarted():
                self._started, self._digest = event.time, event.digest
                self._steps = {record.name: step_status(record) for record in event.steps}
                self._update_conditions(event.time)
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
                self._ended, self._record = event.time, event.record
                self._update_conditions(event.time)

    @property
    def status(self) -> dict[str, Any]:
        """The status, JSON-ready; what is not known yet is left out."""
        status: dict[str, Any] = {
            "observedGeneration": self._generation,
            "conditions": [condition.to_json() for condition in self._conditions],
        }
        if self._started is not None:
            status["startTime"] = timestamp(self._started)
        if self._ended is not None:
            status["completionTime"] = timestamp(self._ended)
        if self._digest:
            status["planDigest"] = self._digest
        if self._steps:
            status["steps"] = [dict(step) for step in self._steps.values()]
        usage = self._record.usage if self._record is not None else self._usage
        if usage.calls:
            status["usage"] = usage_status(usage)
        if self._record is not None:
            status["message"] = shortened(self._record.message)
            if self.data is not None:
                status["outputsRef"] = {"name": self.data["metadata"]["name"]}
            elif self._record.outputs is not None:
                status["outputs"] = dict(self._record.outputs)
        return status

    @property
    def data(self) -> dict[str, Any] | None:
        """The PipelineRunData with the run's outputs, where they are too large for its status."""
        outputs = self._record.outputs if self._record is not None else None
        if outputs is None or len(msgspec.json.encode(outputs)) <= MAX_JSON:
            return None
        data = PipelineRunData(
            metadata=ObjectMeta(name=child_name(self._run, OUTPUTS)),
            spec=PipelineRunDataSpec(
                run_ref=ObjectReference(name=self._run), outputs=dict(outputs)
            ),
        )
        return data.to_json()

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

    def _update_conditions(self, time: datetime) -> None:
        """Say how the run stands; a condition that did not change keeps its transition time."""
        now = timestamp(time)
        record = self._record
        if record is None:
            after = run_active(RUNNING, "", now=now, generation=self._generation)
        else:
            after = run_ended(
                record.state is State.SUCCEEDED,
                record.reason,
                shortened(record.message),
                now=now,
                generation=self._generation,
            )
        self._conditions = carry_over(self._conditions, after)


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
    return conditions.timestamp(time, micro=True)


def shortened(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """Cut a text to what a status may hold."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
