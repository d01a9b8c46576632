"""A run from outside: it waits, is stopped, cancelled, suspended, runs out of time, is tidied away."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from fakes.kstatus import CURRENT, FAILED, IN_PROGRESS, kstatus
from stage import model
from stage.kubectl import Kubectl, Object, condition, has_ended, is_reason
from stage.manifests import asking, chain, greeting, resource, run
from stage.release import Release
from stage.space import staffed


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with a stub model and a ready Pool."""
    with staffed(release) as kubectl:
        yield kubectl


def outcome(item: Object) -> tuple[str, str]:
    """Return status and reason of a run's condition Succeeded."""
    found = condition(item, "Succeeded")
    return found["status"], found["reason"]


def step(item: Object, name: str) -> Object:
    """Return what the status of a run says of a step, empty where it says nothing."""
    steps = item.get("status", {}).get("steps", [])
    return next((each for each in steps if each["name"] == name), {})


def is_state(name: str, state: str) -> Any:
    """Say that a step of a run must have a state."""
    return lambda item: step(item, name).get("state") == state


def change(kubectl: Kubectl, name: str, patch: str) -> None:
    """Change a run's spec."""
    kubectl("patch", "drun", name, "--type=merge", "-p", f'{{"spec": {patch}}}')


def slow(name: str, **spec: Any) -> Object:
    """Return a Pipeline whose second step takes half a minute, with a finally step behind it."""
    last = {"name": "last", "template": {"source": "{{ state }}"}, "inputs": {}}
    last["inputs"] = {"state": "$(steps.long.state)"}
    return resource(
        "Pipeline",
        name,
        steps=[
            asking("short", question=f"{name} short"),
            asking("long", question=f"{name} wait=30 $(steps.short.outputs.answer)"),
        ],
        **{"finally": [last]},
        **spec,
    )


def pods(kubectl: Kubectl, name: str) -> list[Object]:
    """Return the pods of a run that have not ended."""
    found = kubectl.list("pods", f"dspex.dev/run={name}")
    return [pod for pod in found if pod["status"]["phase"] not in ("Succeeded", "Failed")]


def test_a_run_waits_for_its_pipeline(shop: Kubectl) -> None:
    """Made first, it says what is missing, is in progress meanwhile, and goes on by itself."""
    shop.apply(run("late", "early-bird", inputs={"name": "world"}))
    waiting = shop.until("drun", "early-bird", is_reason("Succeeded", "MissingReference"))
    assert condition(waiting, "Succeeded")["message"] == "there is no Pipeline late"
    assert outcome(waiting)[0] == "Unknown"
    assert kstatus(waiting) == IN_PROGRESS
    shop.apply(greeting("late"))
    ended = shop.until("drun", "early-bird", has_ended)
    assert outcome(ended) == ("True", "Succeeded")
    assert ended["status"]["outputs"] == {"text": "Hello world!", "score": 1}
    assert kstatus(ended) == CURRENT


def test_stop_lets_finally_run(shop: Kubectl) -> None:
    """The step under way is cancelled, the finally step still runs, and the run has failed."""
    shop.apply(slow("stopping"), run("stopping", "stopped"))
    shop.until("drun", "stopped", is_state("long", "Running"))
    change(shop, "stopped", '{"shutdown": "Stop"}')
    ended = shop.until("drun", "stopped", has_ended, seconds=20)
    assert outcome(ended) == ("False", "Stopped")
    assert (step(ended, "long")["state"], step(ended, "last")["state"]) == (
        "Cancelled",
        "Succeeded",
    )
    assert kstatus(ended) == FAILED


def test_cancel_runs_nothing_more(shop: Kubectl) -> None:
    """The pod goes at once, no finally step runs, and the run is cancelled."""
    shop.apply(slow("cancelling"), run("cancelling", "cancelled"))
    shop.until("drun", "cancelled", is_state("long", "Running"))
    change(shop, "cancelled", '{"shutdown": "Cancel"}')
    ended = shop.until("drun", "cancelled", has_ended, seconds=20)
    assert outcome(ended) == ("False", "Cancelled")
    assert step(ended, "last").get("state") != "Succeeded"
    shop("wait", "--for=delete", "pod", "-l", "dspex.dev/run=cancelled", "--timeout=30s")
    assert kstatus(ended) == FAILED


def test_a_resumed_run_does_not_pay_twice(shop: Kubectl) -> None:
    """Suspended it has no pod and keeps what it has; resumed it asks only what is not answered."""
    shop.apply(
        resource(
            "Pipeline",
            "pausing",
            steps=[
                asking("first", question="pausing first"),
                asking("second", question="pausing wait=3 $(steps.first.outputs.answer)"),
                asking("third", question="pausing third", after=["second"]),
            ],
            outputs=[{"name": "answer", "value": "$(steps.third.outputs.answer)"}],
        ),
        run("pausing", "paused"),
    )
    shop.until("drun", "paused", is_state("second", "Running"))
    change(shop, "paused", '{"suspend": true}')
    held = shop.until("drun", "paused", is_reason("Succeeded", "Suspended"), seconds=45)
    assert pods(shop, "paused") == []
    assert kstatus(held) == IN_PROGRESS
    assert step(held, "first")["state"] == "Succeeded"
    change(shop, "paused", '{"suspend": false}')
    ended = shop.until("drun", "paused", has_ended)
    assert outcome(ended) == ("True", "Succeeded")
    assert ended["status"]["outputs"] == {"answer": "re: pausing third"}
    assert ended["status"]["runner"]["epoch"] == 2
    answered = model.answered(shop)
    assert answered["pausing first"] == 1
    assert answered["pausing third"] == 1


def test_a_run_that_is_made_suspended_does_not_start(shop: Kubectl) -> None:
    """It has no Job until suspend is taken away."""
    shop.apply(greeting("held-back"), run("held-back", "held", inputs={"name": "x"}, suspend=True))
    shop.until("drun", "held", is_reason("Succeeded", "Suspended"))
    assert shop.list("jobs", "dspex.dev/run=held") == []
    change(shop, "held", '{"suspend": null}')
    assert outcome(shop.until("drun", "held", has_ended)) == ("True", "Succeeded")


def test_a_run_whose_pod_a_quota_refuses_says_so(shop: Kubectl) -> None:
    """Its condition tells where the words are; once there is room it goes on by itself."""
    shop.apply(greeting("refused"))
    shop("create", "quota", "full", "--hard=pods=0")
    try:
        shop.apply(run("refused", "no-room", inputs={"name": "world"}))
        waits = shop.until("drun", "no-room", is_reason("Succeeded", "Refused"))
        (job,) = shop.list("jobs", "dspex.dev/run=no-room")
        assert f"describe job {job['metadata']['name']}" in condition(waits, "Succeeded")["message"]
        assert kstatus(waits) == IN_PROGRESS
    finally:
        shop("delete", "quota", "full")
    ended = shop.until("drun", "no-room", has_ended, seconds=180)
    assert outcome(ended) == ("True", "Succeeded")


def test_a_run_ends_at_its_timeout(shop: Kubectl) -> None:
    """The run's own timeout wins over the Pipeline's; finally still runs, within it."""
    shop.apply(slow("timing", timeouts={"total": "10m"}), run("timing", "timed", timeout="3s"))
    ended = shop.until("drun", "timed", has_ended, seconds=20)
    assert outcome(ended) == ("False", "RunTimeout")
    assert step(ended, "long")["state"] == "Cancelled"
    assert step(ended, "last")["state"] == "Succeeded"
    assert kstatus(ended) == FAILED


def test_a_run_is_deleted_when_its_time_has_come(shop: Kubectl) -> None:
    """TtlAfterFinished takes the run away, and Job, pod and plan with it."""
    shop.apply(chain("passing", 1), run("passing", "gone", inputs={"question": "passing"}))
    uid = shop.until("drun", "gone", has_ended)["metadata"]["uid"]
    change(shop, "gone", '{"ttlAfterFinished": "1s"}')
    shop.gone("drun", "gone", seconds=20)
    for kind in ("jobs", "pods", "configmaps"):
        shop("wait", "--for=delete", kind, "-l", f"dspex.dev/run-uid={uid}", "--timeout=30s")
    shop.gone("drundata", f"gone-{uid[-12:]}-0", seconds=30)


def test_only_so_many_runs_go_on_at_a_time(shop: Kubectl) -> None:
    """With maxActiveRuns 1 the others are Queued, and start one after the other, oldest first."""
    limited = chain("single-file", 1, order="wait=1")
    limited["spec"]["maxActiveRuns"] = 1
    shop.apply(limited)
    queue = ["first", "second", "third"]
    shop.apply(run("single-file", "first", inputs={"question": "first"}))
    # Times of creation are in whole seconds, and names decide between runs of the same second: the
    # first one must have its place before the others.
    shop.until("drun", "first", lambda item: "planDigest" in item["status"])
    for name in queue[1:]:
        shop.apply(run("single-file", name, inputs={"question": name}))
        shop.until("drun", name, is_reason("Succeeded", "Queued"))
    waiting = shop.get("drun", "third")
    assert kstatus(waiting) == IN_PROGRESS
    assert "lets 1 run go on" in condition(waiting, "Succeeded")["message"]
    ended = [shop.until("drun", name, has_ended) for name in queue]
    assert {outcome(each) for each in ended} == {("True", "Succeeded")}
    for former, later in itertools.pairwise(ended):
        assert _time(former, "completionTime") <= _time(later, "startTime")


def test_old_runs_are_deleted(shop: Kubectl) -> None:
    """HistoryLimits keep the latest runs that succeeded, and the latest that failed."""
    kept = greeting("forgetful")
    kept["spec"]["historyLimits"] = {"succeeded": 1, "failed": 0}
    kept["spec"]["maxActiveRuns"] = 1
    shop.apply(kept)
    for name, inputs in (("old-1", {"name": "a"}), ("old-2", {"name": "b"}), ("bad", {})):
        shop.apply(run("forgetful", name, inputs=inputs))
    for name in ("old-1", "bad"):
        shop.gone("drun", name)
    assert outcome(shop.until("drun", "old-2", has_ended)) == ("True", "Succeeded")
    counted = shop.until(
        "dpipe", "forgetful", lambda item: item["status"].get("runs", {}).get("succeeded") == 1
    )
    assert counted["status"]["lastRun"]["name"] == "old-2"


def _time(item: Object, name: str) -> datetime:
    return datetime.fromisoformat(item["status"][name])
