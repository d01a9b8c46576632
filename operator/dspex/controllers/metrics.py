"""What Prometheus reads of the operator; docs/operate.md explains each."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dspex.controllers.decision import Object
from dspex.controllers.world import World
from dspex.kube.kind import PIPELINE_RUN

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.leader = Gauge("dspex_leader", "1 on the operator that leads", registry=self.registry)
        self.reconciles = Counter(
            "dspex_reconciles",
            "Times that an object was looked at",
            ["kind", "result"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "dspex_reconcile_seconds",
            "How long looking at an object took",
            ["kind"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.writes = Counter(
            "dspex_writes",
            "Objects and statuses written, by kind and verb",
            ["kind", "verb"],
            registry=self.registry,
        )
        self.ended = Counter(
            "dspex_runs_ended",
            "Runs that ended",
            ["namespace", "state", "reason"],
            registry=self.registry,
        )
        self.admissions = Counter(
            "dspex_admissions",
            "Objects that the webhook was asked about",
            ["kind", "result"],
            registry=self.registry,
        )
        self.admission_seconds = Histogram(
            "dspex_admission_seconds",
            "How long the webhook's answer took",
            ["kind"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        ProcessCollector(registry=self.registry)

    def watch(
        self,
        world: World,
        depth: Callable[[], Counts[str]],
        requests: Callable[[], dict[tuple[str, int], int]],
        kinds: Iterable[str],
    ) -> None:
        """Have what others count read from them at each scrape.

        Args:
            world: Whose runs are counted.
            depth: Returns the queue's length by kind.
            requests: Returns the API server's requests by method and status.
            kinds: Those whose queue is shown even where it is empty.
        """
        self.registry.register(_Counted(world, depth, requests, tuple(kinds)))

    def text(self) -> bytes:
        """Return what a scrape gets."""
        return generate_latest(self.registry)


class _Counted(Collector):
    """Reads counts at each scrape instead of keeping them twice."""

    def __init__(
        self,
        world: World,
        depth: Callable[[], Counts[str]],
        requests: Callable[[], dict[tuple[str, int], int]],
        kinds: tuple[str, ...],
    ) -> None:
        self._world = world
        self._depth = depth
        self._requests = requests
        self._kinds = kinds

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("dspex_queue_depth", "Objects to be looked at", labels=["kind"])
        depth = self._depth()
        for kind in self._kinds:
            waiting.add_metric([kind], depth[kind])
        yield waiting
        asked = CounterMetricFamily(
            "dspex_api_requests", "Requests to the API server", labels=["verb", "code"]
        )
        for (verb, status), count in self._requests().items():
            asked.add_metric([verb, str(status) if status else "none"], count)
        yield asked
        runs = GaugeMetricFamily("dspex_runs", "Runs that are there", labels=["namespace", "phase"])
        for (namespace, phase), count in self._phases().items():
            runs.add_metric([namespace, phase], count)
        yield runs

    def _phases(self) -> Counts[tuple[str, str]]:
        keys = self._world.keys(PIPELINE_RUN)
        return Counts((key.namespace, phase(self._world.known(key) or {})) for key in keys)


def phase(run: Object) -> str:
    """Return in one word how a run stands: Pending, Running, Succeeded, Failed or Cancelled."""
    status = run.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    ended = conditions.get("Succeeded", {})
    if ended.get("status") == "True":
        return "Succeeded"
    if ended.get("status") == "False":
        return "Cancelled" if ended.get("reason") == "Cancelled" else "Failed"
    return "Running" if ended.get("reason") == "Running" else "Pending"
