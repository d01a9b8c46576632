"""A Pool from outside: scaled, changed under load, meddled with, deleted while it is in use."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from fakes.kstatus import CURRENT, FAILED, IN_PROGRESS, kstatus
from stage import model
from stage.kubectl import (
    Kubectl,
    Object,
    condition,
    eventually,
    has_ended,
    is_reason,
    is_true,
)
from stage.manifests import asking, chain, pool, resource, run
from stage.release import Release
from stage.space import staffed

ITEMS = 60
CHILDREN = ("deployment", "service", "serviceaccount", "configmap", "networkpolicy", "pdb")
OF_NAMESPACE = ("serviceaccount", "rolebinding", "configmap")
EDITS: dict[str, Object] = {
    "deployment": {"spec": {"replicas": 3, "revisionHistoryLimit": 5}},
    "service": {"spec": {"selector": {"dspex.dev/pool": "other"}}},
    "serviceaccount": {"automountServiceAccountToken": True},
    "configmap": {"data": {"pool.json": "{}"}},
    "networkpolicy": {"spec": {"ingress": []}},
    "pdb": {"spec": {"maxUnavailable": 0}},
}
"""Of each child a change, by a merge patch."""


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with a stub model and a ready Pool."""
    with staffed(release) as kubectl:
        yield kubectl


def workers(kubectl: Kubectl, name: str) -> list[Object]:
    """Return a Pool's pods that are not on their way out."""
    found = kubectl.list("pods", f"dspex.dev/pool={name}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def child(kubectl: Kubectl, kind: str) -> Object:
    """Return the Pool's child of a kind."""
    [found] = kubectl.list(kind, "dspex.dev/pool=small")
    return found


def meaning(item: Object) -> Any:
    """Return of an object what a person would edit."""
    parts = ("spec", "data", "automountServiceAccountToken", "subjects", "roleRef")
    return {part: item[part] for part in parts if part in item}


def put_back(kubectl: Kubectl, kind: str, former: Object) -> None:
    """Wait until an object is again as it was."""
    name, wanted = former["metadata"]["name"], meaning(former)

    def holds(item: Object) -> bool:
        changed = item["metadata"]["resourceVersion"] != former["metadata"]["resourceVersion"]
        return bool(changed) and meaning(item) == wanted

    kubectl.until(kind, name, holds, seconds=20)


def test_kubectl_scales(shop: Kubectl) -> None:
    """`kubectl scale` gives and takes workers, down to none; status and /scale follow."""
    shop("scale", "dpool", "small", "--replicas=2")
    grown = shop.until("dpool", "small", is_true("Ready"))
    assert (grown["status"]["replicas"], grown["status"]["readyReplicas"]) == (2, 2)
    scale = json.loads(shop("get", "dpool", "small", "--subresource=scale", "-o", "json"))
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (2, 2)
    assert len(shop.list("pods", scale["status"]["selector"])) == 2
    shop("scale", "dpool", "small", "--replicas=0")
    none = shop.until("dpool", "small", is_reason("Ready", "ScaledToZero"))
    assert none["status"]["readyReplicas"] == 0
    assert kstatus(none) == CURRENT
    shop("scale", "dpool", "small", "--replicas=1")
    shop.until("dpool", "small", is_true("Ready"))


@pytest.mark.parametrize("kind", CHILDREN)
def test_an_edited_child_is_put_back(shop: Kubectl, kind: str) -> None:
    """What somebody changes of a Pool's child by hand is as it was soon after."""
    former = child(shop, kind)
    shop("patch", kind, former["metadata"]["name"], "--type=merge", "-p", json.dumps(EDITS[kind]))
    put_back(shop, kind, former)


@pytest.mark.parametrize("kind", CHILDREN)
def test_a_deleted_child_is_put_back(shop: Kubectl, kind: str) -> None:
    """What somebody deletes of a Pool's children is there again soon after."""
    former = child(shop, kind)
    shop("delete", kind, former["metadata"]["name"], "--wait=false")

    def is_new(item: Object) -> bool:
        return bool(item["metadata"]["uid"] != former["metadata"]["uid"])

    made = shop.until(kind, former["metadata"]["name"], is_new, seconds=20)
    assert meaning(made) == meaning(former)
    assert made["metadata"]["ownerReferences"] == former["metadata"]["ownerReferences"]


@pytest.mark.parametrize("kind", OF_NAMESPACE)
def test_what_runners_need_is_put_back(shop: Kubectl, kind: str) -> None:
    """Account, binding and keys of a namespace come back where somebody deletes them."""
    name = "dspex-keys" if kind == "configmap" else "dspex-runner"
    former = shop.get(kind, name)
    shop("delete", kind, name, "--wait=false")
    put_back(shop, kind, former)


def test_the_pool_is_ready_after_all_that(shop: Kubectl) -> None:
    """Its workers answer, and a run succeeds."""
    ready = shop.until("dpool", "small", is_true("Ready"))
    assert kstatus(ready) == CURRENT
    shop.apply(chain("after", 1), run("after", "after", inputs={"question": "after all"}))
    ended = shop.until("drun", "after", has_ended)
    assert condition(ended, "Succeeded")["status"] == "True", ended["status"]


def test_a_changed_spec_rolls_without_dropping_a_call(shop: Kubectl) -> None:
    """Calls are under way all the time: each is made once, and answered, by old or new workers."""
    shop.until("dpool", "small", is_true("Ready"))
    [old] = [pod["metadata"]["name"] for pod in workers(shop, "small")]
    step = asking(question="roll wait=1 $(item)")
    step["forEach"] = {"items": "$(inputs.numbers)", "concurrency": 4}
    numbers = {"name": "numbers", "type": "list[int]"}
    shop.apply(
        resource("Pipeline", "busy", inputs=[numbers], steps=[step]),
        run("busy", "busy", inputs={"numbers": list(range(ITEMS))}),
    )

    def begun(item: Object) -> bool:
        steps = item.get("status", {}).get("steps", [])
        return any(each.get("items", {}).get("succeeded", 0) > 0 for each in steps)

    shop.until("drun", "busy", begun)
    env = {"spec": {"env": [{"name": "COLOUR", "value": "green"}]}}
    shop("patch", "dpool", "small", "--type=merge", "-p", json.dumps(env))
    rolling = shop.until("dpool", "small", is_reason("Ready", "Rolling"))
    assert kstatus(rolling) == IN_PROGRESS
    rolled = shop.until("dpool", "small", is_true("Ready"))
    shop.gone("pod", old)
    ended = shop.until("drun", "busy", has_ended)
    [asked] = ended["status"]["steps"]
    assert (asked["state"], asked["attempts"], asked["items"]["succeeded"]) == (
        "Succeeded",
        ITEMS,
        ITEMS,
    ), asked
    assert asked["worker"] != old
    assert asked["usage"]["calls"] == ITEMS
    answered = model.answered(shop)
    assert [answered[f"roll wait=1 {number}"] for number in range(ITEMS)] == [1] * ITEMS
    assert _time(ended["status"]["completionTime"]) > _time(
        condition(rolled, "Ready")["lastTransitionTime"]
    ), "the run ended before the workers were replaced: it shows nothing"


def test_deleting_a_pool_in_use_ends_the_run(shop: Kubectl) -> None:
    """The call under way is answered; a later one finds no worker, and the run says so."""
    steps = chain("three", 3, order="wait=4", pool="brittle")
    shop.apply(pool("brittle", callTimeout="6s"), steps)
    shop.until("dpool", "brittle", is_true("Ready"))
    shop.apply(run("three", "orphaned", inputs={"question": "orphaned"}))
    eventually(lambda: "1 wait=4 orphaned" in model.asked(shop) or None, 30)
    shop("delete", "dpool", "brittle", "--wait=false")
    shop.until("drun", "orphaned", is_told("Pool brittle is gone"))
    ended = shop.until("drun", "orphaned", has_ended)
    states = {each["name"]: each for each in ended["status"]["steps"]}
    assert states["s1"]["state"] == "Succeeded"
    [failed] = [each for each in states.values() if each["state"] == "Failed"]
    assert failed["error"]["reason"] == "WorkerUnavailable"
    words = condition(ended, "Succeeded")
    assert words["reason"] == "StepsFailed"
    assert "no worker of pool 'brittle' could be reached" in words["message"]
    assert kstatus(ended) == FAILED
    missing = shop.until("dpipe", "three", is_reason("Ready", "MissingReference"))
    assert "there is no Pool brittle" in condition(missing, "Ready")["message"]
    assert kstatus(missing) == IN_PROGRESS


def is_told(words: str) -> Callable[[Object], bool]:
    """Say that a run's message must hold some words."""
    return lambda item: words in item.get("status", {}).get("message", "")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
