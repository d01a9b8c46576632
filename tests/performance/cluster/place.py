"""A namespace for benchmarks: its API server, a warm Pool, pipelines; gone at the end."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp

import images
from cluster import open_cluster
from cluster.cluster import environment
from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig, from_kubeconfig
from dspex.kube.kind import NAMESPACE, Kind
from stage.kubectl import Kubectl, Object, is_true
from stage.manifests import pool
from stage.release import Release

POOL: Final = "warm"
MODULE: Final = "bench_constant.Constant"
WAIT: Final = 120.0
"""Seconds after which something that is awaited will not come."""

_SOURCE: Final = Path(__file__).parents[1] / "constant.py"


class Place:
    """One namespace of one cluster.

    Args:
        release: The installed chart.
        kubectl: In the namespace.
        client: The API server.
        config: The way to it.
    """

    def __init__(
        self, release: Release, kubectl: Kubectl, client: KubeClient, config: ClusterConfig
    ) -> None:
        self.release = release
        self.kubectl = kubectl
        self.client = client
        self._config = config

    @property
    def namespace(self) -> str:
        """Its name."""
        return self.kubectl.namespace

    async def create(self, item: Object) -> float:
        """Create an object; returns when that was asked for, as `time.time` has it."""
        made = {**item, "metadata": {**item["metadata"], "namespace": self.namespace}}
        began = time.time()
        await self.client.create(made)
        return began

    async def until(self, kind: Kind, name: str, holds: Callable[[Object], bool]) -> Object:
        """Watch an object until something holds of it.

        Raises:
            TimeoutError: It did not.
        """
        query = {"watch": "true", "fieldSelector": f"metadata.name={name}"}
        url = self._config.server + kind.path(self.namespace)
        connector = aiohttp.TCPConnector(ssl=self._config.trust or True)
        async with (
            asyncio.timeout(WAIT),
            aiohttp.ClientSession(connector=connector, read_bufsize=2**22) as session,
            session.get(url, params=query, headers=self._config.headers()) as reply,
        ):
            async for line in reply.content:
                item: Object = json.loads(line)["object"]
                if holds(item):
                    return item
        raise TimeoutError(f"{kind.name} {name}")

    def log(self, job: str) -> str:
        """Return what a Job's pod printed."""
        return self.kubectl("logs", f"job/{job}")

    def leader_metric(self, name: str) -> float:
        """Return the sum of a metric of the leading operator, over its labels."""
        path = (
            f"/api/v1/namespaces/{self.release.namespace}/pods/{self.release.leader()}:8080"
            "/proxy/metrics"
        )
        return sample(self.kubectl("get", "--raw", path), name)

    def server_metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric of the API server, over the samples with some labels."""
        return sample(self.kubectl("get", "--raw", "/metrics"), name, **labels)


def sample(text: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have some labels, from Prometheus' text."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.partition("{")[0].partition(" ")[0] == name and all(each in line for each in wanted)
    )


@contextlib.asynccontextmanager
async def place(*, as_it_is: bool = False) -> AsyncIterator[Place]:
    """Yield a namespace with a warm Pool on the cluster with this tree's images and chart.

    Args:
        as_it_is: Whether images and chart are taken as the cluster has them.
    """
    cluster = open_cluster()
    everywhere = Kubectl(cluster.kubeconfig, cluster.context, environment=environment(cluster))
    release = Release(everywhere)
    if not as_it_is:
        images.load(cluster)
        release.install()
    name = f"bench-{secrets.token_hex(4)}"
    everywhere("create", "namespace", name)
    config = from_kubeconfig(cluster.kubeconfig)
    try:
        async with KubeClient(config, manager="bench") as client:
            made = Place(release, everywhere.within(name), client, config)
            _warm(made.kubectl)
            yield made
    finally:
        everywhere("delete", NAMESPACE.plural, name, "--wait=false")


def _warm(kubectl: Kubectl) -> None:
    """Make a Pool whose workers have a module that does nothing, and await them."""
    source: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "bench"},
        "data": {"bench_constant.py": _SOURCE.read_text()},
    }
    kubectl.apply(
        source,
        pool(
            POOL,
            modules=[MODULE],
            env=[{"name": "PYTHONPATH", "value": "/bench"}],
            volumes=[{"name": "bench", "configMap": {"name": "bench"}}],
            volumeMounts=[{"name": "bench", "mountPath": "/bench"}],
        ),
    )
    kubectl.until("pool.dspex.dev", POOL, is_true("Ready"), 120)
