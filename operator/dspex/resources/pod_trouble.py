"""Why a pod is not ready, in words for a person; a pod in, a reason out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dspex.errors import ConditionReason
from dspex.resources import names

MAX_WORDS: Final = 600
"""Characters of a container's last words that are shown."""

OOM: Final = "OOMKilled"
CRASH_LOOP: Final = "CrashLoopBackOff"

_GRAVE: Final = frozenset({"error", "critical"})
"""Levels of lines of our own logs that explain an end."""

_IMAGE: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_CONFIG: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a pod.

    Attributes:
        reason: In one word.
        message: For a person; names the pod.
    """

    reason: ConditionReason
    message: str


def pod_trouble(pod: Mapping[str, Any]) -> Trouble | None:
    """Return what keeps a pod from being ready, None where nothing is known to."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if has_ended(pod) and status.get("reason"):
        # The kubelet's own word on the whole pod: Evicted, Preempting, OutOfcpu and the like.
        words = status.get("message") or status["reason"]
        return Trouble(ConditionReason.EVICTED, f"{name}: {words}")
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            words = condition.get("message") or "no node has room"
            return Trouble(ConditionReason.UNSCHEDULABLE, f"{name}: {words}")
    for container in _containers(pod):
        found = _container_trouble(name, container)
        if found is not None:
            return found
    return None


def worst(pods: Iterable[Mapping[str, Any]]) -> Trouble | None:
    """Return the pods' trouble that a person should hear of first, None where there is none."""
    found = [trouble for pod in pods if (trouble := pod_trouble(pod)) is not None]
    return min(found, key=lambda each: (TROUBLES.index(each.reason), each.message), default=None)


def killed_for_memory(pod: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return when a container of a pod last ran out of memory, and the words for it."""
    for container in _containers(pod):
        for part in ("state", "lastState"):
            ended = (container.get(part) or {}).get("terminated") or {}
            if ended.get("reason") == OOM:
                name, time = pod["metadata"]["name"], str(ended.get("finishedAt", ""))
                limit = _memory_limit(pod, container["name"])
                return time, f"{name} ran out of memory at {time}{limit}"
    return None


def taken_away(pod: Mapping[str, Any]) -> str:
    """Say that a runner's pod ends, or has ended, because somebody or something took it away.

    Returns:
        Words that name the pod, empty for a pod that was left alone: however that ended, it did so
        by itself.
    """
    metadata, status = pod["metadata"], pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            words = condition.get("message") or condition.get("reason") or "nobody says why"
            return f"{metadata['name']} was taken away: {words}"
    left = any(
        ((each.get("state") or {}).get("terminated") or {}).get("exitCode") == names.CHECKPOINTED
        for each in _containers(pod)
        if each["name"] == names.RUNNER_CONTAINER
    )
    return f"{metadata['name']} was deleted" if left or "deletionTimestamp" in metadata else ""


def last_words(pod: Mapping[str, Any]) -> str:
    """Return how the containers of an ended pod ended, empty where nothing is told."""
    ends = [
        _ended(ended)
        for container in _containers(pod)
        if (ended := (container.get("state") or {}).get("terminated")) and ended.get("exitCode")
    ]
    return "; ".join(ends)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod is ready."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod's containers have all ended for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _containers(pod: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the states of a pod's containers, those too that a mesh puts before ours."""
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def _container_trouble(pod: str, container: Mapping[str, Any]) -> Trouble | None:
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, words = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _IMAGE:
        shown = [pod, container.get("image", ""), reason, words]
        return Trouble(ConditionReason.IMAGE_UNAVAILABLE, ": ".join(filter(None, shown)))
    if reason in _CONFIG:
        return Trouble(ConditionReason.CONTAINER_CONFIG, f"{pod}: {words or reason}")
    former = {} if container.get("ready") else container.get("lastState") or {}
    ended = state.get("terminated") or former.get("terminated") or {}
    # One that ends well is in trouble only where it is started again and again.
    if not ended or (not ended.get("exitCode") and reason != CRASH_LOOP):
        return None
    out = ended.get("reason") == OOM
    kind = ConditionReason.OUT_OF_MEMORY if out else ConditionReason.CRASHED
    return Trouble(kind, f"{pod}: {_ended(ended)}")


def _ended(ended: Mapping[str, Any]) -> str:
    code = ended.get("exitCode")
    if ended.get("reason") == OOM:
        return f"killed for using more memory than its limit (exit status {code})"
    words = _plain(str(ended.get("message") or "").strip())
    if len(words) > MAX_WORDS:
        words = "…" + words[-MAX_WORDS:]
    return f"ended with exit status {code}" + (f": {words}" if words else "")


def _plain(words: str) -> str:
    """Return a container's last lines with the errors of our own logs, which are JSON, in words."""
    told = [_told(line) for line in words.splitlines()]
    return "\n".join(filter(None, told)) or words


def _told(line: str) -> str:
    """Return what a line says: nothing, where it is of our logs and no error."""
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if not isinstance(found, dict):
        return line
    if found.get("level") not in _GRAVE:
        return ""
    parts = [f"{name}: {found[name]}" for name in ("found", "remedy") if found.get(name)]
    exception = str(found.get("exception") or "").strip()
    return "; ".join([str(found.get("message", "")), *parts, *filter(None, [exception])])


def _memory_limit(pod: Mapping[str, Any], container: str) -> str:
    for each in (pod.get("spec") or {}).get("containers") or ():
        limit = ((each.get("resources") or {}).get("limits") or {}).get("memory")
        if each["name"] == container and limit:
            return f" (limit {limit})"
    return ""


TROUBLES: Final = (
    ConditionReason.UNSCHEDULABLE,
    ConditionReason.IMAGE_UNAVAILABLE,
    ConditionReason.CONTAINER_CONFIG,
    ConditionReason.OUT_OF_MEMORY,
    ConditionReason.CRASHED,
    ConditionReason.EVICTED,
)
"""All reasons of troubles, those that a person should hear of first in front."""
