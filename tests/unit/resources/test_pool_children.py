"""Everything that a Pool owns, and what its status says of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dspex.api.effective import configuration_digest, effective_resources
from dspex.api.pool import Pool
from dspex.resources import names
from dspex.resources.pool_children import (
    PoolSettings,
    pool_children,
    pool_endpoint,
    pool_host,
    pool_labels,
    pool_name,
    pool_selector,
    pool_values,
    worker_image,
)
from dspex_worker.config import read_config
from fakes.cluster_objects import NAMESPACE, POOL_UID, SETTINGS, cluster_pool

UPGRADED = PoolSettings(
    worker_image="example.com/worker:2", embedded_image="example.com/worker:2-embedded"
)


def child(kind: str, settings: PoolSettings = SETTINGS, **spec: Any) -> dict[str, Any]:
    """Make one child of a Pool."""
    return _child(kind, cluster_pool(**spec), settings)


def _child(kind: str, pool: Pool, settings: PoolSettings = SETTINGS) -> dict[str, Any]:
    (found,) = [each for each in pool_children(pool, settings) if each["kind"] == kind]
    return found


def settled(settings: PoolSettings = SETTINGS, **spec: Any) -> Pool:
    """Make a Pool whose status has the values that an operator wrote."""
    values = pool_values(cluster_pool(**spec), settings).to_json()
    return cluster_pool(status={"effective": values}, **spec)


def test_a_pool_owns_one_of_each_kind_and_the_deployment_comes_last() -> None:
    """Account, configuration and addresses are there before a pod asks for them."""
    children = pool_children(cluster_pool(), SETTINGS)
    assert [(each["apiVersion"], each["kind"]) for each in children] == [
        ("v1", "ServiceAccount"),
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("policy/v1", "PodDisruptionBudget"),
        ("apps/v1", "Deployment"),
    ]
    for each in children:
        assert each["metadata"]["name"] == pool_name(cluster_pool())
        assert each["metadata"]["namespace"] == NAMESPACE
        (owner,) = each["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Pool", "small", POOL_UID)
        assert each["metadata"]["labels"][names.MANAGED_BY_LABEL] == names.MANAGED_BY


def test_children_are_plain_json_and_the_same_each_time() -> None:
    """Nothing is applied anew because of an order or of the moment."""
    first, second = (pool_children(cluster_pool(), SETTINGS) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert json.loads(json.dumps(first)) == list(first)


def test_one_set_of_labels_finds_the_pods_everywhere() -> None:
    """Service, budget, policy, Deployment and status.selector choose the same pods."""
    labels = pool_labels(cluster_pool())
    assert labels == {
        names.NAME_LABEL: names.WORKER,
        names.INSTANCE_LABEL: pool_name(cluster_pool()),
        names.POOL_LABEL: "small",
    }
    deployment = child("Deployment")["spec"]
    assert deployment["selector"] == {"matchLabels": labels}
    assert labels.items() <= deployment["template"]["metadata"]["labels"].items()
    assert child("Service")["spec"]["selector"] == labels
    assert child("NetworkPolicy")["spec"]["podSelector"] == {"matchLabels": labels}
    assert child("PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": labels}
    pairs = dict(each.split("=") for each in pool_selector(cluster_pool()).split(","))
    assert pairs == labels


def test_labels_tell_pools_apart_that_look_alike() -> None:
    """A Pool made anew under the same name does not count the former's pods as its own."""
    again = Pool.model_validate(
        {
            "metadata": {"name": "small", "namespace": NAMESPACE, "uid": "another"},
            "spec": {"model": {"name": "x"}},
        }
    )
    assert pool_labels(again) != pool_labels(cluster_pool())
    assert pool_labels(again)[names.POOL_LABEL] == "small"


def test_pods_are_watched_by_the_managers_label() -> None:
    """The operator sees why they are not ready."""
    labels = child("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels[names.MANAGED_BY_LABEL] == names.MANAGED_BY


def test_the_account_of_workers_has_no_token() -> None:
    """Two locks: the account's, and each pod's."""
    assert child("ServiceAccount")["automountServiceAccountToken"] is False


def test_the_worker_reads_the_config_map(tmp_path: Path) -> None:
    """What it is configured with is the effective Pool."""
    data = child(
        "ConfigMap",
        profile="Optimizer",
        concurrency=3,
        allowedClients=["reports"],
        tools=[{"name": "search", "path": "shop.search"}],
    )["data"]
    assert set(data) == {names.POOL_FILE}
    file = tmp_path / names.POOL_FILE
    file.write_text(data[names.POOL_FILE])
    config = read_config(file)
    assert (config.pool, config.namespace, config.concurrency) == ("small", NAMESPACE, 3)
    assert (config.call_timeout, config.allowed_clients) == (300.0, ["reports"])
    assert config.tools[0].path == "shop.search"


def test_the_service_has_an_address_for_each_ready_worker() -> None:
    """Headless, and one that is not ready is not found: clients choose among the others."""
    service = child("Service")["spec"]
    assert service["clusterIP"] == "None"
    assert "publishNotReadyAddresses" not in service
    (port,) = service["ports"]
    (worker,) = child("Deployment")["spec"]["template"]["spec"]["containers"]
    assert port["targetPort"] == worker["ports"][0]["name"]
    # A headless Service translates no port: clients call the one that is listened on.
    assert port["port"] == worker["ports"][0]["containerPort"] == names.WORKER_PORT
    host = f"{child('Service')['metadata']['name']}.{NAMESPACE}.svc"
    assert pool_host(cluster_pool()) == host
    assert pool_endpoint(cluster_pool()) == f"{host}:{names.WORKER_PORT}"


def test_only_runners_and_the_operator_connect() -> None:
    """Runners of the namespace, and the operator's pods of its own; to the one port."""
    spec = child("NetworkPolicy")["spec"]
    (rule,) = spec["ingress"]
    assert rule["ports"] == [{"port": names.WORKER_PORT_NAME, "protocol": "TCP"}]
    assert rule["from"] == [
        {"podSelector": {"matchLabels": {names.NAME_LABEL: names.RUNNER}}},
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dspex-system"}},
            "podSelector": {"matchLabels": {names.NAME_LABEL: names.OPERATOR}},
        },
    ]


def test_workers_may_go_anywhere() -> None:
    """Egress is not spoken of: a model's endpoint may be in the cluster or out of it."""
    spec = child("NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert "egress" not in spec


def test_allowed_clients_open_the_namespace_and_no_other() -> None:
    """Pods are not told apart by account there; the token decides."""
    (rule,) = child("NetworkPolicy", allowedClients=["reports"])["spec"]["ingress"]
    assert rule["from"][0] == {"podSelector": {}}
    assert "namespaceSelector" not in rule["from"][0]


def test_without_an_operators_namespace_there_is_no_peer_for_it() -> None:
    """A selector with an empty name would choose nothing, or everything."""
    (rule,) = child("NetworkPolicy", settings=UPGRADED)["spec"]["ingress"]
    assert len(rule["from"]) == 1


def test_a_drain_takes_one_worker_at_a_time_and_is_held_up_by_no_broken_one() -> None:
    """The budget protects workers that serve."""
    spec = child("PodDisruptionBudget")["spec"]
    assert spec["maxUnavailable"] == 1
    assert "minAvailable" not in spec
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_a_worker_goes_only_when_another_is_ready() -> None:
    """A changed spec rolls without a moment with fewer workers, and can be undone by hand."""
    spec = child("Deployment", replicas=3)["spec"]
    assert spec["replicas"] == 3
    assert 0 < spec["revisionHistoryLimit"] < 10
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }


def test_a_pool_scales_to_nothing() -> None:
    """Zero is a number of workers, not an absent one."""
    assert child("Deployment", replicas=0)["spec"]["replicas"] == 0


def test_annotations_of_the_pool_come_along_and_the_digest_is_ours() -> None:
    """Nobody keeps pods from being replaced by writing our annotation."""
    annotations = {"example.com/scrape": "true", names.CONFIG_ANNOTATION: "mine"}
    pool = cluster_pool(podAnnotations=annotations)
    template = _child("Deployment", pool)["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "example.com/scrape": "true",
        names.CONFIG_ANNOTATION: configuration_digest(pool),
    }


def test_a_changed_configuration_replaces_the_pods_and_a_changed_number_does_not() -> None:
    """What is in the ConfigMap alone reaches workers by the digest in their pods."""
    template = child("Deployment")["spec"]["template"]
    assert child("Deployment", replicas=7)["spec"]["template"] == template
    changed = child("Deployment", modules=["shop.Rank"])["spec"]["template"]
    assert changed["spec"] == template["spec"]
    assert changed["metadata"]["annotations"] != template["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        ({}, "example.com/worker:1"),
        ({"model": {"embedded": True}}, "example.com/worker:1-embedded"),
        ({"image": "example.com/own:3"}, "example.com/own:3"),
        ({"image": "example.com/own:3", "model": {"embedded": True}}, "example.com/own:3"),
    ],
    ids=str,
)
def test_the_image_is_the_pools_or_the_operators(spec: dict[str, Any], image: str) -> None:
    """A model that is embedded needs another one, unless the Pool brings its own."""
    assert worker_image(cluster_pool(**spec), SETTINGS) == image
    (worker,) = child("Deployment", **spec)["spec"]["template"]["spec"]["containers"]
    assert (worker["image"], worker["imagePullPolicy"]) == (image, "IfNotPresent")


@pytest.mark.parametrize("spec", [{}, {"model": {"embedded": True}}, {"profile": "Neural"}])
def test_an_upgrade_of_the_operator_rolls_no_pool(spec: dict[str, Any]) -> None:
    """With other images, and any number of workers, the pods' template stays what it was."""
    before = settled(**spec)
    scaled = settled(**spec, replicas=4)
    template = _child("Deployment", before)["spec"]["template"]
    assert _child("Deployment", before, UPGRADED)["spec"]["template"] == template
    assert _child("Deployment", scaled, UPGRADED)["spec"]["template"] == template


def test_a_changed_pool_takes_the_operators_present_image() -> None:
    """It is rolled anyway; an image that the Pool named before is not kept either."""
    status = {"effective": pool_values(cluster_pool(), SETTINGS).to_json()}
    changed = cluster_pool(status=status, modules=["shop.Rank"])
    assert worker_image(changed, UPGRADED) == UPGRADED.worker_image
    own = pool_values(cluster_pool(image="example.com/own:3"), SETTINGS).to_json()
    without = cluster_pool(status={"effective": own})
    assert worker_image(without, UPGRADED) == UPGRADED.worker_image


def test_a_status_without_an_image_keeps_none() -> None:
    """As an operator wrote it that knew nothing of images."""
    effective = pool_values(cluster_pool(), SETTINGS).to_json()
    del effective["image"]
    assert worker_image(cluster_pool(status={"effective": effective}), UPGRADED) == (
        UPGRADED.worker_image
    )


def test_the_status_shows_what_the_workers_have() -> None:
    """Image, resources and digest are those of the pods."""
    pool = cluster_pool(profile="Neural")
    values = pool_values(pool, SETTINGS)
    template = _child("Deployment", pool)["spec"]["template"]
    (worker,) = template["spec"]["containers"]
    assert values.image == worker["image"]
    assert values.resources == effective_resources(pool)
    assert values.resources is not None
    assert values.resources.to_json() == worker["resources"]
    assert values.config_digest == template["metadata"]["annotations"][names.CONFIG_ANNOTATION]
    assert values.call_timeout == "10m"
