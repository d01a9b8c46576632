"""The runs of a Pipeline: counted, the last one shown, the oldest cleared away."""

import datetime
import itertools
from typing import Any

import pytest

from dspex.api.pipeline import Pipeline, PipelineStatus
from dspex.controllers.pipeline_runs import MAX_DELETED, PERIOD, count, standing, too_old
from dspex.kube.kind import PIPELINE_RUN
from fakes.items import Object, run

NOW = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.UTC)
STEP = {"name": "a", "template": {"source": "x"}}


def stamp(minute: int) -> str:
    """Return a minute after nine as text."""
    return f"2026-11-22T09:{minute:02}:00Z"


def made(name: str, state: str, minute: int, **status: Any) -> Object:
    """Make a run that was created in a minute, and stands so since three minutes later."""
    succeeded = {"Succeeded": "True", "Failed": "False", "Cancelled": "False"}.get(state, "Unknown")
    condition = {
        "type": "Succeeded",
        "status": succeeded,
        "reason": state,
        "lastTransitionTime": stamp(minute + 3),
    }
    given = {"conditions": [condition], **status}
    return run(name, status=given, metadata={"creationTimestamp": stamp(minute)})


RUNS = standing(
    (
        made("a", "Succeeded", 0, completionTime=stamp(2)),
        made("b", "Succeeded", 1),
        made("c", "Failed", 2),
        made("d", "Cancelled", 3),
        made("e", "Running", 4, startTime=stamp(6)),
        made("f", "Queued", 5),
    )
)


def test_runs_are_counted_by_how_they_stand() -> None:
    """Those that wait are active, those that were cancelled failed; status has them whole."""
    born = standing([run("born", metadata={"creationTimestamp": stamp(0)})])
    counted = count({}, (*RUNS, *born), NOW)
    assert counted.status["runs"] == {
        "active": 3,
        "succeeded": 2,
        "failed": 2,
        "time": "2026-11-22T09:30:00.000000Z",
    }
    PipelineStatus.model_validate(counted.status)


@pytest.mark.parametrize(
    ("number", "state", "minute"),
    [
        (1, "Succeeded", 2),
        (2, "Succeeded", 4),
        (3, "Failed", 5),
        (4, "Cancelled", 6),
        (5, "Running", 6),
        (6, "Pending", 5),
    ],
)
def test_the_last_run_is_shown_with_the_time_of_its_state(
    number: int, state: str, minute: int
) -> None:
    """Whatever order the runs are in: the one that was created last, and since when it is so."""
    runs = tuple(reversed(RUNS[:number]))
    last = count({}, runs, NOW).status["lastRun"]
    assert last == {
        "name": RUNS[number - 1].item["metadata"]["name"],
        "state": state,
        "time": stamp(minute),
    }


def test_a_pipeline_without_runs_has_no_counts() -> None:
    """Until it has had one: then they go down to zero."""
    assert count({}, (), NOW).status == {}
    before = count({}, RUNS[:1], NOW).status
    after = count(before, (), NOW + PERIOD).status
    assert after["runs"] == {
        "active": 0,
        "succeeded": 0,
        "failed": 0,
        "time": "2026-11-22T09:30:02.000000Z",
    }
    assert "lastRun" not in after


def test_what_has_not_changed_is_not_counted_anew() -> None:
    """The status stays as it is, to the time of counting."""
    before = count({}, RUNS, NOW).status
    again = count(before, RUNS, NOW + datetime.timedelta(hours=1))
    assert (again.status, again.requeue) == (before, None)


def test_a_change_waits_for_its_time() -> None:
    """Within two seconds of the last count the old one stands, and it is looked at again."""
    before = count({}, RUNS[:3], NOW).status
    later = NOW + datetime.timedelta(seconds=0.5)
    counted = count(before, RUNS, later)
    assert (counted.status, counted.requeue) == (before, 1.5)
    assert count(before, RUNS, NOW + PERIOD).status["runs"]["failed"] == 2


def test_a_clock_that_was_set_back_holds_up_no_count() -> None:
    """A count from tomorrow is not waited for."""
    before = count({}, RUNS[:3], NOW + datetime.timedelta(days=1)).status
    assert count(before, RUNS, NOW).status["runs"]["failed"] == 2


def test_a_burst_of_runs_makes_few_writes() -> None:
    """Two hundred runs come and end within twenty seconds: at most one write in two seconds."""
    status: Object = {}
    writes: list[float] = []
    runs: dict[str, Object] = {}
    due: float | None = None
    for tick in itertools.count():
        second = tick / 10
        if tick < 200:
            runs[f"r{tick}"] = made(f"r{tick}", "Running", 0)
            ended = f"r{tick - 20}"
            if ended in runs:
                runs[ended] = made(ended, "Succeeded", 0)
        elif due is None:
            break
        # Each change wakes the Pipeline, and so does the wait that was asked for.
        if tick < 200 or (due is not None and second >= due):
            now = NOW + datetime.timedelta(seconds=second)
            counted = count(status, standing(runs.values()), now)
            due = None if counted.requeue is None else second + counted.requeue
            if counted.status != status:
                status = counted.status
                writes.append(second)
    assert len(writes) <= 20 / 2 + 1
    assert all(later - former >= 2 for former, later in itertools.pairwise(writes))
    assert (status["runs"]["active"], status["runs"]["succeeded"]) == (20, 180)


def pipeline(**limits: int) -> Pipeline:
    """Make a Pipeline with history limits."""
    spec = {"steps": [STEP], **({"historyLimits": limits} if limits else {})}
    return Pipeline.model_validate({"metadata": {"name": "main"}, "spec": spec})


def test_without_limits_all_runs_are_kept() -> None:
    """Nothing is deleted that nobody asked to have deleted."""
    assert too_old(pipeline(), RUNS) == ()


def test_ended_runs_beyond_the_limits_go_the_oldest_first() -> None:
    """By when they ended; by their uid; none that has not ended."""
    chosen = too_old(pipeline(succeeded=1, failed=0), RUNS)
    assert [(ref.kind, ref.namespace, ref.name, ref.uid) for ref in chosen] == [
        (PIPELINE_RUN, "shop", name, f"pipelineruns/shop/{name}") for name in ("a", "c", "d")
    ]


def test_a_run_that_is_being_deleted_takes_no_place() -> None:
    """It is gone soon, and another one need not go for it."""
    gone = made("z", "Succeeded", 9)
    gone["metadata"]["deletionTimestamp"] = stamp(10)
    assert [ref.name for ref in too_old(pipeline(succeeded=1), (*RUNS, *standing([gone])))] == ["a"]


def test_of_very_many_only_some_are_deleted_at_once() -> None:
    """A lowered limit must not keep the operator from everything else."""
    runs = standing(made(f"r{number:03}", "Failed", 0) for number in range(MAX_DELETED + 50))
    chosen = too_old(pipeline(failed=0), runs)
    assert [ref.name for ref in chosen] == [f"r{number:03}" for number in range(MAX_DELETED)]
