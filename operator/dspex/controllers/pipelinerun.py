"""PipelineRuns: started, watched while their runner works, settled on its last word, tidied up."""

import datetime
import re

from dspex.api.base import CAMEL_PATTERN
from dspex.api.duration import DurationError, parse_duration
from dspex.controllers.decision import NOTHING, Change, Decision, Note, Object, Ref
from dspex.controllers.run_progress import under_way
from dspex.controllers.run_start import Frozen, frozen_plan, start
from dspex.controllers.run_view import RunView, moment
from dspex.controllers.settings import Settings
from dspex.controllers.world import World
from dspex.errors import ConditionReason, Reason
from dspex.kube.kind import JOB, PIPELINE_RUN
from dspex.resources import names
from dspex.resources.runner_job import RunnerSettings


def runner_settings(settings: Settings) -> RunnerSettings:
    """Return what the operator brings to all runs."""
    return RunnerSettings(
        image=settings.runner_image,
        pull_policy=settings.pull_policy,
        pull_secrets=settings.pull_secrets,
    )


def decide(
    settings: RunnerSettings, item: Object, world: World, now: datetime.datetime
) -> Decision:
    """Bring a run on: to its Job, to its end, and then to its deletion.

    Args:
        settings: What the operator brings.
        item: The run.
        world: What is known.
        now: The time of day.
    """
    run = RunView(item)
    if "deletionTimestamp" in item["metadata"]:
        # What belongs to it goes with it.
        return NOTHING
    if run.ended:
        return tidy(run, now)
    if run.runner.get("phase") == names.RUNNER_FINISHED:
        return settle(run, frozen_plan(run, world), now)
    job = world.get(JOB, run.namespace, run.job)
    if job is None:
        return start(settings, run, world, now)
    return under_way(run, job, world, now)


def done(item: Object) -> bool:
    """Say of a run that there will never be anything to do: it ended, and stays until deleted."""
    run = RunView(item)
    labels = item["metadata"].get("labels") or {}
    return (
        run.ended
        and labels.get(names.FINISHED_LABEL) == "true"
        and "ttlAfterFinished" not in run.spec
    )


def settle(run: RunView, frozen: Frozen | None, now: datetime.datetime) -> Decision:
    """End a run as its runner's last word says.

    Args:
        run: The run.
        frozen: What is known of its plan.
        now: The time of day.
    """
    word = run.runner
    more = {} if frozen is None else {"planDigest": frozen.digest}
    if ended := word.get("completionTime"):
        more["completionTime"] = ended
    succeeded = word.get("state") == "Succeeded"
    status, notes = run.finished(
        succeeded, _reason(word), str(word.get("message") or ""), now, **more
    )
    return Decision(change=(_label(run),), status=status, notes=notes, requeue=0.0)


def tidy(run: RunView, now: datetime.datetime) -> Decision:
    """Label a run that has ended, and delete it once its time has come."""
    try:
        left = _age(run, now)
    except DurationError as error:
        words = f"spec.ttlAfterFinished: {error.diagnostics[0].message}; the run is kept"
        note = Note(ConditionReason.RUN_INVALID, words, warning=True)
        return Decision(change=(_label(run),), notes=(note,))
    if left is not None and left <= 0:
        return Decision(delete=(Ref(PIPELINE_RUN, run.namespace, run.name, run.uid),))
    return Decision(change=(_label(run),), requeue=left)


def _reason(word: Object) -> str:
    """Return the reason of a last word; one that no condition can have is a fault."""
    given = str(word.get("reason") or word.get("state") or "")
    return given if re.fullmatch(CAMEL_PATTERN, given) else Reason.INTERNAL


def _label(run: RunView) -> Change:
    patch = {"metadata": {"labels": {names.FINISHED_LABEL: "true"}}}
    return Change(PIPELINE_RUN, run.namespace, run.name, patch)


def _age(run: RunView, now: datetime.datetime) -> float | None:
    """Return in how many seconds an ended run is to be deleted; None: never."""
    kept = run.spec.get("ttlAfterFinished")
    if kept is None:
        return None
    ended = run.status.get("completionTime") or run.runner.get("completionTime")
    since = now if ended is None else moment(ended)
    return (since - now).total_seconds() + parse_duration(kept)
