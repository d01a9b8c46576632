"""A run that a trigger starts: its name, which nobody else's is, and its manifest."""

import datetime
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from dspex.api.base import API_VERSION
from dspex.api.conditions import timestamp
from dspex.api.names import MAX_NAME
from dspex.api.pipeline import Pipeline
from dspex.api.trigger import RunMetadata, RunTemplate, Trigger
from dspex.resources import names
from dspex.resources.metadata import Manifest, metadata, owner_of

DIGEST_CHARACTERS: Final = 12
"""How much of a digest stands in a name."""


def scheduled_name(pipeline: Pipeline, trigger: Trigger, time: datetime.datetime) -> str:
    """Return the name of the run for a time of a schedule: it ends with the minutes since 1970."""
    return _name(pipeline, trigger.name, str(int(time.timestamp()) // 60))


def changed_name(pipeline: Pipeline, trigger: Trigger, digest: str, change: int) -> str:
    """Return the name of the run for a change of the digest: it ends with the new one's beginning.

    Args:
        pipeline: The pipeline.
        trigger: Its trigger.
        digest: The new digest.
        change: How many changes had been before: a digest may come back.
    """
    ending = digest.rpartition(":")[2][:DIGEST_CHARACTERS]
    return _name(pipeline, trigger.name, ending, str(change))


def triggered_run(
    pipeline: Pipeline,
    trigger: Trigger,
    name: str,
    inputs: Mapping[str, Any],
    time: datetime.datetime,
) -> Manifest:
    """Return a run that belongs to its pipeline, and goes with it, as a CronJob's Jobs do.

    Args:
        pipeline: The pipeline.
        trigger: Its trigger.
        name: The run's.
        inputs: Values, their expressions evaluated.
        time: The time that the run is for.
    """
    template = trigger.run_template or RunTemplate()
    given = template.metadata or RunMetadata()
    labels = {
        **(given.labels or {}),
        names.PIPELINE_LABEL: pipeline.name,
        names.TRIGGER_LABEL: trigger.name,
    }
    annotations = {**(given.annotations or {}), names.SCHEDULED_TIME_ANNOTATION: timestamp(time)}
    return {
        "apiVersion": API_VERSION,
        "kind": "PipelineRun",
        "metadata": metadata(owner_of(pipeline, "Pipeline"), name, labels, annotations),
        "spec": {"pipelineRef": {"name": pipeline.name}, **_spec(template, inputs)},
    }


def _spec(template: RunTemplate, inputs: Mapping[str, Any]) -> Manifest:
    optional = {
        "inputs": dict(inputs),
        "inputsFrom": [each.to_json() for each in template.inputs_from],
        "timeout": template.timeout,
        "ttlAfterFinished": template.ttl_after_finished,
    }
    return {name: value for name, value in optional.items() if value}


def _name(pipeline: Pipeline, trigger: str, ending: str, *marks: str) -> str:
    """Cut a name to what an object's holds; by the hash it is unlike that of any other trigger."""
    mark = "\0".join([pipeline.metadata.uid, trigger, *marks])
    ending = f"-{hashlib.sha256(mark.encode()).hexdigest()[:8]}-{ending}"
    return f"{pipeline.name}-{trigger}"[: MAX_NAME - len(ending)].rstrip("-") + ending
