"""A run whose pod was deleted, drained or evicted goes on at once, however often that happens."""

from typing import Any

import pytest

from dspex.controllers.decision import Decision
from dspex.controllers.run_progress import LAST_WORD, RENEWAL
from dspex.kube.kind import JOB, POD
from dspex.resources import names
from dspex.runner.session import Result
from fakes.items import Object
from fakes.kstatus import FAILED, IN_PROGRESS
from fakes.pods import container, killed, terminated
from fakes.runs import Runs, job_of
from fakes.worlds import notes

DRAINED: Object = {
    "type": "DisruptionTarget",
    "status": "True",
    "message": "Eviction API: evicting",
}
CHECKPOINTED = container(terminated(Result.CHECKPOINTED), name="runner")


@pytest.fixture
def runs() -> Runs:
    """Give a namespace with a run that the runner of pod p-1 has claimed."""
    made = Runs()
    made.started()
    made.running_pod()
    made.claim()
    made.look()
    return made


def ended(runs: Runs, *states: Object, **given: Any) -> Decision:
    """Have the pod end so, and look at the run."""
    runs.drop(POD, "p-1")
    runs.pod("p-1", *(states or (CHECKPOINTED,)), phase="Failed", **given)
    return runs.look()


def vanished(runs: Runs) -> Decision:
    """Have the pod gone, which the Job has counted, and look at the run."""
    runs.drop(POD, "p-1")
    runs.put({**runs.get(JOB, job_of("r-1")), "status": {"failed": 1}})
    return runs.look()


def job_is_gone(decision: Decision) -> bool:
    """Say whether a decision takes the Job away, and nothing else."""
    return [(each.kind, each.name) for each in decision.delete] == [(JOB, job_of("r-1"))]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"conditions": [DRAINED]}, "p-1 was taken away: Eviction API: evicting"),
        ({"metadata": {"deletionTimestamp": "2026-11-23T09:00:00Z"}}, "p-1 was deleted"),
        ({}, "p-1 was deleted"),
    ],
    ids=["drained", "deleted", "told-to-end"],
)
def test_a_run_whose_pod_was_taken_away_gets_another_job(
    runs: Runs, given: Object, words: str
) -> None:
    """The old Job, which would wait and count, goes; the next look makes the new one."""
    decision = ended(runs, **given)
    assert job_is_gone(decision)
    assert decision.delete[0].uid
    assert runs.standing() == (IN_PROGRESS, "Evicted", f"{words}; another pod takes its place")
    assert notes(decision) == [("Evicted", True)]
    after = runs.look()
    assert [each["kind"] for each in after.create] == ["Job"]
    assert runs.standing()[1] == "Starting"
    assert notes(after) == []


def test_a_pod_that_is_being_taken_away_is_told_of(runs: Runs) -> None:
    """It has its grace, in which the Job stays; one beside it that goes on is what counts."""
    runs.drop(POD, "p-1")
    runs.running_pod(conditions=[DRAINED])
    assert runs.look().delete == ()
    words = "p-1 was taken away: Eviction API: evicting; another pod takes its place"
    assert runs.standing() == (IN_PROGRESS, "Evicted", words)
    runs.running_pod("p-2")
    runs.claim(pod_name="p-2")
    assert runs.look().delete == ()
    assert runs.standing()[1] == "Running"


def test_a_pod_that_ended_by_itself_is_the_jobs_matter(runs: Runs) -> None:
    """A crash, or a lack of memory, counts: the Job waits, and gives up in the end."""
    assert ended(runs, container(killed(), name="runner")).delete == ()
    assert runs.standing()[1] == "OutOfMemory"
    assert ended(runs, container(terminated(1), name="runner")).delete == ()
    assert runs.standing()[1] == "Crashed"


def test_a_pod_that_is_gone_altogether_was_deleted(runs: Runs) -> None:
    """The Job has counted it; before it has, its first pod may be still to come."""
    runs.drop(POD, "p-1")
    assert runs.look().delete == ()
    runs.wait(RENEWAL)
    assert job_is_gone(vanished(runs))
    assert runs.standing()[2] == "its pod was deleted; another pod takes its place"


def test_a_job_whose_pods_are_taken_away_at_once_each_time_is_not_made_anew_without_pause(
    runs: Runs,
) -> None:
    """A pod that never claimed the run shows that something takes them all."""
    runs.runner(podUID="an earlier one")
    for decision in (ended(runs), vanished(runs)):
        assert decision.delete == ()
        assert decision.requeue == RENEWAL
        assert runs.standing()[1] == "Evicted"
    runs.wait(RENEWAL)
    assert job_is_gone(runs.look())


def test_a_job_that_gave_up_over_pods_that_were_taken_away_is_made_anew(runs: Runs) -> None:
    """As it does while no operator looks; one whose last pod crashed has failed."""
    runs.job_condition("Failed", message="Job has reached the specified backoff limit")
    ended(runs)
    runs.wait(LAST_WORD)
    assert job_is_gone(runs.look())
    runs.look()
    assert runs.standing()[0] == IN_PROGRESS
    ended(runs, container(killed(), name="runner"))
    runs.job_condition("Failed", message="Job has reached the specified backoff limit")
    runs.wait(LAST_WORD)
    runs.look()
    assert runs.standing()[:2] == (FAILED, "OutOfMemory")


@pytest.mark.parametrize("spec", [{"suspend": True}, {"shutdown": "Cancel"}])
def test_a_run_that_is_held_or_ends_needs_no_other_pod(runs: Runs, spec: Object) -> None:
    """Its pod was taken away on purpose."""
    runs.edit(**spec)
    assert ended(runs).delete == ()


def test_a_run_that_ended_well_needs_no_other_pod(runs: Runs) -> None:
    """Whatever came after: the Job is about to be complete."""
    runs.pod("p-2", container(terminated(0, "Completed"), name="runner"), phase="Succeeded")
    assert ended(runs).delete == ()


def test_the_runners_word_for_it_is_known() -> None:
    """The exit status by which the operator tells that a runner was told to end is the runner's."""
    assert int(Result.CHECKPOINTED) == names.CHECKPOINTED
