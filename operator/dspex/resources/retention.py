"""Which ended runs are to be deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dspex.api.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that has ended.

    Attributes:
        name: Its name.
        succeeded: Whether it succeeded.
        time: When it ended.
    """

    name: str
    succeeded: bool
    time: datetime


def surplus(pipeline: Pipeline, runs: Iterable[EndedRun]) -> tuple[str, ...]:
    """Return the names of the ended runs beyond the Pipeline's historyLimits, the oldest first."""
    limits = pipeline.spec.history_limits
    if limits is None:
        return ()
    newest = sorted(runs, key=lambda run: (run.time, run.name), reverse=True)
    found: list[EndedRun] = []
    for succeeded, limit in ((True, limits.succeeded), (False, limits.failed)):
        if limit is not None:
            found += [run for run in newest if run.succeeded is succeeded][limit:]
    return tuple(run.name for run in sorted(found, key=lambda run: (run.time, run.name)))
