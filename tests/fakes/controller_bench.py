"""The operator's parts put together on a cluster in memory, without the watch: a test plays it."""

import datetime
from collections.abc import Mapping
from typing import Any

from dspex.controllers.decision import Decision
from dspex.controllers.events import Recorder
from dspex.controllers.execute import Executor
from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.controllers.metrics import Metrics
from dspex.controllers.queue import WorkQueue
from dspex.controllers.reconcile import Reconciler
from dspex.controllers.registration import Registration
from dspex.controllers.world import World
from dspex.kube.kind import EVENT, SIGNATURE, Kind
from fakes.cluster import Cluster, Object
from fakes.cluster_client import ClusterClient

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Clock:
    """A clock that stands still until it is put on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime.datetime:
        """Return the time of day."""
        return self.now

    def pass_(self, seconds: float) -> None:
        """Put it on."""
        self.now += datetime.timedelta(seconds=seconds)


class Script:
    """A controller that decides what a test says.

    Attributes:
        decision: What is decided next: a Decision, an error to raise, or a function like `decide`.
        looked: The objects that were looked at.
    """

    def __init__(self, decision: Any = None) -> None:
        self.decision = decision or Decision()
        self.looked: list[Object] = []

    def __call__(self, item: Object, world: World, now: datetime.datetime) -> Decision:
        """Decide."""
        self.looked.append(item)
        if isinstance(self.decision, BaseException):
            raise self.decision
        if callable(self.decision):
            decided: Decision = self.decision(item, world, now)
            return decided
        assert isinstance(self.decision, Decision)
        return self.decision


class Bench:
    """World, queue, executor and loop of an operator.

    Args:
        kinds: Its controllers; a scripted one for Signatures if not given.
        cluster: The cluster; an empty one if not given.
    """

    def __init__(
        self,
        kinds: Mapping[Kind, Registration] | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.script = Script()
        self.registration = Registration(kind=SIGNATURE, decide=self.script)
        self.cluster = cluster or Cluster()
        self.client = ClusterClient(self.cluster)
        self.clock = Clock()
        self.metrics = Metrics()
        self.world = World()
        self.queue = WorkQueue(draw=lambda: 1.0)
        self.hub = Hub(self.world, self.queue, kinds or {SIGNATURE: self.registration})
        self.recorder = Recorder(self.client, "pod-1", self.clock)
        self.executor = Executor(self.client, self.hub, self.recorder, self.metrics)
        self.reconciler = Reconciler(self.client, self.hub, self.executor, self.metrics, self.clock)

    def add(self, item: Object) -> Object:
        """Put an object into the cluster, and have it seen."""
        made = self.cluster.add(item)
        self.hub.put(Kind.of(made), made)
        return made

    def see(self, kind: Kind, name: str, namespace: str = "shop") -> None:
        """Play the watch: show an object as it is now, or that it is gone."""
        key = Key(kind, namespace, name)
        item = self.cluster.item(kind, namespace, name)
        if item is None:
            self.hub.drop(key)
        else:
            self.hub.put(kind, item)

    async def carry_out(self, item: Object, **decided: Any) -> None:
        """Execute a decision about a Signature."""
        key = Key(SIGNATURE, item["metadata"]["namespace"], item["metadata"]["name"])
        await self.executor.execute(key, self.registration, item, Decision(**decided))

    def written(self) -> list[str]:
        """Return what was asked to be written: method and the path's end; apart from Events."""
        asked = self.cluster.writes(but=[EVENT])
        return [f"{each.method} {each.path.partition('/namespaces/shop/')[2]}" for each in asked]

    def count(self, name: str, **labels: str) -> float:
        """Return a metric; 0 where there is none yet."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0
