"""Accelerators for the scheduler alone: nodes that say they have some, and one that is not there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from stage.kubectl import Kubectl, Object

GPU: Final = "nvidia.com/gpu"


def nodes(kubectl: Kubectl) -> list[str]:
    """Return the names of the cluster's nodes that have a kubelet."""
    found = kubectl.list("nodes")
    return [
        each["metadata"]["name"]
        for each in found
        if each["status"].get("nodeInfo", {}).get("kubeletVersion")
    ]


@contextmanager
def offered(kubectl: Kubectl, node: str, count: int) -> Iterator[None]:
    """Have a node offer so many GPUs, as long as this is open; the kubelet leaves them alone."""
    places = [f"/status/{part}/{GPU.replace('/', '~1')}" for part in ("capacity", "allocatable")]
    add = [{"op": "add", "path": each, "value": str(count)} for each in places]
    _patch_status(kubectl, node, add)
    try:
        yield
    finally:
        _patch_status(kubectl, node, [{"op": "remove", "path": each} for each in places])


@contextmanager
def phantom(kubectl: Kubectl, name: str, count: int, **labels: str) -> Iterator[None]:
    """Have a node with GPUs that no kubelet stands behind: pods are bound to it and never start.

    It has the taint that clusters put on such nodes, so that no other pod is sent there.
    """
    taints = [{"key": GPU, "value": "present", "effect": "NoSchedule"}]
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": taints}}
    )
    try:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
        ready = {"type": "Ready", "status": "True", "reason": "Phantom", "message": "", **times}
        amounts = {"cpu": "8", "memory": "64Gi", "pods": "110", GPU: str(count)}
        status = {"capacity": amounts, "allocatable": amounts, "conditions": [ready]}
        _patch_status(kubectl, name, [{"op": "add", "path": "/status", "value": status}])
        kubectl.until("node", name, lambda item: len(item["spec"]["taints"]) == 1, seconds=30)
        yield
    finally:
        kubectl("delete", "node", name)


def _patch_status(kubectl: Kubectl, node: str, patch: list[Object]) -> None:
    flags = ("--subresource=status", "--type=json")
    kubectl("patch", "node", node, *flags, "-p", json.dumps(patch))
