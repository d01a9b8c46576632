"""The chart by helm: lint, every documented value, the real API server's judgement, upgrade, leavings."""

import base64
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart import plain
from chart.render import CHART, ROOT, Helm, HelmError, Object, named, objects
from cluster.cluster import Cluster, environment
from dspex.api.kinds import KINDS
from stage.kubectl import Kubectl
from stage.release import Release

REGISTRY: dict[str, Any] = {"image.registry": "registry.example.com/llm", "image.tag": "9"}
VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "registry": REGISTRY,
    "digest": {"image.digest": f"sha256:{'0' * 64}"},
    "namespaces": {"namespaces": ["default", "kube-public"]},
    "one-replica": {"replicas": 1, "leaderElection.enabled": False},
    "off": {
        "replicas": 0,
        "crds.enabled": False,
        "policies.enabled": False,
        "rbac.people": False,
        "webhook.enabled": False,
        "networkPolicy.enabled": False,
        "podDisruptionBudget.enabled": False,
    },
    "crds-not-kept": {"crds.keep": False},
    "named": {"fullnameOverride": "llm"},
    "scheduling": {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
        "imagePullSecrets": [{"name": "registry"}],
        "podAnnotations": {"a": "b"},
        "podLabels": {"a": "b"},
        "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "serviceAccount.annotations": {"a": "b"},
        "logLevel": "debug",
        "resources": {"limits": {"memory": "1Gi"}},
    },
    "network": {
        "networkPolicy.metricsFrom": [{"namespaceSelector": {}}],
        "networkPolicy.egress": [{"ports": [{"port": 6443}]}],
    },
    "webhook-fail": {"webhook.failurePolicy": "Fail", "webhook.timeoutSeconds": 3},
    "own-secret": {
        "webhook.certificate.source": "Secret",
        "webhook.certificate.secretName": "mine",
        "webhook.certificate.caBundle": "LS0t",
    },
    "aggregate": {"rbac.aggregate.view": ["view"], "rbac.aggregate.poolAdmin": []},
    "extra-rules": {
        "rbac.extraRules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]
    },
    "secret-inputs": {"policies.secretInputs": False},
    "dashboard": {
        "metrics.dashboard.enabled": True,
        "metrics.dashboard.labels": {"x": "y"},
        "metrics.dashboard.annotations": {"folder": "LLM"},
    },
    "test": {"test.namespace": "default", "test.timeoutSeconds": 30},
}
"""Together they give every value of values.yaml, but those for which the cluster lacks the CRDs."""

FOREIGN: dict[str, dict[str, Any]] = {
    "monitoring": {
        "metrics.serviceMonitor.enabled": True,
        "metrics.serviceMonitor.interval": "10s",
        "metrics.serviceMonitor.labels": {"release": "prometheus"},
        "metrics.prometheusRule.enabled": True,
        "metrics.prometheusRule.labels": {"release": "prometheus"},
        "metrics.prometheusRule.runbookUrl": "https://docs.example.com/operate.md",
    },
    "cert-manager": {"webhook.certificate.source": "CertManager"},
    "cert-manager-issuer": {
        "webhook.certificate.source": "CertManager",
        "webhook.certificate.issuerRef": {"name": "ca", "kind": "ClusterIssuer"},
    },
}


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Helm:
    """Return the cluster's helm."""
    return Helm(environment(cluster))


@pytest.fixture
def elsewhere(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace of its own, in which a second release may stand for a while."""
    name = f"chart-{secrets.token_hex(4)}"
    release.kubectl("create", "namespace", name)
    yield release.kubectl.within(name)
    release.kubectl("delete", "namespace", name, "--wait=false")


def judge(kubectl: Kubectl, found: Sequence[Object]) -> None:
    """Apply objects on the server without keeping them; a field that it does not know is an error.

    Raises:
        KubectlError: One is refused.
    """
    flags = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    for place in {each["metadata"].get("namespace", "") for each in found}:
        there = [each for each in found if each["metadata"].get("namespace", "") == place]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": there})
        kubectl.within(place or "default")("apply", *flags, "-f", "-", stdin=text)


@pytest.mark.parametrize(
    "values", [*VARIANTS.values(), *FOREIGN.values()], ids=[*VARIANTS, *FOREIGN]
)
def test_it_lints(helm: Helm, values: dict[str, Any]) -> None:
    """Strictly, with every documented value."""
    helm.lint(values)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_api_server_takes_every_variant(helm: Helm, elsewhere: Kubectl, variant: str) -> None:
    """A dry run on the server, with strict field validation, of all that helm would install."""
    found = objects(helm.text(VARIANTS[variant], "--skip-tests", namespace=elsewhere.namespace))
    judge(elsewhere, found)


def test_every_value_is_rendered() -> None:
    """The variants above leave out no documented value."""
    given = {name for values in [*VARIANTS.values(), *FOREIGN.values()] for name in values}
    known = yaml.safe_load((CHART / "values.yaml").read_text())
    # Values of the same template as one that is given, or given by the tests on the cluster.
    same = {
        "image.repository",
        "image.pullPolicy",
        "worker",
        "rbac.aggregate.user",
        "rbac.aggregate.author",
        "webhook.certificate.validDays",
        "webhook.certificate.renewAfterDays",
    }

    def walk(value: Any, path: str) -> Iterator[str]:
        if path in given | same:
            return
        if isinstance(value, dict) and value:
            for name, each in value.items():
                yield from walk(each, f"{path}.{name}" if path else name)
        else:
            yield path

    assert list(walk(known, "")) == []


def test_one_operator_needs_no_election_and_two_do(helm: Helm) -> None:
    """Two operators without an election would work on the same objects: helm says so."""
    with pytest.raises(HelmError, match="set replicas to 1"):
        helm.text({"leaderElection.enabled": False})


def test_images_follow_the_values(helm: Helm) -> None:
    """Operator, runner and both workers come from the registry that is named once."""
    found = helm.objects({**REGISTRY, "worker.image.digest": f"sha256:{'a' * 64}"})
    [container] = named(found, "Deployment", "dspex")["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert container["image"] == "registry.example.com/llm/dspex/operator:9"
    assert variables["DSPEX_RUNNER_IMAGE"] == container["image"]
    assert variables["DSPEX_WORKER_IMAGE"].endswith(f"/dspex/worker@sha256:{'a' * 64}")
    assert variables["DSPEX_WORKER_EMBEDDED_IMAGE"].endswith("/dspex/worker:0.1.0-embedded")


def test_a_list_of_namespaces_needs_no_cluster_wide_right(helm: Helm) -> None:
    """The operator's rules stand in a Role of each namespace, and nowhere else."""
    found = helm.objects({"namespaces": ["a", "b"]})
    roles = [each for each in found if each["kind"] == "Role"]
    assert {each["metadata"]["namespace"] for each in roles if "operator" in str(each)} >= {
        "a",
        "b",
    }
    wide = [each["roleRef"]["name"] for each in found if each["kind"] == "ClusterRoleBinding"]
    assert wide == ["dspex-keys"]


def test_every_pod_keeps_to_the_restricted_standard(elsewhere: Kubectl, helm: Helm) -> None:
    """A namespace that enforces it warns of nothing."""
    elsewhere(
        "label",
        "namespace",
        elsewhere.namespace,
        "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/warn=restricted",
    )
    found = objects(helm.text(namespace=elsewhere.namespace))
    pods = [each for each in found if each["kind"] in ("Deployment", "Pod", "ServiceAccount")]
    elsewhere.apply(*[each for each in pods if each["kind"] == "ServiceAccount"])
    others = [each for each in pods if each["kind"] != "ServiceAccount"]
    for each in others:
        done = elsewhere.run("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(each))
        assert not done.returncode, done.stderr
        assert "PodSecurity" not in done.stderr
    assert len(others) == 2


def test_the_certificate_is_the_services(helm: Helm) -> None:
    """It is signed by the authority that the webhook's configuration holds, for the Service's name."""
    found = helm.objects()
    data = named(found, "Secret", "dspex-webhook")["data"]
    [webhook] = named(found, "ValidatingWebhookConfiguration", "dspex")["webhooks"]
    assert webhook["clientConfig"]["caBundle"] == data["ca.crt"]
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName"],
        input=base64.b64decode(data["tls.crt"]),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "DNS:dspex.dspex-system.svc" in shown


def operators(release: Release) -> int:
    """Return how many operators there are to be: an upgrade by a test keeps to that."""
    return int(release.inside.get("deployment", release.name)["spec"]["replicas"])


def test_an_upgrade_keeps_the_certificate_until_it_is_old(release: Release) -> None:
    """The same Secret after an upgrade; another one once renewAfterDays have passed."""
    before = release.inside.get("secret", "dspex-webhook")
    wanted = operators(release)
    release.install(replicas=wanted)
    assert release.inside.get("secret", "dspex-webhook")["data"] == before["data"]
    release.inside("annotate", "--overwrite", "secret", "dspex-webhook", "dspex.dev/issued=1")
    release.install(replicas=wanted)
    after = release.inside.get("secret", "dspex-webhook")
    assert after["data"]["tls.crt"] != before["data"]["tls.crt"]
    assert int(after["metadata"]["annotations"]["dspex.dev/issued"]) > 1
    webhook = release.kubectl.get("validatingwebhookconfiguration", "dspex")["webhooks"][0]
    assert webhook["clientConfig"]["caBundle"] == after["data"]["ca.crt"]


def test_uninstall_leaves_the_crds_alone(release: Release) -> None:
    """Of what helm installed nothing stays but the CRDs; an install after it takes them over."""
    label = "app.kubernetes.io/instance=dspex"
    wanted = operators(release)
    release.uninstall()
    kinds = release.kubectl("api-resources", "--verbs=list,delete", "-o", "name").split()
    everywhere = release.kubectl(
        "get", ",".join(kinds), "-A", "-l", label, "-o", "name", "--ignore-not-found", seconds=300
    )
    left = {line for line in everywhere.splitlines() if "/" in line and "endpointslice" not in line}
    crds = {
        f"customresourcedefinition.apiextensions.k8s.io/{kind.plural}.dspex.dev"
        for kind in KINDS.values()
    }
    release.install(replicas=wanted)
    assert {line for line in left if not line.startswith("pod/")} == crds


def test_helm_test_runs_a_pipeline(release: Release) -> None:
    """`helm test` starts a run, and sees it succeed with its outputs."""
    printed = release.helm("test", release.name)
    assert "Phase:          Succeeded" in printed


def test_plain_manifests_are_the_charts(helm: Helm) -> None:
    """deploy/base is as `make plain-manifests` writes it."""
    assert plain.differences(ROOT, helm) == []


def test_plain_manifests_are_taken(elsewhere: Kubectl) -> None:
    """`kubectl apply -k deploy` is a set of objects that the API server takes."""
    found = _kustomize(elsewhere, ROOT / "deploy")
    assert {each["metadata"].get("namespace", "dspex-system") for each in found} == {"dspex-system"}
    judge(elsewhere, found)


def _kustomize(kubectl: Kubectl, folder: Path) -> list[Object]:
    return objects(kubectl("kustomize", str(folder)))


def test_an_overlay_changes_every_image(release: Release, tmp_path: Path) -> None:
    """With the configuration that is shipped, `images` reaches the operator's environment too."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    shutil.copy(ROOT / "deploy/kustomize/image-variables.yaml", overlay)
    kustomization = {
        "resources": ["../deploy"],
        "configurations": ["image-variables.yaml"],
        "images": [
            {"name": "dspex/operator", "newName": "r.example.com/operator", "newTag": "2"},
            {"name": "dspex/worker", "newName": "r.example.com/worker"},
        ],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    deployment = named(_kustomize(release.kubectl, overlay), "Deployment", "dspex")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert container["image"] == "r.example.com/operator:2"
    assert variables["DSPEX_RUNNER_IMAGE"] == "r.example.com/operator:2"
    assert variables["DSPEX_WORKER_EMBEDDED_IMAGE"] == "r.example.com/worker:0.1.0-embedded"
