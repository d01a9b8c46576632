"""Pipelines with triggers in a cluster in memory: what is written, also around a crash."""

import datetime
from typing import Any

import pytest

from dspex.controllers import pipeline
from dspex.controllers.events import Recorder
from dspex.controllers.execute import Executor
from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.controllers.metrics import Metrics
from dspex.controllers.pipeline_runs import MAX_DELETED
from dspex.controllers.queue import WorkQueue
from dspex.controllers.reconcile import Reconciler
from dspex.controllers.registration import Registration
from dspex.controllers.world import World
from dspex.kube.kind import EVENT, PIPELINE, PIPELINE_RUN, SIGNATURE
from fakes.cluster import Ask, Cluster, Object, Refusal
from fakes.cluster_client import ClusterClient
from fakes.items import item, signature

KEY = Key(PIPELINE, "shop", "support")
STEP = {"name": "a", "template": {"source": "x"}}
HOURLY = {"name": "hourly", "schedule": {"cron": "0 * * * *"}}
CHECK = {"name": "check", "onChange": {}}
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def applied(*triggers: Object, **spec: Any) -> Object:
    """Make a Pipeline as a person applied it half an hour ago."""
    given = {"steps": [STEP], "triggers": [*triggers], **spec}
    born = {"creationTimestamp": "2026-11-22T11:30:00Z"}
    return item(PIPELINE, "support", spec=given, metadata=born, version=0)


class Leader:
    """An operator's knowledge and work, without queue and watch: one looks when told to."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._now = NOON
        client = ClusterClient(cluster)
        recorder = Recorder(client, "first", lambda: self._now)
        metrics = Metrics()
        kind = Registration(kind=PIPELINE, decide=pipeline.decide)
        self.world = World()
        self._hub = Hub(self.world, WorkQueue(), {PIPELINE: kind})
        executor = Executor(client, self._hub, recorder, metrics)
        self._reconciler = Reconciler(client, self._hub, executor, metrics, lambda: self._now)

    def see(self, *kinds: Any) -> None:
        """Take in what is in the cluster; all kinds that matter here, if none is named."""
        chosen = kinds or (PIPELINE, PIPELINE_RUN, SIGNATURE)
        for kind in chosen:
            for key in self.world.keys(kind):
                if self._cluster.item(*key) is None:
                    self._hub.drop(key)
        for (kind, _, _), each in [*self._cluster.objects.items()]:
            if kind in chosen:
                self._hub.put(kind, each)

    async def look(self, minutes: float, *kinds: Any) -> None:
        """See, and look at the Pipeline some minutes after noon."""
        self._now = NOON + datetime.timedelta(minutes=minutes)
        self.see(*kinds)
        await self._reconciler.reconcile(KEY)

    def wait(self, minutes: float) -> float | None:
        """Return the seconds after which the Pipeline is looked at again, whatever happens."""
        self.see()
        found = self.world.known(KEY)
        assert found is not None
        return pipeline.decide(
            found, self.world, NOON + datetime.timedelta(minutes=minutes)
        ).requeue


@pytest.fixture
def cluster() -> Cluster:
    """Make an empty cluster."""
    return Cluster()


def runs(cluster: Cluster) -> list[str]:
    """Return the names of the runs that there are."""
    return sorted(name for kind, _, name in cluster.objects if kind == PIPELINE_RUN)


def status(cluster: Cluster) -> Object:
    """Return the Pipeline's status."""
    found = cluster.item(*KEY)
    assert found is not None
    return dict(found.get("status") or {})


async def test_a_run_is_created_and_remembered(cluster: Cluster) -> None:
    """Owned by the Pipeline, with which it goes; the Pipeline's spec is left alone."""
    before = cluster.add(applied(HOURLY))
    leader = Leader(cluster)
    await leader.look(-15)
    await leader.look(0)
    (name,) = runs(cluster)
    assert status(cluster)["triggers"][0]["lastScheduleTime"] == "2026-11-22T12:00:00Z"
    after = cluster.item(*KEY)
    assert after is not None
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], 1)
    cluster.remove(*KEY)
    assert cluster.item(PIPELINE_RUN, "shop", name) is None


async def test_where_nothing_changes_nothing_is_written(cluster: Cluster) -> None:
    """However often it is looked at, and after a restart too."""
    cluster.add(applied(HOURLY, CHECK, historyLimits={"succeeded": 1}))
    leader = Leader(cluster)
    for minutes in (-15, 0, 1):
        await leader.look(minutes)
    written = len(cluster.writes())
    for minutes in (2, 3, 30):
        await leader.look(minutes)
    await Leader(cluster).look(59)
    assert len(cluster.writes()) == written


@pytest.mark.parametrize("seen", [(), (PIPELINE, SIGNATURE)])
async def test_a_crash_before_status_starts_nothing_twice(
    cluster: Cluster, seen: tuple[Any, ...]
) -> None:
    """The next leader means the same run, whether or not its watch has shown it already."""
    cluster.add(applied(HOURLY))
    await Leader(cluster).look(-15)

    def crash(ask: Ask) -> None:
        if ask.path.endswith("/status"):
            raise Refusal(500, "InternalError", "no answer")

    cluster.refuse = crash
    await Leader(cluster).look(0)
    (name,) = runs(cluster)
    assert "lastScheduleTime" not in status(cluster)["triggers"][0]
    cluster.refuse = lambda _: None
    await Leader(cluster).look(1, *seen)
    assert runs(cluster) == [name]
    assert status(cluster)["triggers"][0]["lastScheduleTime"] == "2026-11-22T12:00:00Z"
    cluster.remove(PIPELINE_RUN, "shop", name)
    await Leader(cluster).look(2)
    assert runs(cluster) == []


async def test_a_create_that_is_refused_is_tried_again(cluster: Cluster) -> None:
    """A quota keeps the run away, the conditions say so, and nothing is lost."""
    cluster.add(applied(HOURLY))
    leader = Leader(cluster)
    await leader.look(-15)

    def quota(ask: Ask) -> None:
        if ask.method == "POST" and ask.path.endswith("/pipelineruns"):
            raise Refusal(403, "Forbidden", "exceeded quota: runs")

    cluster.refuse = quota
    await leader.look(0)
    assert "exceeded quota" in cluster.condition(*KEY, "Ready")["message"]
    cluster.refuse = lambda _: None
    await leader.look(5)
    assert len(runs(cluster)) == 1
    assert cluster.condition(*KEY, "Ready")["status"] == "True"


async def test_replace_ends_with_the_new_run_alone(cluster: Cluster) -> None:
    """The former one is deleted, and its status is asked of nobody."""
    policy = {"cron": "0 * * * *", "concurrencyPolicy": "Replace"}
    cluster.add(applied({"name": "hourly", "schedule": policy}))
    leader = Leader(cluster)
    await leader.look(-15)
    await leader.look(0)
    former = runs(cluster)
    await leader.look(60)
    assert len(runs(cluster)) == 1
    assert runs(cluster) != former


async def test_a_changed_signature_is_a_change(cluster: Cluster) -> None:
    """The digest is that of the plan: what the Pipeline names counts, its triggers do not."""
    cluster.add(signature("s", "question -> answer", version=0))
    step = {"name": "a", "validate": {"signatureRef": {"name": "s"}}, "inputs": {"answer": "b"}}
    cluster.add(applied(CHECK, steps=[step]))
    leader = Leader(cluster)
    await leader.look(0)
    assert status(cluster)["triggers"] == [
        {"name": "check", "lastDigest": status(cluster)["digest"], "changes": 0}
    ]
    cluster.edit(*KEY, {"spec": {"triggers": [CHECK, HOURLY], "description": "words"}})
    await leader.look(1)
    assert runs(cluster) == []
    cluster.edit(SIGNATURE, "shop", "s", {"spec": {"signature": "question -> answer: int"}})
    await leader.look(2)
    assert len(runs(cluster)) == 1


async def test_a_pipeline_that_is_wrong_keeps_what_its_triggers_remember(cluster: Cluster) -> None:
    """A mistake that is mended within the hour starts nothing that has been."""
    cluster.add(applied(HOURLY))
    leader = Leader(cluster)
    await leader.look(-15)
    await leader.look(0)
    cluster.edit(*KEY, {"spec": {"concurrency": 0}})
    await leader.look(1)
    assert cluster.condition(*KEY, "Stalled")["status"] == "True"
    assert status(cluster)["triggers"][0]["lastScheduleTime"] == "2026-11-22T12:00:00Z"
    cluster.edit(*KEY, {"spec": {"concurrency": None}})
    await leader.look(61)
    assert len(runs(cluster)) == 2


async def test_a_pipeline_that_is_being_deleted_starts_and_clears_nothing(cluster: Cluster) -> None:
    """Its runs go with it; a new one would only be in the way."""
    going = applied(HOURLY, historyLimits={"succeeded": 0})
    going["metadata"]["deletionTimestamp"] = "2026-11-22T11:59:00Z"
    cluster.add(going)
    cluster.add(ended("r", "True", 1))
    await Leader(cluster).look(0)
    assert runs(cluster) == ["r"]


def ended(name: str, succeeded: str, minute: int) -> Object:
    """Make a run that has ended."""
    condition = {
        "type": "Succeeded",
        "status": succeeded,
        "reason": "Succeeded" if succeeded == "True" else "StepsFailed",
        "lastTransitionTime": f"2026-11-22T11:{minute:02}:00Z",
    }
    spec = {"pipelineRef": {"name": "support"}}
    given = {"conditions": [condition]}
    return item(PIPELINE_RUN, name, spec=spec, status=given, version=0)


async def test_runs_are_counted_and_old_ones_cleared(cluster: Cluster) -> None:
    """Whoever started them; the counts follow when they are gone."""
    cluster.add(applied(historyLimits={"succeeded": 1, "failed": 1}))
    for minute, (name, state) in enumerate(
        [("a", "True"), ("b", "True"), ("c", "False"), ("d", "False"), ("e", "Unknown")]
    ):
        cluster.add(ended(name, state, minute))
    other = ended("other", "True", 0)
    other["spec"]["pipelineRef"]["name"] = "another"
    cluster.add(other)
    leader = Leader(cluster)
    await leader.look(0)
    assert runs(cluster) == ["b", "d", "e", "other"]
    await leader.look(1)
    counts = status(cluster)["runs"]
    assert {name: counts[name] for name in ("active", "succeeded", "failed")} == {
        "active": 1,
        "succeeded": 1,
        "failed": 1,
    }
    assert [ask.method for ask in cluster.writes(but=[EVENT])].count("DELETE") == 2


async def test_it_is_looked_at_again_when_something_is_due(cluster: Cluster) -> None:
    """The next time of a schedule, a count that waits, more runs to delete: the soonest of them."""
    cluster.add(applied())
    leader = Leader(cluster)
    await leader.look(0)
    assert leader.wait(1) is None
    cluster.edit(*KEY, {"spec": {"triggers": [HOURLY]}})
    await leader.look(1)
    assert leader.wait(50) == 600
    cluster.add(ended("r", "True", 1))
    await leader.look(2)
    cluster.add(ended("s", "True", 1))
    assert leader.wait(2) == 2
    cluster.edit(*KEY, {"spec": {"historyLimits": {"succeeded": 0}}})
    for number in range(MAX_DELETED):
        cluster.add(ended(f"r{number}", "True", 1))
    assert leader.wait(2) == 1
