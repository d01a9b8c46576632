"""Everything that a Pool owns, and what its status says of it."""

import json
from dataclasses import dataclass

from dspex.api.effective import (
    EffectivePool,
    configuration_digest,
    effective_pool,
    effective_resources,
)
from dspex.api.pool import EffectiveValues, Pool
from dspex.resources import names
from dspex.resources.metadata import Manifest, Owner, metadata, owner_of
from dspex.resources.worker_pod import worker_pod


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """What the operator brings to all Pools.

    Attributes:
        worker_image: Image of workers, where a Pool names none.
        embedded_image: The same for those with the embedded model.
        pull_policy: When they are pulled.
        operator_namespace: From there the operator may ask the workers; empty for nobody.
    """

    worker_image: str
    embedded_image: str
    pull_policy: str = "IfNotPresent"
    operator_namespace: str = ""


def pool_name(pool: Pool) -> str:
    """Return the name that all children of a Pool have."""
    owner = owner_of(pool, "Pool")
    return names.child_name(owner.name, owner.uid)


def pool_labels(pool: Pool) -> dict[str, str]:
    """Return the labels that a Pool's pods have, and no others."""
    return {
        names.NAME_LABEL: names.WORKER,
        names.INSTANCE_LABEL: pool_name(pool),
        names.POOL_LABEL: pool.metadata.name,
    }


def pool_selector(pool: Pool) -> str:
    """Return the selector of a Pool's pods as text, for `status.selector`."""
    return ",".join(f"{name}={value}" for name, value in sorted(pool_labels(pool).items()))


def pool_endpoint(pool: Pool) -> str:
    """Return host and port of a Pool's Service, for `status.endpoint`."""
    return f"{pool_host(pool)}:{names.WORKER_PORT}"


def pool_host(pool: Pool) -> str:
    """Return the host under which all ready workers of a Pool are found."""
    return names.service_host(pool_name(pool), pool.metadata.namespace)


def worker_image(pool: Pool, settings: PoolSettings) -> str:
    """Return the image of a Pool's workers.

    The operator's own stays what `status.effective` says until the Pool's configuration changes:
    an upgrade of the operator restarts no worker. So the status must be the latest.
    """
    if pool.spec.image is not None:
        return pool.spec.image
    before = pool.status.effective
    if before is not None and before.image and before.config_digest == configuration_digest(pool):
        return before.image
    return settings.embedded_image if pool.spec.model.embedded else settings.worker_image


def pool_values(pool: Pool, settings: PoolSettings) -> EffectiveValues:
    """Return what stands in `status.effective`; it must be written before the next change."""
    return effective_pool(pool).values(
        resources=effective_resources(pool),
        image=worker_image(pool, settings),
        digest=configuration_digest(pool),
    )


def pool_children(pool: Pool, settings: PoolSettings) -> tuple[Manifest, ...]:
    """Return all that a Pool owns, in the order in which it is applied."""
    owner, name, labels = owner_of(pool, "Pool"), pool_name(pool), pool_labels(pool)
    effective = effective_pool(pool)
    return (
        service_account(owner, name, labels),
        config_map(owner, name, labels, effective),
        service(owner, name, labels),
        network_policy(owner, name, labels, pool, settings),
        disruption_budget(owner, name, labels),
        deployment(owner, name, labels, pool, effective, settings),
    )


def service_account(owner: Owner, name: str, labels: dict[str, str]) -> Manifest:
    """Return the workers' ServiceAccount: one without rights, and without a token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(owner, name, labels),
        "automountServiceAccountToken": False,
    }


def config_map(
    owner: Owner, name: str, labels: dict[str, str], effective: EffectivePool
) -> Manifest:
    """Return the ConfigMap with what the workers are configured with."""
    text = json.dumps(effective.to_json(), sort_keys=True, indent=2) + "\n"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(owner, name, labels),
        "data": {names.POOL_FILE: text},
    }


def service(owner: Owner, name: str, labels: dict[str, str]) -> Manifest:
    """Return the headless Service, by which clients find each worker that is ready."""
    port = {
        "name": names.WORKER_PORT_NAME,
        "port": names.WORKER_PORT,
        "targetPort": names.WORKER_PORT_NAME,
        "protocol": "TCP",
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(owner, name, labels),
        "spec": {"clusterIP": "None", "selector": labels, "ports": [port]},
    }


def network_policy(
    owner: Owner, name: str, labels: dict[str, str], pool: Pool, settings: PoolSettings
) -> Manifest:
    """Return who may connect to the workers: runners, the operator, and allowed clients.

    ServiceAccounts can't be selected here: with allowedClients the whole namespace may connect, and
    the token decides.
    """
    runners = {"matchLabels": {names.NAME_LABEL: names.RUNNER}}
    peers: list[Manifest] = [{"podSelector": {} if pool.spec.allowed_clients else runners}]
    if settings.operator_namespace:
        space = {"kubernetes.io/metadata.name": settings.operator_namespace}
        peers.append(
            {
                "namespaceSelector": {"matchLabels": space},
                "podSelector": {"matchLabels": {names.NAME_LABEL: names.OPERATOR}},
            }
        )
    port = {"port": names.WORKER_PORT_NAME, "protocol": "TCP"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(owner, name, labels),
        "spec": {
            "podSelector": {"matchLabels": labels},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": peers, "ports": [port]}],
        },
    }


def disruption_budget(owner: Owner, name: str, labels: dict[str, str]) -> Manifest:
    """Return the budget that lets a drained node take one worker at a time.

    One that is not ready serves nobody, and may always go: it would hold up the drain for ever.
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(owner, name, labels),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": labels},
        },
    }


def deployment(
    owner: Owner,
    name: str,
    labels: dict[str, str],
    pool: Pool,
    effective: EffectivePool,
    settings: PoolSettings,
) -> Manifest:
    """Return the Deployment: a worker goes only once another one in its place is ready."""
    annotations = {
        **(pool.spec.pod_annotations or {}),
        names.CONFIG_ANNOTATION: configuration_digest(pool),
    }
    pod = worker_pod(
        pool,
        effective,
        child=name,
        image=worker_image(pool, settings),
        pull_policy=settings.pull_policy,
        labels=labels,
    )
    managed = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(owner, name, labels),
        "spec": {
            "replicas": pool.spec.replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": {
                "metadata": {"labels": {**managed, **labels}, "annotations": annotations},
                "spec": pod,
            },
        },
    }
