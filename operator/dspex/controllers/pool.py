"""Pools: their workers are made and kept, and status says how they are."""

import datetime
from collections.abc import Sequence
from typing import Any, Final

from dspex.api.effective import configuration_digest
from dspex.api.pool import EffectiveValues, Pool, PoolStatus
from dspex.controllers import outcome
from dspex.controllers.decision import NOTHING, Decision, Note, Object
from dspex.controllers.events import WINDOW
from dspex.controllers.judge import judge
from dspex.controllers.settings import Settings
from dspex.controllers.world import World
from dspex.errors import ConditionReason
from dspex.kube.kind import DEPLOYMENT, POD, POOL, SECRET
from dspex.resources import names
from dspex.resources.pod_trouble import (
    TROUBLES,
    Trouble,
    has_ended,
    is_ready,
    killed_for_memory,
    worst,
)
from dspex.resources.pool_children import (
    PoolSettings,
    pool_children,
    pool_endpoint,
    pool_name,
    pool_selector,
    pool_values,
)

KEPT: Final = ("replicas", "readyReplicas", "endpoint", "selector", "effective", "workerVersion")
"""What stays in the status of a Pool whose spec is wrong: its workers go on."""

MAX_VERSION: Final = 128
"""Characters of a worker's version, as status holds it."""


def pool_settings(settings: Settings) -> PoolSettings:
    """Return what the operator brings to all Pools."""
    return PoolSettings(
        worker_image=settings.worker_image,
        embedded_image=settings.embedded_image,
        pull_policy=settings.pull_policy,
        operator_namespace=settings.namespace,
    )


def decide(settings: PoolSettings, item: Object, world: World, now: datetime.datetime) -> Decision:
    """Make a Pool's workers, and tell how they are.

    Args:
        settings: What the operator brings.
        item: The Pool.
        world: What is known.
        now: The time of day.
    """
    metadata = item["metadata"]
    if "deletionTimestamp" in metadata:
        # What is deleted before it, in the foreground, must not come back.
        return NOTHING
    model = world.model(POOL, metadata["namespace"], metadata["name"])
    before = item.get("status") or {}
    if not isinstance(model, Pool):
        conditions = outcome.stalled(item, judge(item)[1], now)
        understood = {name: before[name] for name in KEPT if name in before}
        return _decision(item, conditions, understood)
    pool = _with_effective(model, before)
    pods = _pods(pool, world)
    deployment = world.get(DEPLOYMENT, metadata["namespace"], pool_name(pool))
    version = _worker_version(pods, world, before)
    understood = _understood(pool, settings, deployment, version)
    trouble = _missing_secret(pool, world) or worst(pods) or _refused(deployment)
    conditions = _conditions(item, pool, deployment, trouble, pods, now)
    return _decision(
        item,
        conditions,
        understood,
        apply=pool_children(pool, settings),
        notes=_memory_notes(pods, now),
    )


def _decision(
    item: Object,
    conditions: list[Object],
    understood: Object,
    apply: tuple[Object, ...] = (),
    notes: tuple[Note, ...] = (),
) -> Decision:
    status = {
        "observedGeneration": item["metadata"]["generation"],
        "conditions": conditions,
        **understood,
    }
    return Decision(
        apply=apply,
        status=status,
        notes=(*outcome.transition(item, conditions, alarming=TROUBLES), *notes),
    )


def _with_effective(model: Pool, before: Object) -> Pool:
    """Return the Pool with what of its status decides on its workers.

    The rest is not read: another version of the operator may have written it.
    """
    effective = before.get("effective")
    if effective is None:
        return model
    decisive: Object = {
        "profile_version": effective.get("profileVersion", ""),
        "image": effective.get("image"),
        "config_digest": effective.get("configDigest"),
    }
    status = PoolStatus(effective=EffectiveValues.model_construct(**decisive))
    return model.model_copy(update={"status": status})


def _pods(pool: Pool, world: World) -> list[Object]:
    """Return the Pool's pods that have not ended; a namesake's that came before has others."""
    metadata = pool.metadata
    found = world.find(POD, metadata.namespace, names.POOL_LABEL, metadata.name)
    instance = pool_name(pool)
    return [
        pod
        for pod in found
        if pod["metadata"]["labels"].get(names.INSTANCE_LABEL) == instance and not has_ended(pod)
    ]


def _understood(
    pool: Pool, settings: PoolSettings, deployment: Object | None, version: str
) -> Object:
    counted = (deployment or {}).get("status") or {}
    return {
        "replicas": counted.get("replicas", 0),
        "readyReplicas": counted.get("readyReplicas", 0),
        "endpoint": pool_endpoint(pool),
        "selector": pool_selector(pool),
        "effective": pool_values(pool, settings).to_json(),
        **({"workerVersion": version} if version else {}),
    }


def _worker_version(pods: Sequence[Object], world: World, before: Object) -> str:
    """Return the version that the newest ready worker tells; empty where there is none.

    Where it does not answer, the one that is known stays.
    """
    ready = [pod for pod in pods if is_ready(pod) and pod["status"].get("podIP")]
    if not ready:
        return ""
    newest = max(ready, key=lambda pod: (pod["metadata"]["creationTimestamp"], _name(pod)))
    told: Any = world.worker(newest["status"]["podIP"], names.WORKER_PORT)
    version = told.get("version") if isinstance(told, dict) else None
    return str(version or before.get("workerVersion", ""))[:MAX_VERSION]


def _missing_secret(pool: Pool, world: World) -> Trouble | None:
    """Say that the model's key is not there: told sooner and better than by the kubelet."""
    key = pool.spec.model.api_key_secret_ref
    if key is None:
        return None
    found = world.read(SECRET, pool.metadata.namespace, key.name)[key.name]
    if found is not None and key.key in (found.get("data") or {}):
        return None
    what = f"Secret {key.name}" if found is None else f"key {key.key!r} of Secret {key.name}"
    return Trouble(
        ConditionReason.CONTAINER_CONFIG,
        f"there is no {what}, which spec.model.apiKeySecretRef names",
    )


def _refused(deployment: Object | None) -> Trouble | None:
    """Say why pods can't be created at all: a quota, or an admission policy."""
    for condition in ((deployment or {}).get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return Trouble(ConditionReason.PODS_REFUSED, condition.get("message", ""))
    return None


def _conditions(
    item: Object,
    pool: Pool,
    deployment: Object | None,
    trouble: Trouble | None,
    pods: Sequence[Object],
    now: datetime.datetime,
) -> list[Object]:
    wanted = pool.spec.replicas
    status = (deployment or {}).get("status") or {}
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    exist = status.get("replicas", 0)
    follows = deployment is not None and _follows(deployment, pool)
    if follows and ready >= wanted and updated >= wanted and exist == wanted:
        if wanted == 0:
            return outcome.ready(item, ConditionReason.SCALED_TO_ZERO, "no workers wanted", now)
        message = "\n".join([_count(ready, wanted), *_killed(pods)])
        return outcome.ready(item, ConditionReason.WORKERS_READY, message, now)
    if trouble is not None:
        message = f"{_count(ready, wanted)}; {trouble.message}"
        return outcome.waiting(item, trouble.reason, message, now)
    rolling = exist > updated or (not follows and exist == wanted > 0)
    reason = ConditionReason.ROLLING if rolling else ConditionReason.STARTING
    return outcome.waiting(item, reason, _count(ready, wanted), now)


def _follows(deployment: Object, pool: Pool) -> bool:
    """Say whether a Deployment's status speaks of the Pool as it is now.

    The Deployment is the one from before this decision: what it is told by it, it does later.
    """
    spec, status = deployment["spec"], deployment.get("status") or {}
    annotations = spec["template"]["metadata"].get("annotations") or {}
    return bool(
        spec["replicas"] == pool.spec.replicas
        and annotations.get(names.CONFIG_ANNOTATION) == configuration_digest(pool)
        and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    )


def _count(ready: int, wanted: int) -> str:
    shown = min(ready, wanted)
    return f"{shown} of {wanted} worker{'' if wanted == 1 else 's'} ready"


def _killed(pods: Sequence[Object]) -> list[str]:
    """Name the workers that ran out of memory before they were started again."""
    return sorted(found[1] for pod in pods if (found := killed_for_memory(pod)) is not None)


def _memory_notes(pods: Sequence[Object], now: datetime.datetime) -> tuple[Note, ...]:
    """Return an Event for each worker that ran out of memory just now; older ones were said."""
    notes = []
    for pod in pods:
        found = killed_for_memory(pod)
        if found is None or not found[0]:
            continue
        age = now - datetime.datetime.fromisoformat(found[0])
        if age.total_seconds() < WINDOW:
            notes.append(Note(ConditionReason.OUT_OF_MEMORY, found[1], warning=True))
    return tuple(notes)


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])
