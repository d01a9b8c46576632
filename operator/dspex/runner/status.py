"""The runner's part of a run's status, and how it is made smaller where it has no place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from dspex.pipeline.progress import RunProgress, shortened, timestamp, usage_status
from dspex.resources.names import RUNNER_FINISHED
from dspex.runner.redactor import Redactor

MAX_STATUS: Final = 768 * 1024
"""Bytes of the runner's part: etcd takes 1.5 MiB for the whole object, its spec included."""

SHORT: Final = 256
"""Characters of a message where there are too many of them."""

REDACTED: Final = ("message", "error")
"""What of a step may hold a value."""


def status_of(
    progress: RunProgress,
    runner: Mapping[str, Any],
    redactor: Redactor,
    *,
    outputs: Mapping[str, Any] | None = None,
    outputs_ref: str | None = None,
) -> dict[str, Any]:
    """Return the runner's part of the status.

    Args:
        progress: What the events said.
        runner: `status.runner` of a run under way; the last word is added to it.
        redactor: Keeps sensitive values out.
        outputs: The run's outputs, where they stand in the status.
        outputs_ref: Name of the PipelineRunData that holds them otherwise.
    """
    status: dict[str, Any] = {"runner": dict(runner)}
    if steps := progress.steps:
        status["steps"] = [_step(step, redactor) for step in steps]
    if progress.usage.calls:
        status["usage"] = usage_status(progress.usage)
    record, ended = progress.record, progress.ended
    if record is not None and ended is not None:
        status["runner"] |= {
            "phase": RUNNER_FINISHED,
            "state": str(record.state),
            "reason": record.reason,
            "message": shortened(redactor.text(record.message)),
            "completionTime": timestamp(ended),
        }
    if outputs_ref is not None:
        status["outputsRef"] = {"name": outputs_ref}
    elif outputs is not None:
        status["outputs"] = redactor.shown(outputs)
    return status


def smaller(status: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the status, and then less and less of it, down to the last word alone."""
    steps = status.get("steps", [])
    yield dict(status)
    yield {**status, "steps": [_without(step, ("traceback", "details")) for step in steps]}
    bare = ("name", "kind", "state", "reason", "attempts", "startTime", "completionTime", "usage")
    yield {
        **status,
        "steps": [{key: step[key] for key in bare if key in step} for step in steps],
    }
    runner = status["runner"]
    yield {"runner": {**runner, "message": shortened(str(runner.get("message", "")), SHORT)}}


def fits(status: Mapping[str, Any]) -> bool:
    """Say whether a status has a place in the run."""
    return len(msgspec.json.encode(status)) <= MAX_STATUS


def _step(step: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    return step | {key: redactor.shown(step[key]) for key in REDACTED if key in step}


def _without(step: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    less = dict(step)
    if "error" in step:
        kept = {key: value for key, value in step["error"].items() if key not in keys}
        less["error"] = {**kept, "message": shortened(str(kept.get("message", "")), SHORT)}
    if "message" in step:
        less["message"] = shortened(str(step["message"]), SHORT)
    return less
