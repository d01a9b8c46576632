"""One PipelineRun, timed from its creation."""

import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from dspex.kube.kind import JOB, PIPELINE_RUN
from dspex.resources.names import job_name
from performance.cluster.bare_job import is_complete
from performance.cluster.place import Place
from stage.kubectl import Object, condition, has_ended
from stage.manifests import run


@dataclass(frozen=True, slots=True)
class TimedRun:
    """A run that succeeded.

    Attributes:
        first_step: Seconds from its creation to the start of its first step.
        succeeded: Seconds from its creation until a watcher sees Succeeded.
        runner: Seconds from the start of the runner's process to the start of the first step.
        steps: Seconds of each step.
    """

    first_step: float
    succeeded: float
    runner: float
    steps: tuple[float, ...]


async def timed_run(place: Place, pipeline: str, inputs: Object) -> TimedRun:
    """Run a pipeline and time it.

    Raises:
        AssertionError: It did not succeed.
    """
    name = f"run-{secrets.token_hex(4)}"
    began = await place.create(run(pipeline, name, inputs=inputs))
    ended = await place.until(PIPELINE_RUN, name, has_ended)
    succeeded = time.time() - began
    assert condition(ended, "Succeeded")["status"] == "True", ended["status"]
    # Only then does the kubelet give the log of a pod that was there for a moment.
    await place.until(JOB, job_name(name, ended["metadata"]["uid"]), is_complete)
    steps = ended["status"]["steps"]
    first = min(moment(step["startTime"]) for step in steps)
    return TimedRun(
        first_step=first - began,
        succeeded=succeeded,
        runner=first - _process_start(place, ended),
        steps=tuple(moment(each["completionTime"]) - moment(each["startTime"]) for each in steps),
    )


def moment(text: str) -> float:
    """Return the seconds since the epoch of a time in a status."""
    return datetime.fromisoformat(text).timestamp()


def _process_start(place: Place, ended: Object) -> float:
    """Return when the runner's process started, as its log tells."""
    pod = ended["status"]["runner"]["podName"]
    lines = [json.loads(line) for line in place.kubectl("logs", pod).splitlines()]
    claimed = next(line for line in lines if line["message"] == "claimed")
    return moment(claimed["time"]) - float(claimed["uptime"])
