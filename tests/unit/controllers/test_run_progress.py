"""A run that has a Job: how its pod stands, and what is done where no runner speaks."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from dspex.controllers.decision import Ref
from dspex.controllers.run_progress import AT_WORK, LAST_WORD, LOST, OVERTIME, PODLESS
from dspex.kube.kind import CONFIG_MAP, JOB, PIPELINE, POD, POOL, SECRET
from fakes.items import Object
from fakes.kstatus import FAILED, IN_PROGRESS
from fakes.pods import container, killed, terminated, waiting
from fakes.runs import MESSAGE, Runs, job_of, made, plan_of
from fakes.worlds import notes, stamp

STARTS = (IN_PROGRESS, "Starting", "its pod starts")


@pytest.fixture
def runs() -> Runs:
    """Give a namespace with a run that has its Job."""
    made = Runs()
    made.started()
    return made


def run_on(runs: Runs, pod: str = "p-1") -> None:
    """Bring the run so far that its runner works."""
    runs.running_pod(pod)
    runs.claim(pod_name=pod)
    runs.look()


# How its pod stands.


def test_a_run_starts_until_its_pod_has_claimed_it(runs: Runs) -> None:
    """No pod yet, a pod that is made, one that runs: one message, so one write."""
    before = runs.status()
    steps: list[Callable[[], None]] = [
        lambda: None,
        lambda: runs.pod("p-1", container(waiting("ContainerCreating")), phase="Pending"),
        runs.running_pod,
    ]
    for step in steps:
        step()
        runs.wait(1)
        decision = runs.look()
        assert runs.standing() == STARTS
        assert runs.status() == before
        assert decision.notes == ()


def test_a_job_that_gets_no_pod_tells_where_to_look(runs: Runs) -> None:
    """A quota refuses it: after a while the run says so, and by itself; a pod ends that."""
    assert runs.look().requeue == pytest.approx(PODLESS)
    assert runs.standing() == STARTS
    runs.wait(PODLESS)
    decision = runs.look()
    status, reason, message = runs.standing()
    assert (status, reason) == (IN_PROGRESS, "Refused")
    assert f"describe job {job_of('r-1')}" in message
    assert notes(decision) == [("Refused", True)]
    runs.pod("p-1", container(waiting("ContainerCreating")), phase="Pending")
    runs.look()
    assert runs.standing() == STARTS


def test_a_job_that_was_held_has_its_time_from_then_on(runs: Runs) -> None:
    """A resumed run is not refused because it was made long ago."""
    runs.wait(PODLESS * 10)
    runs.job_condition("Suspended", "False")
    runs.look()
    assert runs.standing() == STARTS


def test_a_run_runs_once_a_pod_has_claimed_it(runs: Runs) -> None:
    """It has its start from its runner."""
    runs.running_pod()
    runs.wait(5)
    runs.claim()
    decision = runs.look()
    assert runs.standing() == (IN_PROGRESS, "Running", AT_WORK)
    assert runs.status()["startTime"] == runs.time
    assert notes(decision) == [("Running", False)]


@pytest.mark.parametrize(
    ("containers", "given", "reason", "words"),
    [
        ((), {"phase": "Pending", "unschedulable": "0/3 nodes"}, "Unschedulable", "p-1: 0/3 nodes"),
        (
            (container(waiting("ErrImagePull", "gone"), image="o:1"),),
            {"phase": "Pending"},
            "ImageUnavailable",
            "p-1: o:1: ErrImagePull: gone",
        ),
        (
            (container(waiting("CreateContainerConfigError", "no account")),),
            {"phase": "Pending"},
            "ContainerConfig",
            "p-1: no account",
        ),
    ],
)
def test_a_pod_in_trouble_says_why_its_run_waits(
    runs: Runs, containers: tuple[Object, ...], given: Object, reason: str, words: str
) -> None:
    """It goes on by itself once that is mended."""
    runs.pod("p-1", *containers, **given)
    decision = runs.look()
    assert runs.standing() == (IN_PROGRESS, reason, words)
    assert notes(decision) == [(reason, True)]
    runs.running_pod()
    runs.look()
    assert runs.standing() == STARTS


@pytest.mark.parametrize(
    ("state", "given", "reason", "words"),
    [
        (terminated(1, message="no"), {}, "Crashed", "p-1: ended with exit status 1: no"),
        (killed(), {}, "OutOfMemory", "p-1: killed for using more memory than its limit (exit status 137)"),
        (terminated(137), {"reason": "Evicted", "message": "low on disk"}, "Evicted", "p-1: low on disk"),
    ],
)  # fmt: skip
def test_a_pod_that_is_lost_is_told_until_another_one_is_there(
    runs: Runs, state: Object, given: Any, reason: str, words: str
) -> None:
    """The next one starts, claims, and goes on."""
    run_on(runs)
    runs.pod("p-1", container(state), phase="Failed", **given)
    runs.look()
    assert runs.standing() == (IN_PROGRESS, reason, f"{words}; another pod takes its place")
    runs.wait(10)
    runs.pod("p-2", container(waiting("ContainerCreating")), phase="Pending")
    runs.look()
    assert runs.standing() == STARTS
    runs.running_pod("p-2")
    runs.look()
    assert runs.standing() == STARTS
    runs.claim(pod_name="p-2")
    runs.look()
    assert runs.standing()[1] == "Running"


def test_of_several_lost_pods_the_last_one_is_told(runs: Runs) -> None:
    """The others were replaced already."""
    runs.pod("p-2", container(terminated(2)), phase="Failed", created="2026-11-23T09:05:00Z")
    runs.pod("p-1", container(terminated(1)), phase="Failed", created="2026-11-23T09:00:00Z")
    runs.look()
    assert runs.standing()[2].startswith("p-2: ended with exit status 2")


def test_a_pod_that_vanished_is_waited_for_anew(runs: Runs) -> None:
    """Its node was deleted, and nothing is left that could say why."""
    run_on(runs)
    runs.drop(POD, "p-1")
    runs.look()
    assert runs.standing() == STARTS


def test_pods_of_a_job_that_was_replaced_say_nothing_of_the_new_one(runs: Runs) -> None:
    """They are collected a while after their Job is: the new Job is not taken away for them."""
    run_on(runs)
    gone = {"deletionTimestamp": runs.time}
    runs.pod("p-1", container(terminated(3), name="runner"), phase="Failed", metadata=gone)
    assert [each.kind for each in runs.look().delete] == [JOB]
    runs.look()
    assert runs.has(JOB, job_of("r-1"))
    decision = runs.look()
    assert decision.delete == ()
    assert runs.standing() == STARTS


def test_a_job_that_failed_ends_its_run_though_its_pods_were_tidied_away(runs: Runs) -> None:
    """Nobody knows then how they ended; it does not begin again and again."""
    runs.put({**runs.get(JOB, job_of("r-1")), "status": {"failed": 7}})
    runs.job_condition("Failed", message="Job has reached the specified backoff limit")
    runs.wait(LAST_WORD)
    decision = runs.look()
    assert decision.delete == ()
    assert runs.standing()[:2] == (FAILED, "RunnerFailed")


def test_a_pod_of_another_run_is_not_looked_at(runs: Runs) -> None:
    """Pods are found by the run's uid."""
    runs.started("r-2")
    runs.pod("other", container(terminated(1)), run="r-2")
    runs.look()
    assert runs.standing() == STARTS


def test_the_end_of_a_pod_says_nothing_before_the_last_word_is_seen(runs: Runs) -> None:
    """Both come by different watches: the run does not start anew at its end."""
    run_on(runs)
    runs.pod("p-1", container(terminated(0, "Completed")), phase="Succeeded")
    decision = runs.look()
    assert (decision.status, decision.notes) == (None, ())
    assert runs.standing()[1] == "Running"


# The Pools that it calls.


def test_pools_that_do_not_answer_are_named_while_the_run_goes_on(runs: Runs) -> None:
    """Its steps wait for them, up to their timeouts."""
    run_on(runs)
    ready = {"type": "Ready", "status": "False", "reason": "Unschedulable"}
    stalled = {"type": "Stalled", "status": "False", "reason": "Unschedulable"}
    runs.change(POOL, "small", status={"conditions": [stalled, ready]})
    decision = runs.look()
    words = "Pool small is not ready: Unschedulable"
    assert runs.standing() == (IN_PROGRESS, "Running", words)
    assert decision.notes == ()
    runs.change(POOL, "small", status={"conditions": [{**ready, "status": "True"}]})
    runs.look()
    assert runs.standing() == (IN_PROGRESS, "Running", AT_WORK)
    runs.drop(POOL, "small")
    runs.look()
    assert runs.standing() == (IN_PROGRESS, "Running", "Pool small is gone")


# The Secrets that it mounts.


def test_a_secret_that_is_gone_before_the_pod_could_start_is_told() -> None:
    """The kubelet waits for it, and the pod's status says nothing of it."""
    runs = Runs()
    token = {"name": "token", "type": "str", "sensitive": True}
    runs.pipeline(inputs=[MESSAGE, token])
    runs.secret("llm", token="t")
    runs.started(inputsFrom=[{"secretRef": {"name": "llm"}}])
    runs.look()
    assert runs.standing() == STARTS
    runs.source(SECRET, "llm", None)
    runs.look()
    words = "there is no Secret llm (spec.inputsFrom)"
    assert runs.standing() == (IN_PROGRESS, "ContainerConfig", words)
    runs.secret("llm", other="t")
    runs.look()
    words = "there is no key 'token' of Secret llm (spec.inputsFrom)"
    assert runs.standing() == (IN_PROGRESS, "ContainerConfig", words)
    runs.secret("llm", token="t")
    runs.look()
    assert runs.standing() == STARTS
    run_on(runs)
    runs.source(SECRET, "llm", None)
    runs.look()
    assert runs.standing()[1] == "Running"


# Suspend and resume.


def test_a_run_is_suspended_and_goes_on(runs: Runs) -> None:
    """Its Job is too; first its pod winds up; what it has done stays."""
    run_on(runs)
    runs.edit(suspend=True)
    runs.look()
    assert runs.suspended()
    assert runs.standing() == (IN_PROGRESS, "Ending", "its pod winds up")
    runs.drop(POD, "p-1")
    runs.job_condition("Suspended")
    runs.look()
    assert runs.standing() == (IN_PROGRESS, "Suspended", "spec.suspend holds it")
    runs.edit(suspend=False)
    runs.look()
    assert not runs.suspended()
    assert runs.standing() == STARTS
    run_on(runs, "p-2")
    assert runs.standing()[1] == "Running"
    assert runs.status()["runner"]["epoch"] == 2


def test_a_job_that_somebody_suspended_goes_on(runs: Runs) -> None:
    """The run's word counts, not the Job's."""
    runs.change(JOB, job_of("r-1"), spec={"suspend": True})
    runs.look()
    assert not runs.suspended()


# Cancel and Stop.


def test_a_run_that_is_cancelled_before_the_claim_ends_with_its_pod(runs: Runs) -> None:
    """No runner would say a last word."""
    runs.running_pod()
    runs.edit(shutdown="Cancel")
    decision = runs.look()
    assert runs.suspended()
    assert runs.standing() == (IN_PROGRESS, "Ending", "its pod winds up")
    assert decision.requeue is None
    runs.drop(POD, "p-1")
    runs.look()
    assert runs.standing()[1] == "Ending"
    runs.job_condition("Suspended")
    decision = runs.look()
    assert runs.standing() == (FAILED, "Cancelled", "cancelled; no step had begun")
    assert decision.requeue == 0.0


def test_a_run_that_is_stopped_before_the_claim_ends_with_its_pod(runs: Runs) -> None:
    """Nothing had begun that finally steps could tidy up."""
    runs.edit(shutdown="Stop")
    runs.job_condition("Suspended")
    runs.look()
    assert runs.standing() == (FAILED, "Stopped", "stopped; no step had begun")


def test_a_run_that_is_stopped_ends_by_its_runners_word(runs: Runs) -> None:
    """Its Job is left alone: the finally steps run."""
    run_on(runs)
    runs.edit(shutdown="Stop")
    runs.look()
    assert not runs.suspended()
    assert runs.standing()[1] == "Running"


def test_a_cancelled_run_leaves_its_runner_the_time_for_a_last_word(runs: Runs) -> None:
    """Without one it ends as cancelled all the same."""
    run_on(runs)
    runs.edit(shutdown="Cancel")
    runs.look()
    runs.drop(POD, "p-1")
    runs.job_condition("Suspended")
    decision = runs.look()
    assert (decision.status, decision.requeue) == (None, LAST_WORD)
    runs.wait(LAST_WORD - 1)
    assert runs.look().requeue == 1.0
    runs.wait(1)
    runs.look()
    words = "cancelled; its runner has not said how far it came"
    assert runs.standing() == (FAILED, "Cancelled", words)


def test_a_run_that_is_cancelled_while_it_is_suspended_ends_at_once(runs: Runs) -> None:
    """Its pod is long gone."""
    run_on(runs)
    runs.edit(suspend=True)
    runs.drop(POD, "p-1")
    runs.job_condition("Suspended")
    runs.look()
    runs.wait(3600)
    runs.edit(shutdown="Cancel")
    runs.look()
    assert runs.standing()[:2] == (FAILED, "Cancelled")
    assert runs.suspended()


@pytest.mark.parametrize("end", ["Complete", "Failed"])
def test_a_run_that_is_cancelled_when_its_job_is_over_ends(runs: Runs, end: str) -> None:
    """Such a Job is never said to be suspended."""
    run_on(runs)
    runs.pod("p-1", container(terminated(1)), phase="Failed")
    runs.job_condition("Suspended", "False")
    runs.job_condition(end)
    runs.edit(shutdown="Cancel")
    assert runs.look().requeue == LAST_WORD
    runs.wait(LAST_WORD)
    runs.look()
    assert runs.standing()[:2] == (FAILED, "Cancelled")


def test_a_cancelled_run_does_not_wait_for_a_pod_of_a_lost_node(runs: Runs) -> None:
    """It would never end: nobody is there who could say that it has."""
    run_on(runs)
    runs.edit(shutdown="Cancel")
    runs.look()
    gone = runs.now + datetime.timedelta(seconds=20)
    runs.running_pod(metadata={"deletionTimestamp": stamp(gone)})
    runs.job_condition("Suspended")
    assert runs.look().requeue == 20 + LOST
    assert runs.standing()[1] == "Ending"
    runs.wait(20 + LOST)
    runs.look()
    assert runs.standing()[:2] == (FAILED, "Cancelled")


# A Job that is over without a last word.


def test_a_job_that_failed_ends_its_run_with_the_last_pods_words(runs: Runs) -> None:
    """After a while in which the word may still come."""
    run_on(runs)
    runs.pod("p-1", container(terminated(1, message="bad")), phase="Failed")
    runs.wait(10)
    runs.pod("p-2", container(terminated(2, message="worse")), phase="Failed")
    runs.job_condition("Failed", message="Job has reached the specified backoff limit")
    decision = runs.look()
    assert (decision.status, decision.requeue) == (None, LAST_WORD)
    runs.wait(LAST_WORD)
    decision = runs.look()
    words = "Job has reached the specified backoff limit; last: ended with exit status 2: worse"
    assert runs.standing() == (FAILED, "RunnerFailed", words)
    assert decision.requeue == 0.0
    assert notes(decision) == [("RunnerFailed", True)]


@pytest.mark.parametrize(
    ("pods", "message", "words"),
    [
        ([], "", "its Job failed"),
        ([], "too slow", "too slow"),
        ([{"phase": "Failed"}], "too slow", "too slow"),
        ([{"phase": "Failed", "reason": "Evicted", "message": "low"}], "no", "no; last: p-1: low"),
    ],
)
def test_a_job_that_failed_is_told_as_far_as_it_is_known(
    runs: Runs, pods: list[Any], message: str, words: str
) -> None:
    """Its pods may be gone, or have nothing to say."""
    for given in pods:
        runs.pod("p-1", **given)
    runs.job_condition("Failed", message=message)
    runs.wait(LAST_WORD)
    runs.look()
    assert runs.standing() == (FAILED, "RunnerFailed", words)


def test_a_run_whose_pods_run_out_of_memory_ends_so(runs: Runs) -> None:
    """One raises a limit then, and reads no log."""
    runs.pod("p-1", container(killed()), phase="Failed")
    runs.job_condition("Failed", message="backoff limit")
    runs.wait(LAST_WORD)
    runs.look()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "OutOfMemory")
    assert message.startswith("backoff limit; last: killed for using more memory")


def test_a_job_that_is_complete_without_a_last_word_ends_its_run(runs: Runs) -> None:
    """The runner says one before it ends well: it was lost."""
    run_on(runs)
    runs.pod("p-1", container(terminated(0, "Completed")), phase="Succeeded")
    runs.job_condition("SuccessCriteriaMet")
    runs.job_condition("Complete")
    assert runs.look().requeue == LAST_WORD
    runs.wait(LAST_WORD)
    runs.look()
    words = "its pod ended, and no word of the run's end came"
    assert runs.standing() == (FAILED, "RunnerLost", words)


def test_a_condition_that_is_not_true_is_none(runs: Runs) -> None:
    """A Job that has not failed says so too."""
    runs.job_condition("Failed", "False")
    runs.look()
    assert runs.standing() == STARTS


def test_the_last_word_counts_even_after_the_job_failed(runs: Runs) -> None:
    """It came while nobody looked."""
    run_on(runs)
    runs.job_condition("Failed", message="no")
    runs.last_word()
    runs.look()
    assert runs.standing()[1] == "Succeeded"


# Time.


def timed(**spec: Any) -> Runs:
    """Give a run that may take ten minutes."""
    runs = Runs()
    runs.started(timeout="10m", **spec)
    return runs


def test_a_run_is_ended_a_while_after_its_time(runs: Runs) -> None:
    """Its runner has not: without its Job none can begin anew."""
    runs = timed()
    run_on(runs)
    assert runs.decide().requeue == 600 + OVERTIME
    runs.wait(600 + OVERTIME - 1)
    assert runs.look().requeue == 1.0
    assert runs.standing()[1] == "Running"
    runs.wait(1)
    decision = runs.look()
    words = "it ran out of time (10m), and its runner did not say so"
    assert runs.standing() == (FAILED, "RunTimeout", words)
    assert [(each.kind, each.name) for each in decision.delete] == [(JOB, job_of("r-1"))]
    assert decision.requeue == 0.0
    assert runs.status()["planDigest"]


def test_the_time_of_a_run_that_never_began_counts_from_its_job(runs: Runs) -> None:
    """With what kept it from beginning."""
    runs = timed()
    runs.pod("p-1", phase="Pending", unschedulable="0/3 nodes")
    runs.wait(600 + OVERTIME)
    decision = runs.look()
    words = "it ran out of time (10m), and its runner did not say so: p-1: 0/3 nodes"
    assert runs.standing() == (FAILED, "RunTimeout", words)
    uid = decision.delete[0].uid
    assert uid
    assert decision.delete == (Ref(JOB, "shop", job_of("r-1"), uid),)


def test_a_run_without_a_timeout_goes_on(runs: Runs) -> None:
    """For ever, if need be; but never without a reason."""
    runs.pod("p-1", phase="Pending", unschedulable="0/3 nodes")
    runs.wait(1e7)
    assert runs.look().requeue is None
    assert runs.standing()[1] == "Unschedulable"


def test_a_suspended_run_is_not_ended_for_its_time(runs: Runs) -> None:
    """It has no runner that could."""
    runs = timed()
    run_on(runs)
    runs.edit(suspend=True)
    runs.drop(POD, "p-1")
    runs.job_condition("Suspended")
    runs.wait(7200)
    assert runs.look().requeue is None
    assert runs.standing()[1] == "Suspended"


def test_a_run_that_goes_on_after_its_time_ends_by_its_runners_word(runs: Runs) -> None:
    """Its next pod is let come, so that the finally steps run."""
    runs = timed()
    run_on(runs)
    runs.edit(suspend=True)
    runs.drop(POD, "p-1")
    runs.job_condition("Suspended")
    runs.look()
    runs.wait(7200)
    runs.edit(suspend=False)
    assert runs.look().requeue is None
    assert runs.standing() == STARTS
    runs.job_condition("Suspended", "False")
    runs.pod("p-2", phase="Pending")
    assert runs.look().requeue == OVERTIME
    runs.wait(OVERTIME)
    runs.look()
    assert runs.standing()[:2] == (FAILED, "RunTimeout")


def test_a_run_that_was_held_before_it_began_has_all_its_time(runs: Runs) -> None:
    """Its time begins with its first step."""
    runs = timed()
    runs.edit(suspend=True)
    runs.job_condition("Suspended")
    runs.look()
    runs.wait(7200)
    runs.edit(suspend=False)
    runs.job_condition("Suspended", "False")
    runs.pod("p-1", phase="Pending")
    assert runs.look().requeue == 600 + OVERTIME


# The plan.


def test_a_plan_that_somebody_deleted_is_put_back(runs: Runs) -> None:
    """No further pod could start without it: the same one, to the byte."""
    runs.start("r-2")
    before = made(runs.decide("r-2"), CONFIG_MAP)
    runs.look("r-2")
    runs.drop(CONFIG_MAP, plan_of("r-2"))
    decision = runs.look("r-2")
    assert decision.create == (before,)
    runs.look("r-2")
    assert runs.standing("r-2") == STARTS


@pytest.mark.parametrize("gone", ["changed", "pipeline", "wrong"])
def test_a_plan_that_can_not_be_put_back_ends_a_run_once_its_pod_is_gone(
    runs: Runs, gone: str
) -> None:
    """The pod that has read it goes on; the next one could not start."""
    run_on(runs)
    digest = runs.status()["planDigest"]
    runs.drop(CONFIG_MAP, plan_of("r-1"))
    if gone == "changed":
        runs.pipeline(concurrency=2)
    elif gone == "pipeline":
        runs.drop(PIPELINE, "main")
    else:
        runs.edit(timeout="tomorrow")
    runs.look()
    assert runs.standing()[1] == "Running"
    assert runs.status()["planDigest"] == digest
    runs.drop(POD, "p-1")
    decision = runs.look()
    assert runs.standing()[:2] == (FAILED, "PlanLost")
    assert runs.status()["planDigest"] == digest
    assert [each.name for each in decision.delete] == [job_of("r-1")]


def test_another_plan_does_not_go_to_a_job_that_was_made_for_the_former(runs: Runs) -> None:
    """Its pods have tokens for the former plan's Pools alone."""
    runs.drop(CONFIG_MAP, plan_of("r-1"))
    runs.pipeline(concurrency=2)
    assert runs.look().create == ()
    assert runs.standing()[:2] == (FAILED, "PlanLost")


# What stays.


def test_a_digest_that_was_never_written_is(runs: Runs) -> None:
    """The operator ended between the Job and the status; however the run goes on."""
    for ask in ("nothing", "cancel", "fail", "finish"):
        name = f"r-{ask}"
        runs.start(name)
        for each in runs.decide(name).create:
            runs.put(each)
        if ask == "cancel":
            runs.edit(name, shutdown="Cancel")
        if ask == "fail":
            runs.job_condition("Failed", run=name)
            runs.wait(LAST_WORD)
        if ask == "finish":
            runs.last_word(name)
        runs.look(name)
        assert runs.status(name)["planDigest"] == runs.status("r-1")["planDigest"]


def scene(runs: Runs, name: str) -> None:
    """Bring the run to a state."""
    match name:
        case "starting":
            runs.running_pod()
        case "running":
            run_on(runs)
        case "unschedulable":
            runs.pod("p-1", phase="Pending", unschedulable="0/3 nodes")
        case "replaced":
            run_on(runs)
            runs.pod("p-1", container(killed()), phase="Failed")
        case "suspended":
            run_on(runs)
            runs.drop(POD, "p-1")
            runs.edit(suspend=True)
        case "ending":
            run_on(runs)
            runs.edit(shutdown="Cancel")
        case "awaiting":
            run_on(runs)
            runs.drop(POOL, "small")
        case _:
            raise AssertionError(name)


@pytest.mark.parametrize(
    "name",
    ["starting", "running", "unschedulable", "replaced", "suspended", "ending", "awaiting"],
)
def test_looking_again_changes_nothing(runs: Runs, name: str) -> None:
    """The same status to the letter; digest and start are in it, no time has moved."""
    scene(runs, name)
    runs.look()
    before = {key: part for key, part in runs.status().items() if key != "runner"}
    runs.wait(60)
    again = runs.look()
    assert again.status == before
    assert again.notes == ()
    assert "planDigest" in before
    assert ("startTime" in before) is (name not in ("starting", "unschedulable"))
    assert {each["lastTransitionTime"] for each in before["conditions"]} == {"2026-11-23T09:00:00Z"}


def test_what_is_read_wakes_the_run(runs: Runs) -> None:
    """Its Job, its pods, its plan, the Pools that it calls."""
    run_on(runs)
    assert runs.awake(JOB, job_of("r-1")) == {"r-1"}
    assert runs.awake(POD, "p-1") == {"r-1"}
    assert runs.awake(CONFIG_MAP, plan_of("r-1")) == {"r-1"}
    assert runs.awake(POOL, "small") == {"r-1"}
