"""The pod of a Pool's worker."""

import math
from collections.abc import Mapping
from typing import Any, Final

from dspex.api.effective import EffectivePool, effective_resources
from dspex.api.pool import Pool, tool_sources
from dspex.api.variable import EnvVar
from dspex.resources import names
from dspex.resources.metadata import Manifest
from dspex.resources.security import container_security, pod_security

PRE_STOP_SECONDS: Final = 3
"""A pod that goes still takes calls for so long: clients learn of it from the DNS."""

CLOSING_SECONDS: Final = 5
"""Left after the last call, to close connections."""

STARTUP_SECONDS: Final = 600
"""A worker that is not ready for so long after its start is started again."""

HUNG_SECONDS: Final = 10
"""For a worker that answers nothing any more: it would end no call in the whole grace either."""

NAME_ENV: Final = "DSPEX_POD_NAME"
"""Variable with the worker's name; a Pool's own variables can't begin so."""


def worker_pod(
    pool: Pool,
    effective: EffectivePool,
    *,
    child: str,
    image: str,
    pull_policy: str,
    labels: Mapping[str, str],
) -> Manifest:
    """Return the spec of a worker's pod.

    Args:
        pool: The Pool.
        effective: What its workers are configured with.
        child: Name of its ServiceAccount and of its ConfigMap.
        image: Image of the workers.
        pull_policy: When it is pulled, where the Pool does not say.
        labels: Those that its pods, and no others, have.
    """
    spec = pool.spec
    grace = math.ceil(effective.call_timeout)
    made: Manifest = {
        "serviceAccountName": child,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": PRE_STOP_SECONDS + grace + CLOSING_SECONDS,
        "securityContext": pod_security(),
        "containers": [_container(pool, image, pull_policy, grace)],
        "volumes": _volumes(pool, child),
        "affinity": spec.affinity if spec.affinity is not None else _apart(labels),
    }
    secrets = [reference.to_json() for reference in spec.image_pull_secrets]
    optional = {
        "imagePullSecrets": secrets,
        "nodeSelector": _node_selector(pool),
        "tolerations": _tolerations(pool),
        "topologySpreadConstraints": _spread(pool, labels),
        "priorityClassName": spec.priority_class_name,
    }
    return made | {name: value for name, value in optional.items() if value}


def _container(pool: Pool, image: str, pull_policy: str, grace: int) -> Manifest:
    spec = pool.spec
    hung = {"terminationGracePeriodSeconds": HUNG_SECONDS}
    made: Manifest = {
        "name": names.WORKER_CONTAINER,
        "image": image,
        "imagePullPolicy": str(spec.image_pull_policy or pull_policy),
        "command": ["dspex-worker"],
        "args": _arguments(grace),
        "env": _env(pool),
        "ports": [
            {
                "name": names.WORKER_PORT_NAME,
                "containerPort": names.WORKER_PORT,
                "protocol": "TCP",
            }
        ],
        "resources": effective_resources(pool).to_json(),
        "startupProbe": _probe("/readyz", period=1, failures=STARTUP_SECONDS) | hung,
        "readinessProbe": _probe("/readyz", period=2, failures=2),
        "livenessProbe": _probe("/healthz", period=10, failures=6) | hung,
        # By the kubelet: an image of one's own need not have a program that sleeps.
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
        "volumeMounts": [
            {"name": "dspex-pool", "mountPath": names.POOL_DIR, "readOnly": True},
            {"name": "dspex-keys", "mountPath": names.KEYS_DIR, "readOnly": True},
            {"name": "dspex-tmp", "mountPath": "/tmp"},  # noqa: S108 -- in the container
            *(mount.to_json() for mount in spec.volume_mounts),
        ],
        "securityContext": container_security(),
        # A crash says why in its pod's status, without anybody reading logs.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    sources = [source.to_json() for source in spec.env_from]
    return made | ({"envFrom": sources} if sources else {})


def _arguments(grace: int) -> list[str]:
    return [
        f"--config={names.POOL_DIR}/{names.POOL_FILE}",
        "--host=0.0.0.0",
        f"--port={names.WORKER_PORT}",
        f"--name=$({NAME_ENV})",
        f"--keys={names.KEYS_DIR}",
        f"--grace={grace}",
    ]


def _env(pool: Pool) -> list[Manifest]:
    made: list[Manifest] = [
        {"name": NAME_ENV, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    if all(each.name != "HOME" for each in pool.spec.env):
        made.append({"name": "HOME", "value": "/tmp"})  # noqa: S108 -- in the container
    key = pool.spec.model.api_key_secret_ref
    if key is not None:
        source = {"secretKeyRef": {"name": key.name, "key": key.key}}
        made.append({"name": names.API_KEY_ENV, "valueFrom": source})
    for variable, _, taken in tool_sources(pool.spec.tools):
        made.append({"name": variable, "valueFrom": taken.to_json()})
    return made + [_variable(each) for each in pool.spec.env]


def _variable(variable: EnvVar) -> Manifest:
    made: Manifest = variable.to_json()
    if variable.value is not None:
        # Kubernetes would expand $(NAME); $$ is its way to write a dollar sign.
        made["value"] = variable.value.replace("$", "$$")
    return made


def _volumes(pool: Pool, child: str) -> list[Manifest]:
    return [
        {"name": "dspex-pool", "configMap": {"name": child}},
        {"name": "dspex-keys", "configMap": {"name": names.KEYS_CONFIG_MAP}},
        {"name": "dspex-tmp", "emptyDir": {}},
        *(volume.to_json() for volume in pool.spec.volumes),
    ]


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": names.WORKER_PORT_NAME},
        "periodSeconds": period,
        # One loop does all the work: a slow answer is no sign of death.
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _devices(pool: Pool) -> list[str]:
    return [name for name in effective_resources(pool).limits or {} if "/" in name]


def _node_selector(pool: Pool) -> dict[str, str]:
    gpu = pool.spec.gpu
    accelerated = gpu.node_selector if gpu is not None and _devices(pool) else None
    return {**(pool.spec.node_selector or {}), **(accelerated or {})}


def _tolerations(pool: Pool) -> list[Manifest]:
    """Return the Pool's, and those of the taints that clusters put on nodes with devices."""
    devices: list[Manifest] = [
        {"key": name, "operator": "Exists", "effect": "NoSchedule"} for name in _devices(pool)
    ]
    return [each.to_json() for each in pool.spec.tolerations] + devices


def _apart(labels: Mapping[str, str]) -> Manifest:
    """Return the affinity that keeps workers of one Pool on different nodes, where it can."""
    term: dict[str, Any] = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": dict(labels)},
    }
    wish = {"weight": 10, "podAffinityTerm": term}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}


def _spread(pool: Pool, labels: Mapping[str, str]) -> list[Manifest]:
    selector = {"labelSelector": {"matchLabels": dict(labels)}}
    return [each.to_json() | selector for each in pool.spec.topology_spread_constraints]
