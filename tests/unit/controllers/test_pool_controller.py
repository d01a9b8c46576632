"""Pools: their workers are made and kept, and status says how they are."""

import dataclasses
import datetime
from typing import Any

import pytest

from dspex.api.base import Condition
from dspex.api.conditions import EPOCH, pending
from dspex.api.pool import PoolStatus
from dspex.controllers import pool as controller
from dspex.controllers.decision import NOTHING, Decision
from dspex.controllers.events import WINDOW
from dspex.controllers.key import Key
from dspex.controllers.settings import Settings
from dspex.controllers.world import Unread
from dspex.kube.kind import DEPLOYMENT, POD, POOL, SECRET, Kind
from dspex.resources import names
from dspex.resources.pool_children import PoolSettings
from fakes.cluster_objects import SETTINGS
from fakes.items import Object, item
from fakes.kstatus import CURRENT, FAILED, IN_PROGRESS, TERMINATING, kstatus
from fakes.pods import RUNNING, container, killed, pod, terminated, waiting
from fakes.worlds import NAMESPACE, Desk, condition, notes, stamp, uid_of, unchanged

CHILD = names.child_name("small", uid_of(POOL, "small"))
LABELS = {
    names.NAME_LABEL: names.WORKER,
    names.INSTANCE_LABEL: CHILD,
    names.POOL_LABEL: "small",
}
VERSION = {"ready": True, "version": "1.2.3"}


class Pools(Desk):
    """A Pool named small, as the cluster and its operator leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = SETTINGS

    def make(self, **spec: Any) -> Object:
        """Apply the Pool; a spec that is there is replaced."""
        made = {"model": {"name": "openai/gpt-4o-mini"}, **spec}
        status = self.get(POOL, "small").get("status") if self.has(POOL, "small") else None
        created = {"conditions": [each.to_json() for each in pending()]}
        return self.put(item(POOL, "small", version=0, spec=made, status=status or created))

    def decide(self) -> Decision:
        """Look at the Pool."""

        def ask(found: Object, world: Any, now: datetime.datetime) -> Decision:
            return controller.decide(self.settings, found, world, now)

        return self.ask(ask, self.get(POOL, "small"))

    def look(self) -> Decision:
        """Look at the Pool, and do what follows; what was decided fits the kind."""
        decision = self.decide()
        self.do(self.get(POOL, "small"), decision)
        PoolStatus.model_validate(decision.status, by_alias=True)
        return decision

    def deployment(
        self, *, replicas: int, ready: int, updated: int | None = None, behind: int = 0, **more: Any
    ) -> None:
        """Have the Deployment's own controller say how it is."""
        there = self.get(DEPLOYMENT, CHILD)
        self.put(
            {
                **there,
                "status": {
                    "observedGeneration": there["metadata"]["generation"] - behind,
                    "replicas": replicas,
                    "readyReplicas": ready,
                    "updatedReplicas": replicas if updated is None else updated,
                    **more,
                },
            }
        )

    def worker_pod(self, name: str, *containers: Object, **given: Any) -> None:
        """Have a pod of the Pool there."""
        given.setdefault("labels", LABELS)
        self.put(pod(name, *containers, **given))

    def ready_pod(self, name: str, ip: str, **given: Any) -> None:
        """Have a ready pod there."""
        self.worker_pod(name, container(RUNNING, ready=True, **given), podIP=ip)

    @property
    def status(self) -> Object:
        """The Pool's status."""
        found: Object = self.get(POOL, "small")["status"]
        return found

    @property
    def standing(self) -> tuple[str, str, str]:
        """What kstatus says, and reason and message of Ready."""
        ready = condition(self.status, "Ready")
        return kstatus(self.get(POOL, "small")), ready["reason"], ready["message"]


@pytest.fixture
def pools() -> Pools:
    """Give a desk for a Pool that is not there yet."""
    return Pools()


def ready(pools: Pools, count: int = 1, **spec: Any) -> None:
    """Bring the Pool so far that its workers answer."""
    pools.make(replicas=count, **spec)
    pools.look()
    pools.deployment(replicas=count, ready=count)
    pools.look()


# Children.


def test_all_that_a_pool_owns_is_applied(pools: Pools) -> None:
    """The Deployment comes last: its pods mount and use the others."""
    pools.make()
    kinds = [each["kind"] for each in pools.decide().apply]
    assert sorted(kinds[:-1]) == [
        "ConfigMap",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]
    assert kinds[-1] == "Deployment"


def test_a_pool_that_is_deleted_gets_nothing_new(pools: Pools) -> None:
    """Deleted in the foreground, its children go first: they must not come back."""
    pools.make()
    pools.look()
    pools.change(POOL, "small", metadata={"deletionTimestamp": stamp(pools.now)})
    assert pools.decide() is NOTHING
    assert kstatus(pools.get(POOL, "small")) == TERMINATING


def test_the_operators_settings_reach_the_children() -> None:
    """Images, pull policy, and from where the operator may ask the workers."""
    given = Settings(
        identity="pod-1",
        namespace="dspex-system",
        worker_image="w:1",
        embedded_image="e:1",
        pull_policy="Always",
    )
    assert controller.pool_settings(given) == PoolSettings(
        worker_image="w:1",
        embedded_image="e:1",
        pull_policy="Always",
        operator_namespace="dspex-system",
    )


# How the workers are.


def test_a_new_pool_starts(pools: Pools) -> None:
    """Before there is any Deployment, nothing is ready; and that is no fault."""
    pools.make(replicas=2)
    decision = pools.look()
    assert pools.standing == (IN_PROGRESS, "Starting", "0 of 2 workers ready")
    assert notes(decision) == [("Starting", False)]
    assert (pools.status["replicas"], pools.status["readyReplicas"]) == (0, 0)


def test_a_pool_is_ready_when_all_its_workers_are(pools: Pools) -> None:
    """Not with some of them; and status counts them."""
    pools.make(replicas=2)
    pools.look()
    pools.deployment(replicas=2, ready=1)
    pools.look()
    assert pools.standing == (IN_PROGRESS, "Starting", "1 of 2 workers ready")
    pools.deployment(replicas=2, ready=2)
    decision = pools.look()
    assert pools.standing == (CURRENT, "WorkersReady", "2 of 2 workers ready")
    assert notes(decision) == [("WorkersReady", False)]
    assert (pools.status["replicas"], pools.status["readyReplicas"]) == (2, 2)


def test_one_worker_is_not_spoken_of_as_several(pools: Pools) -> None:
    """The message is for people."""
    ready(pools)
    assert pools.standing == (CURRENT, "WorkersReady", "1 of 1 worker ready")


def test_a_deployment_that_its_controller_has_not_seen_is_not_believed(pools: Pools) -> None:
    """Its status speaks of a former generation."""
    pools.make()
    pools.look()
    pools.deployment(replicas=1, ready=1, behind=1)
    pools.look()
    assert pools.standing[0] == IN_PROGRESS


def test_a_changed_spec_is_not_ready_before_its_workers_are(pools: Pools) -> None:
    """The former workers' Deployment is ready still when the new spec is first looked at."""
    ready(pools, 2)
    pools.make(replicas=2, callTimeout="10s")
    pools.look()
    assert pools.standing == (IN_PROGRESS, "Rolling", "2 of 2 workers ready")


def test_more_replicas_are_not_ready_before_they_are(pools: Pools) -> None:
    """The Deployment of before has all that it was to have."""
    ready(pools, 1)
    pools.make(replicas=3)
    pools.look()
    assert pools.standing == (IN_PROGRESS, "Starting", "1 of 3 workers ready")


def test_fewer_replicas_are_in_progress_until_the_others_are_gone(pools: Pools) -> None:
    """No more workers are counted than are wanted."""
    ready(pools, 3)
    pools.make(replicas=1)
    pools.look()
    assert pools.standing == (IN_PROGRESS, "Starting", "1 of 1 worker ready")
    pools.deployment(replicas=1, ready=1)
    pools.look()
    assert pools.standing[:2] == (CURRENT, "WorkersReady")


def test_workers_of_a_former_spec_are_replaced(pools: Pools) -> None:
    """As long as one of them is there, the Pool rolls."""
    ready(pools, 2)
    pools.make(replicas=2, callTimeout="10s")
    pools.look()
    pools.deployment(replicas=3, ready=2, updated=1)
    pools.look()
    assert pools.standing == (IN_PROGRESS, "Rolling", "2 of 2 workers ready")
    pools.deployment(replicas=2, ready=2)
    pools.look()
    assert pools.standing[:2] == (CURRENT, "WorkersReady")


def test_a_pool_scaled_to_zero_is_ready_without_workers(pools: Pools) -> None:
    """That is what was wanted; it says so, for calls would wait."""
    ready(pools, 0)
    assert pools.standing == (CURRENT, "ScaledToZero", "no workers wanted")


@pytest.mark.parametrize(
    ("containers", "given", "reason", "words"),
    [
        ((), {"phase": "Pending", "unschedulable": "0/3 nodes"}, "Unschedulable", "0/3 nodes"),
        ((container(waiting("ErrImagePull", "no such image")),), {}, "ImageUnavailable", "no such image"),
        ((container(waiting("CreateContainerConfigError", "no key")),), {}, "ContainerConfig", "no key"),
        ((container(waiting("CrashLoopBackOff"), last=terminated(1, message="no module x")),), {}, "Crashed", "no module x"),
        ((container(waiting("CrashLoopBackOff"), last=killed()),), {}, "OutOfMemory", "exit status 137"),
    ],
)  # fmt: skip
def test_a_pod_in_trouble_says_why_its_pool_is_not_ready(
    pools: Pools, containers: tuple[Object, ...], given: Object, reason: str, words: str
) -> None:
    """Reason and words are the pod's; the Pool goes on trying."""
    pools.make(replicas=2)
    pools.look()
    pools.deployment(replicas=2, ready=1)
    pools.worker_pod("w-1", *containers, **given)
    pools.look()
    state, found, message = pools.standing
    assert (state, found) == (IN_PROGRESS, reason)
    assert message.startswith("1 of 2 workers ready; w-1: ")
    assert message.endswith(words) or words in message


def test_trouble_of_a_pod_that_is_not_needed_does_not_unmake_a_ready_pool(pools: Pools) -> None:
    """A pod of before that is going may crash at its end."""
    ready(pools)
    pools.worker_pod("old", container(terminated(1)))
    pools.look()
    assert pools.standing[:2] == (CURRENT, "WorkersReady")


def test_a_quota_that_forbids_pods_is_told(pools: Pools) -> None:
    """There is no pod then that could be in trouble."""
    pools.make()
    pools.look()
    words = "pods is forbidden: exceeded quota: small"
    refusal = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": words,
    }
    available = {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}
    pools.deployment(replicas=0, ready=0, conditions=[available, refusal])
    pools.look()
    assert pools.standing == (IN_PROGRESS, "PodsRefused", f"0 of 1 worker ready; {words}")
    pools.deployment(replicas=1, ready=0, conditions=[available, {**refusal, "status": "False"}])
    pools.look()
    assert pools.standing[1] == "Starting"


# The model's key.

KEY = {"name": "openai/x", "apiKeySecretRef": {"name": "llm", "key": "api-key"}}


def test_a_missing_secret_is_told_before_any_pod_is_there(pools: Pools) -> None:
    """With the field that names it; the workers are made all the same, and wait for it."""
    pools.make(model=KEY)
    decision = pools.look()
    words = "there is no Secret llm, which spec.model.apiKeySecretRef names"
    assert pools.standing == (IN_PROGRESS, "ContainerConfig", f"0 of 1 worker ready; {words}")
    assert decision.apply
    pools.secret("llm", **{"api-key": "x"})
    pools.look()
    assert pools.standing[1] == "Starting"


@pytest.mark.parametrize("data", [{"other": "x"}, {}])
def test_a_missing_key_of_the_secret_is_told(pools: Pools, data: dict[str, str]) -> None:
    """The Secret is there, but not what is wanted of it."""
    pools.make(model=KEY)
    pools.secret("llm", **data)
    pools.look()
    words = "there is no key 'api-key' of Secret llm, which spec.model.apiKeySecretRef names"
    assert pools.standing[1:] == ("ContainerConfig", f"0 of 1 worker ready; {words}")


def test_the_secret_is_read_as_what_nobody_watches(pools: Pools) -> None:
    """It is asked for, and wakes the Pool when it comes."""
    found = pools.make(model=KEY)
    with pytest.raises(Unread) as lacking:
        controller.decide(SETTINGS, found, pools.world, pools.now)
    assert lacking.value.keys == (Key(SECRET, NAMESPACE, "llm"),)


def test_workers_that_run_go_on_when_their_secret_is_gone(pools: Pools) -> None:
    """They have the key already."""
    pools.secret("llm", **{"api-key": "x"})
    ready(pools, model=KEY)
    pools.source(SECRET, "llm", None)
    pools.look()
    assert pools.standing[:2] == (CURRENT, "WorkersReady")


# Memory.


def test_a_worker_that_ran_out_of_memory_and_is_ready_again_is_named(pools: Pools) -> None:
    """The Pool is ready; its message and an Event say what had happened."""
    ready(pools)
    at = stamp(pools.now)
    pools.ready_pod("w-1", "10.0.0.1", last=killed(at))
    decision = pools.look()
    words = f"w-1 ran out of memory at {at} (limit 512Mi)"
    assert pools.standing == (CURRENT, "WorkersReady", f"1 of 1 worker ready\n{words}")
    assert notes(decision) == [("OutOfMemory", True)]
    assert decision.notes[0].message == words


def test_an_event_is_said_only_of_a_kill_that_is_recent(pools: Pools) -> None:
    """An operator that starts anew does not say all that ever happened; status still does."""
    ready(pools)
    pools.ready_pod("w-1", "10.0.0.1", last=killed(stamp(pools.now)))
    pools.wait(WINDOW - 1)
    assert notes(pools.look()) == [("OutOfMemory", True)]
    pools.wait(1)
    assert notes(pools.look()) == []
    assert "ran out of memory" in pools.standing[2]


def test_a_kill_at_no_known_time_makes_no_event(pools: Pools) -> None:
    """Nobody could say whether it is news."""
    ready(pools)
    state = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    pools.worker_pod("w-1", container(RUNNING, ready=True, last=state))
    assert pools.look().notes == ()


# Whose pods.


def test_pods_of_a_former_pool_of_the_same_name_are_not_its_own(pools: Pools) -> None:
    """They have the Pool's label, but another instance's; nor do pods count that have ended."""
    pools.make()
    pools.look()
    pools.deployment(replicas=1, ready=0)
    other = {**LABELS, names.INSTANCE_LABEL: "small-of-before"}
    pools.worker_pod("theirs", container(terminated(1)), labels=other)
    pools.worker_pod("bare", container(terminated(1)), labels={names.POOL_LABEL: "small"})
    pools.worker_pod("gone", container(terminated(1)), phase="Failed", reason="Evicted")
    pools.look()
    assert pools.standing == (IN_PROGRESS, "Starting", "0 of 1 worker ready")


# The workers' version.


def test_the_newest_ready_worker_tells_the_version(pools: Pools) -> None:
    """One that starts is not asked, nor one of before."""
    ready(pools, 2)
    pools.worker("10.0.0.1:8080", {"version": "1.0.0"})
    pools.worker("10.0.0.2:8080", VERSION)
    pools.ready_pod("b", "10.0.0.1")
    pools.wait(60)
    pools.put(
        pod(
            "a", container(RUNNING, ready=True), labels=LABELS, created=pools.time, podIP="10.0.0.2"
        )
    )
    pools.wait(60)
    pools.worker_pod("c", container(RUNNING), created=pools.time, podIP="10.0.0.3")
    pools.look()
    assert pools.status["workerVersion"] == "1.2.3"


def test_a_worker_that_does_not_answer_leaves_the_version_as_it_was(pools: Pools) -> None:
    """It is no news: nothing is written for it, and nothing when it answers again."""
    ready(pools)
    pools.ready_pod("a", "10.0.0.1")
    pools.look()
    assert "workerVersion" not in pools.status
    pools.worker("10.0.0.1:8080", VERSION)
    pools.look()
    pools.worker("10.0.0.1:8080", None)
    assert unchanged(pools.get(POOL, "small"), pools.decide())
    pools.worker("10.0.0.1:8080", "no object")
    assert unchanged(pools.get(POOL, "small"), pools.decide())


def test_without_ready_workers_there_is_no_version(pools: Pools) -> None:
    """Nobody knows what the next ones will be; one without an address can't be asked."""
    ready(pools)
    pools.worker("10.0.0.1:8080", VERSION)
    pools.ready_pod("a", "10.0.0.1")
    pools.look()
    pools.drop(POD, "a")
    pools.worker_pod("b", container(RUNNING, ready=True))
    pools.look()
    assert "workerVersion" not in pools.status


def test_a_version_has_its_place_in_status(pools: Pools) -> None:
    """Whatever an image of somebody's own answers."""
    ready(pools)
    pools.ready_pod("a", "10.0.0.1")
    pools.worker("10.0.0.1:8080", {"version": "9" * 1000})
    pools.look()
    assert pools.status["workerVersion"] == "9" * 128


# What stays.


def test_status_names_endpoint_selector_and_effective_values(pools: Pools) -> None:
    """For clients, autoscalers and people."""
    pools.make()
    pools.look()
    assert pools.status["endpoint"] == f"{CHILD}.shop.svc:8080"
    assert dict(each.split("=") for each in pools.status["selector"].split(",")) == LABELS
    effective = pools.status["effective"]
    assert (effective["image"], effective["concurrency"]) == ("example.com/worker:1", 32)


def image(decision: Decision) -> str:
    """Return the image that the Deployment is to have."""
    found: str = decision.apply[-1]["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def test_an_upgrade_of_the_operator_replaces_no_worker(pools: Pools) -> None:
    """The image in status stays until the Pool's spec changes; scaling is no such change."""
    ready(pools)
    pools.settings = dataclasses.replace(SETTINGS, worker_image="example.com/worker:2")
    assert image(pools.look()) == "example.com/worker:1"
    assert pools.standing[:2] == (CURRENT, "WorkersReady")
    pools.make(replicas=4)
    assert image(pools.look()) == "example.com/worker:1"
    pools.make(replicas=4, callTimeout="10s")
    assert image(pools.look()) == "example.com/worker:2"
    assert pools.status["effective"]["image"] == "example.com/worker:2"


def test_the_image_comes_from_the_latest_status(pools: Pools) -> None:
    """The model is kept for a generation, status is not."""
    pools.make()
    assert image(pools.decide()) == "example.com/worker:1"
    pools.look()
    pools.change(POOL, "small", status={"effective": {"image": "example.com/worker:0"}})
    assert image(pools.decide()) == "example.com/worker:0"


def test_a_status_of_another_version_of_the_operator_is_read_as_far_as_it_matters(
    pools: Pools,
) -> None:
    """What it has besides, or lacks, is no fault; the Pool goes on."""
    ready(pools)
    kept = {name: pools.status["effective"][name] for name in ("image", "configDigest")}
    newer = {**kept, "profileVersion": "99", "model": {"unheardOf": 1}}
    pools.put({**pools.get(POOL, "small"), "status": {**pools.status, "effective": newer}})
    pools.settings = dataclasses.replace(SETTINGS, worker_image="example.com/worker:2")
    assert image(pools.look()) == "example.com/worker:1"
    pools.put({**pools.get(POOL, "small"), "status": {"effective": {}}})
    assert image(pools.look()) == "example.com/worker:2"


def test_a_spec_that_became_wrong_leaves_the_workers_as_they_are(pools: Pools) -> None:
    """It is told what is wrong and where; what was known of the workers stays in status."""
    ready(pools)
    pools.worker("10.0.0.1:8080", VERSION)
    pools.ready_pod("a", "10.0.0.1")
    pools.look()
    before = pools.status
    pools.make(replicas=-1)
    decision = pools.look()
    state, _, message = pools.standing
    assert state == FAILED
    assert "spec.replicas" in message
    assert (decision.apply, decision.delete, decision.change) == ((), (), ())
    kept = {name: pools.status[name] for name in controller.KEPT}
    assert kept == {name: before[name] for name in controller.KEPT}
    assert [warning for _, warning in notes(decision)] == [True]


def test_a_spec_that_is_wrong_from_the_start_is_told(pools: Pools) -> None:
    """Nothing is made, and nothing is known of workers."""
    pools.make(replicas="two")
    decision = pools.look()
    assert decision.apply == ()
    assert pools.standing[0] == FAILED
    assert set(pools.status) == {"observedGeneration", "conditions"}


def test_a_spec_that_is_mended_goes_on_where_it_was(pools: Pools) -> None:
    """The same workers, of the same image."""
    ready(pools)
    pools.make(replicas=-1)
    pools.look()
    pools.settings = dataclasses.replace(SETTINGS, worker_image="example.com/worker:2")
    pools.make(replicas=1)
    assert image(pools.look()) == "example.com/worker:1"
    assert pools.standing[:2] == (CURRENT, "WorkersReady")


# Conditions.


def scene(pools: Pools, name: str) -> None:
    """Bring the Pool to a state."""
    match name:
        case "starting":
            pools.make(replicas=2)
            pools.look()
        case "ready":
            ready(pools, 2)
            pools.worker("10.0.0.1:8080", VERSION)
            pools.ready_pod("w-1", "10.0.0.1", last=killed(stamp(pools.now)))
        case "zero":
            ready(pools, 0)
        case "rolling":
            ready(pools, 2)
            pools.make(replicas=2, callTimeout="10s")
        case "secret":
            pools.make(model=KEY)
        case "crashed":
            pools.make()
            pools.look()
            pools.worker_pod("w-1", container(terminated(1)))
        case "wrong":
            pools.make(replicas=-1)
        case _:
            raise AssertionError(name)


SCENES = ["starting", "ready", "zero", "rolling", "secret", "crashed", "wrong"]


@pytest.mark.parametrize("name", SCENES)
def test_looking_again_changes_nothing(pools: Pools, name: str) -> None:
    """A decision on its own result is the same status to the letter: nothing would be written."""
    scene(pools, name)
    pools.look()
    pools.wait(3600)
    again = pools.decide()
    assert again.status == pools.status
    assert again.notes == ()


@pytest.mark.parametrize("name", SCENES)
def test_conditions_speak_of_the_latest_generation_and_move_only_with_their_status(
    pools: Pools, name: str
) -> None:
    """Times stay where the status of a condition does, whatever else is said."""
    scene(pools, name)
    before = {each["type"]: each for each in pools.status["conditions"]}
    pools.wait(60)
    pools.look()
    generation = pools.get(POOL, "small")["metadata"]["generation"]
    assert pools.status["observedGeneration"] == generation
    for each in pools.status["conditions"]:
        Condition.model_validate(each)
        assert each["observedGeneration"] == generation
        old = before.get(each["type"], {})
        born = old.get("lastTransitionTime") == EPOCH
        stays = each["status"] == old.get("status") and not born
        expected = old["lastTransitionTime"] if stays else stamp(pools.now)
        assert each["lastTransitionTime"] == expected


def test_whatever_is_read_wakes_the_pool(pools: Pools) -> None:
    """Its Deployment, its pods; not the pods of another one."""
    ready(pools)
    pools.ready_pod("a", "10.0.0.1")
    pools.look()
    other: Kind = POD
    pools.worker_pod("b", container(RUNNING), labels={names.POOL_LABEL: "other"})
    assert pools.awake(DEPLOYMENT, CHILD) == {"small"}
    assert pools.awake(other, "a") == {"small"}
    assert pools.awake(other, "b") == set()


def test_an_object_that_nobody_has_looked_at_is_in_progress(pools: Pools) -> None:
    """As it is created, and after a change of its spec that nobody has seen."""
    pools.make()
    assert kstatus(pools.get(POOL, "small")) == IN_PROGRESS
    ready(pools)
    assert kstatus(pools.get(POOL, "small")) == CURRENT
    pools.make(replicas=7)
    assert kstatus(pools.get(POOL, "small")) == IN_PROGRESS
