"""A run that has ended: settled on its runner's last word, labelled, and deleted in its time."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from dspex.api.base import Condition
from dspex.controllers.decision import Ref
from dspex.controllers.pipelinerun import done
from dspex.controllers.run_view import RunView
from dspex.kube.kind import CONFIG_MAP, PIPELINE_RUN
from fakes.items import Object
from fakes.kstatus import CURRENT, FAILED
from fakes.runs import Runs, plan_of
from fakes.worlds import notes, stamp

LABEL = {"metadata": {"labels": {"dspex.dev/finished": "true"}}}


@pytest.fixture
def runs() -> Runs:
    """Give a namespace with a run whose runner works."""
    return working()


def working(**spec: Any) -> Runs:
    """Make a namespace with a run whose runner works."""
    runs = Runs()
    runs.started(**spec)
    runs.running_pod()
    runs.claim()
    runs.look()
    return runs


def test_a_run_succeeds_by_its_runners_word(runs: Runs) -> None:
    """Its end is the runner's time, not the operator's."""
    digest = runs.status()["planDigest"]
    runs.wait(60)
    ended = runs.time
    runs.last_word(message="three steps")
    runs.wait(5)
    decision = runs.look()
    assert runs.standing() == (CURRENT, "Succeeded", "three steps")
    status = runs.status()
    assert (status["startTime"], status["completionTime"]) == ("2026-11-23T09:00:00Z", ended)
    assert (status["planDigest"], status["message"]) == (digest, "three steps")
    assert status["runner"]["phase"] == "Finished"
    assert notes(decision) == [("Succeeded", False)]
    assert [each.patch for each in decision.change] == [LABEL]
    assert decision.requeue == 0.0


@pytest.mark.parametrize(
    ("state", "reason"),
    [("Failed", "StepsFailed"), ("Failed", "RunTimeout"), ("Cancelled", "Cancelled")],
)
def test_a_run_that_did_not_succeed_has_its_runners_reason(
    runs: Runs, state: str, reason: str
) -> None:
    """It is stalled: nothing will happen any more."""
    runs.last_word(state=state, reason=reason, message="ask failed")
    decision = runs.look()
    assert runs.standing() == (FAILED, reason, "ask failed")
    assert notes(decision) == [(reason, True)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"reason": None}, "Failed"),
        ({"reason": ""}, "Failed"),
        ({"reason": "out of luck"}, "InternalError"),
        ({"reason": None, "state": None}, "InternalError"),
    ],
)
def test_a_word_that_no_condition_can_hold_ends_the_run_all_the_same(
    runs: Runs, said: Object, reason: str
) -> None:
    """A runner of somebody's own may say anything; the run does not go on for ever."""
    runs.last_word(**{"state": "Failed", "message": None, **said})
    runs.look()
    assert runs.standing() == (FAILED, reason, "")
    for each in runs.status()["conditions"]:
        Condition.model_validate(each)


def test_a_word_without_a_time_ends_the_run_now(runs: Runs) -> None:
    """The operator's time is the best that there is."""
    runs.wait(60)
    runs.last_word(completionTime=None)
    runs.look()
    assert runs.status()["completionTime"] == runs.time


def test_a_long_message_has_its_place(runs: Runs) -> None:
    """It is cut, and says so."""
    runs.last_word(state="Failed", reason="StepsFailed", message="x" * 5000)
    runs.look()
    assert len(runs.standing()[2]) == len(runs.status()["message"]) == 4096
    assert runs.standing()[2].endswith("…")


def test_a_word_counts_when_the_plan_is_gone(runs: Runs) -> None:
    """What is known of it stays."""
    digest = runs.status()["planDigest"]
    runs.drop(CONFIG_MAP, plan_of("r-1"))
    runs.last_word()
    runs.look()
    assert runs.standing()[1] == "Succeeded"
    assert runs.status()["planDigest"] == digest


# Afterwards.


def ended(**spec: Any) -> Runs:
    """Make a namespace with a run that has ended."""
    runs = working(**spec)
    runs.last_word()
    runs.look()
    return runs


def test_an_ended_run_is_labelled_and_then_left_alone() -> None:
    """Nobody looks at it any more, whatever its runner writes."""
    runs = ended()
    runs.runner(message="one more word")
    before = runs.get(PIPELINE_RUN, "r-1")
    assert before["metadata"]["labels"] == {"dspex.dev/finished": "true"}
    assert done(before)
    decision = runs.decide()
    assert (decision.status, decision.delete, decision.notes) == (None, (), ())
    assert decision.requeue is None


def test_a_run_that_ended_without_a_runner_is_labelled_too() -> None:
    """It ended before it began."""
    runs = Runs()
    runs.start(shutdown="Cancel")
    runs.look()
    assert not done(runs.get(PIPELINE_RUN, "r-1"))
    runs.look()
    assert done(runs.get(PIPELINE_RUN, "r-1"))


@pytest.mark.parametrize(
    ("labels", "spec", "expected"),
    [
        ({"dspex.dev/finished": "true"}, {}, True),
        ({}, {}, False),
        ({"dspex.dev/finished": "true"}, {"ttlAfterFinished": "1h"}, False),
    ],
)
def test_a_run_is_done_when_nothing_will_ever_be_to_do(
    labels: dict[str, str], spec: Object, expected: bool
) -> None:
    """It ended, is labelled, and stays."""
    runs = ended(**spec)
    item = runs.get(PIPELINE_RUN, "r-1")
    item["metadata"]["labels"] = labels
    assert done(item) is expected


def test_a_label_does_not_make_a_run_done(runs: Runs) -> None:
    """Somebody may give it from the start."""
    runs.change(PIPELINE_RUN, "r-1", **LABEL)
    assert not done(runs.get(PIPELINE_RUN, "r-1"))
    runs.start("r-2")
    assert not done(runs.get(PIPELINE_RUN, "r-2"))


def test_a_run_is_deleted_once_its_time_has_come() -> None:
    """Counted from its end; and only this very run."""
    runs = ended(ttlAfterFinished="1h")
    assert runs.look().requeue == 3600.0
    runs.wait(3599)
    assert runs.look().requeue == 1.0
    runs.wait(1)
    decision = runs.decide()
    uid = runs.get(PIPELINE_RUN, "r-1")["metadata"]["uid"]
    assert decision.delete == (Ref(PIPELINE_RUN, "shop", "r-1", uid),)
    assert decision.change == ()


def test_the_time_of_a_run_may_be_given_and_taken_after_its_end() -> None:
    """It is one of the fields that may change."""
    runs = ended()
    runs.wait(7200)
    runs.edit(ttlAfterFinished="3h")
    assert not done(runs.get(PIPELINE_RUN, "r-1"))
    assert runs.look().requeue == 3600.0
    runs.edit(ttlAfterFinished=None)
    assert runs.look().requeue is None
    runs.edit(ttlAfterFinished="1h")
    assert runs.decide().delete


def test_a_time_that_is_none_keeps_the_run_and_says_so() -> None:
    """The API server's pattern lets more than a year through."""
    runs = working()
    runs.edit(ttlAfterFinished="9000h")
    runs.last_word()
    runs.look()
    assert runs.standing()[1] == "Succeeded"
    decision = runs.look()
    assert decision.delete == ()
    assert notes(decision) == [("RunInvalid", True)]
    words = "spec.ttlAfterFinished: '9000h' is longer than a year (8760h); the run is kept"
    assert decision.notes[0].message == words
    assert runs.get(PIPELINE_RUN, "r-1")["metadata"]["labels"] == LABEL["metadata"]["labels"]


def test_the_age_of_a_run_without_an_end_begins_now() -> None:
    """Its status was written by hand, or by another version."""
    runs = ended(ttlAfterFinished="1h")
    item = runs.get(PIPELINE_RUN, "r-1")
    del item["status"]["completionTime"]
    runs.put(item)
    assert runs.look().requeue == 3600.0
    del item["status"]["runner"]
    runs.put(item)
    runs.wait(600)
    assert runs.look().requeue == 3600.0


# What is read off a run.


def test_a_run_without_a_status_or_a_spec_can_be_looked_at() -> None:
    """As it may come, before the CRD's defaults."""
    view = RunView({"metadata": {"name": "r", "namespace": "shop", "uid": "u"}})
    assert (view.pipeline, view.reason, view.runner) == ("", "", {})
    assert not any([view.claimed, view.frozen, view.ended])
    assert not any([view.suspended, view.cancelled, view.stopped])


def test_a_status_is_carried_over_whole(runs: Runs) -> None:
    """What is left out of an apply is taken away: all that the operator owns is said each time."""
    digest = runs.status()["planDigest"]
    view = RunView(runs.get(PIPELINE_RUN, "r-1"))
    for status, _ in (
        view.active("Unschedulable", "full", runs.now),
        view.finished(False, "StepsFailed", "", runs.now),
    ):
        assert (status["planDigest"], status["startTime"]) == (digest, "2026-11-23T09:00:00Z")
        assert not set(status) & {"runner", "steps", "outputs", "usage"}


def test_a_condition_moves_with_its_status_alone(runs: Runs) -> None:
    """Through all of a run's life."""
    seen: dict[str, tuple[str, str]] = {}
    steps: list[Callable[[], None]] = [
        lambda: runs.pod("p-1", phase="Pending", unschedulable="full"),
        runs.running_pod,
        lambda: runs.edit(suspend=True),
        lambda: runs.edit(suspend=False),
        runs.last_word,
    ]
    for step in steps:
        step()
        runs.wait(60)
        runs.look()
        for each in runs.status()["conditions"]:
            before = seen.get(each["type"])
            now = (each["status"], each["lastTransitionTime"])
            if before is not None and before[0] == now[0]:
                assert before == now
            elif before is not None:
                assert now[1] == stamp(runs.now)
            seen[each["type"]] = now
    assert {kind: state for kind, (state, _) in seen.items()} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Succeeded": "True",
    }
    assert datetime.datetime.fromisoformat(seen["Stalled"][1]) < runs.now
