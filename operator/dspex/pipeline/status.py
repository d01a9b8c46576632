"""Folds the engine's events into a PipelineRun's status: what `kubectl get -o json` would show."""

from datetime import datetime
from typing import Any, Final

from dspex.api.base import ObjectMeta, ObjectReference
from dspex.api.conditions import carry_over, pending, run_active, run_ended
from dspex.api.pipelinerundata import PipelineRunData, PipelineRunDataSpec
from dspex.pipeline.events import Event, RunFinished, RunStarted
from dspex.pipeline.progress import (
    OUTPUTS,
    RunProgress,
    child_name,
    shortened,
    timestamp,
    too_large,
    usage_status,
)
from dspex.pipeline.record import State

RUNNING: Final = "Running"
"""Reason of the conditions of a run under way."""


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
        self._progress = RunProgress()
        self._conditions = pending(run=True)

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        self._progress(event)
        if isinstance(event, RunStarted | RunFinished):
            self._update_conditions(event.time)

    @property
    def status(self) -> dict[str, Any]:
        """The status, JSON-ready; what is not known yet is left out."""
        progress = self._progress
        status: dict[str, Any] = {
            "observedGeneration": self._generation,
            "conditions": [condition.to_json() for condition in self._conditions],
        }
        if progress.started is not None:
            status["startTime"] = timestamp(progress.started)
        if progress.ended is not None:
            status["completionTime"] = timestamp(progress.ended)
        if progress.digest:
            status["planDigest"] = progress.digest
        if steps := progress.steps:
            status["steps"] = steps
        if progress.usage.calls:
            status["usage"] = usage_status(progress.usage)
        if progress.record is not None:
            status["message"] = shortened(progress.record.message)
            if self.data is not None:
                status["outputsRef"] = {"name": self.data["metadata"]["name"]}
            elif progress.outputs is not None:
                status["outputs"] = progress.outputs
        return status

    @property
    def data(self) -> dict[str, Any] | None:
        """The PipelineRunData with the run's outputs, where they are too large for its status."""
        outputs = self._progress.outputs
        if outputs is None or not too_large(outputs):
            return None
        data = PipelineRunData(
            metadata=ObjectMeta(name=child_name(self._run, OUTPUTS)),
            spec=PipelineRunDataSpec(run_ref=ObjectReference(name=self._run), outputs=outputs),
        )
        return data.to_json()

    def _update_conditions(self, time: datetime) -> None:
        """Say how the run stands; a condition that did not change keeps its transition time."""
        now = timestamp(time)
        record = self._progress.record
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
