"""Pods as the kubelet and the scheduler describe them."""

from typing import Any

from dspex.kube.kind import POD
from fakes.items import Object, item

CREATED = "2026-11-23T09:00:00Z"


def waiting(reason: str, message: str = "") -> Object:
    """Return the state of a container that does not run yet."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def terminated(code: int, reason: str = "Error", message: str = "", at: str = CREATED) -> Object:
    """Return the state of a container that has ended."""
    words = {"message": message} if message else {}
    return {"terminated": {"exitCode": code, "reason": reason, "finishedAt": at, **words}}


def killed(at: str = CREATED) -> Object:
    """Return the state of a container that was killed for its memory."""
    return terminated(137, "OOMKilled", at=at)


RUNNING: Object = {"running": {"startedAt": CREATED}}


def container(
    state: Object,
    *,
    name: str = "worker",
    ready: bool = False,
    last: Object | None = None,
    image: str = "example.com/worker:1",
) -> Object:
    """Return the status of a container; `last` is how it ended the time before."""
    status = {"name": name, "image": image, "ready": ready, "state": state}
    return {**status, "lastState": last or {}}


def pod(
    name: str,
    *containers: Object,
    phase: str = "Running",
    labels: dict[str, str] | None = None,
    ready: bool | None = None,
    created: str = CREATED,
    unschedulable: str | None = None,
    memory: str = "512Mi",
    metadata: Object | None = None,
    **status: Any,
) -> Object:
    """Make a pod.

    Args:
        name: Its name.
        containers: States of its containers.
        phase: Its phase.
        labels: Its labels.
        ready: Whether it is; that of all its containers if not given.
        created: When it was made.
        unschedulable: The scheduler's words, where it finds no node.
        memory: Limit of each container; empty for none.
        metadata: What else its metadata has.
        status: What else its status has.
    """
    if ready is None:
        ready = bool(containers) and all(each["ready"] for each in containers)
    limits = {"limits": {"memory": memory}} if memory else {}
    names = [each["name"] for each in containers] or ["worker"]
    conditions: list[Object] = [{"type": "Ready", "status": str(ready)}]
    if unschedulable is not None:
        why = {"reason": "Unschedulable", "message": unschedulable}
        conditions.append({"type": "PodScheduled", "status": "False", **why})
    return item(
        POD,
        name,
        uid=f"pod-{name}",
        labels=labels or {},
        metadata={"creationTimestamp": created, **(metadata or {})},
        spec={"containers": [{"name": each, "resources": limits} for each in names]},
        status={
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": list(containers),
            **status,
        },
    )
