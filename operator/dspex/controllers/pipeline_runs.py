"""The runs of a Pipeline: how many stand how, which was the last, which are too old to be kept.

Runs are looked at as the API server gives them: there may be thousands.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dspex.api.conditions import SUCCEEDED, timestamp
from dspex.api.pipeline import Pipeline
from dspex.controllers.decision import Object, Ref
from dspex.controllers.metrics import phase
from dspex.kube.kind import PIPELINE_RUN
from dspex.resources.retention import EndedRun, surplus

PERIOD: Final = datetime.timedelta(seconds=2)
"""Least time between two counts in status: a burst of runs does not make a burst of writes."""

MAX_DELETED: Final = 100
"""Runs that are deleted at once; others follow."""

ENDED: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
"""Words of `phase` for a run that has ended."""


class Standing(NamedTuple):
    """A run, with the word for how it stands: of thousands each is looked at once.

    Attributes:
        item: The object.
        state: What `phase` says of it.
    """

    item: Object
    state: str

    @property
    def ended(self) -> bool:
        """Whether its conditions are final."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Counted:
    """How a Pipeline's runs stand.

    Attributes:
        status: `runs` and `lastRun` of the Pipeline's status; nothing where it never had a run.
        requeue: Seconds until they may be counted anew; None where nothing has changed since.
    """

    status: Object
    requeue: float | None = None


def standing(runs: Iterable[Object]) -> tuple[Standing, ...]:
    """Look at runs."""
    return tuple(Standing(run, phase(run)) for run in runs)


def count(status: Object, runs: Sequence[Standing], now: datetime.datetime) -> Counted:
    """Count a Pipeline's runs, unless they were counted within the last two seconds.

    Args:
        status: The Pipeline's, as it is.
        runs: All of its runs, looked at.
        now: The time.
    """
    before: Object = {name: status[name] for name in ("runs", "lastRun") if name in status}
    if not runs and not before:
        return Counted({})
    after = _counts(runs)
    counts = dict(before.get("runs", {}))
    time = counts.pop("time", None)
    if {**before, "runs": counts} == after:
        return Counted(before)
    if time is not None:
        left = _moment(time) + PERIOD - now
        # A clock that was set back must not hold up the count.
        if datetime.timedelta(0) < left <= PERIOD:
            return Counted(before, left.total_seconds())
    return Counted({**after, "runs": {**after["runs"], "time": timestamp(now, micro=True)}})


def too_old(pipeline: Pipeline, runs: Sequence[Standing]) -> tuple[Ref, ...]:
    """Return the ended runs beyond the Pipeline's historyLimits, the oldest first, up to 100."""
    if pipeline.spec.history_limits is None:
        return ()
    ended = {
        run.item["metadata"]["name"]: run
        for run in runs
        if run.ended and "deletionTimestamp" not in run.item["metadata"]
    }
    described = (
        EndedRun(name=name, succeeded=run.state == "Succeeded", time=_moment(_since(run)))
        for name, run in ended.items()
    )
    chosen = surplus(pipeline, described)[:MAX_DELETED]
    return tuple(reference(ended[name].item) for name in chosen)


def reference(run: Object) -> Ref:
    """Return what deletes this very run."""
    metadata = run["metadata"]
    return Ref(PIPELINE_RUN, metadata["namespace"], metadata["name"], metadata.get("uid", ""))


def _counts(runs: Sequence[Standing]) -> Object:
    """Return counts and the last run, without the time of counting."""
    states = Counter(run.state for run in runs)
    counts = {
        "active": len(runs) - sum(states[word] for word in ENDED),
        "succeeded": states["Succeeded"],
        "failed": states["Failed"] + states["Cancelled"],
    }
    if not runs:
        return {"runs": counts}
    last = max(runs, key=_age)
    name = last.item["metadata"]["name"]
    return {
        "runs": counts,
        "lastRun": {"name": name, "state": last.state, "time": _since(last)},
    }


def _age(run: Standing) -> tuple[str, str]:
    metadata = run.item["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["name"]


def _since(run: Standing) -> str:
    """Return since when a run stands as it does."""
    status = run.item.get("status") or {}
    created: str = run.item["metadata"].get("creationTimestamp", "1970-01-01T00:00:00Z")
    if run.ended:
        time: str | None = status.get("completionTime")
        return time or next(
            each["lastTransitionTime"] for each in status["conditions"] if each["type"] == SUCCEEDED
        )
    return status.get("startTime", created) if run.state == "Running" else created


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
