"""The operator's client on a cluster in memory, without a network: time may be virtual."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.errors import error_of
from fakes.cluster import Ask, Cluster, Object


class ClusterClient(KubeClient):
    """Asks a cluster directly; all verbs are the real client's.

    Args:
        cluster: Whom to ask.
        manager: Field manager of what it writes.
    """

    def __init__(self, cluster: Cluster, *, manager: str = "dspex-operator") -> None:
        super().__init__(ClusterConfig("http://cluster"), manager=manager)
        self._cluster = cluster

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Object:
        await asyncio.sleep(0)  # as a network would, it lets others go first
        sent = json.loads(json.dumps(body))
        ask = Ask(method, path, dict(query or {}), sent, content, accept)
        status, answer = self._cluster.handle(ask)
        self.requests[method, status] = self.requests.get((method, status), 0) + 1
        if status >= 400:
            raise error_of(status, answer, f"{method} {path}")
        found: Object = answer
        return found
