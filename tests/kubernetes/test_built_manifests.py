"""What the operator builds, judged by a real API server: kinds, fields, values, pod security."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import open_cluster
from cluster.cluster import environment
from dspex.api.pipeline import Runner
from dspex.resources import names
from dspex.resources.metadata import Manifest
from dspex.resources.namespace import namespace_objects
from dspex.resources.pool_children import pool_children, pool_name
from dspex.resources.run_inputs import RunInputs, SecretKey
from dspex.resources.run_plan import PoolAddress, plan_config_map
from dspex.resources.runner_job import RunnerSettings, runner_job
from fakes.cluster_objects import NAMESPACE, SETTINGS, cluster_pool, cluster_run
from fakes.objects import plan
from fakes.recorded_pods import SPECS
from stage.kubectl import Kubectl

MORE: dict[str, dict[str, Any]] = {
    "zero": {"replicas": 0, "callTimeout": "1ms"},
    "amd": {"gpu": {"count": 2, "resourceName": "amd.com/gpu"}, "allowedClients": ["a"]},
    "no-gpu": {"profile": "Neural", "resources": {"limits": {"nvidia.com/gpu": 0}}},
    "scratch": {
        "volumes": [{"name": "a", "emptyDir": {"sizeLimit": "1Gi"}}],
        "volumeMounts": [{"name": "a", "mountPath": "/data", "subPath": "x"}],
        "resources": {"requests": {"ephemeral-storage": "1e3", "memory": "0.5Gi"}},
    },
    "critical": {"priorityClassName": "system-cluster-critical", "affinity": {}},
}
POOLS = {name: spec for name, spec in (SPECS | MORE).items() if name != "rich"} | {
    "rich": {**SPECS["rich"], "priorityClassName": "system-node-critical"}
}
ADDRESSES = {"small": PoolAddress(host="small-1.shop.svc", audience="dspex.dev/shop/small")}
RUNNERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rich": {
        "resources": {"requests": {"cpu": 1, "a.b/nic": 1}, "limits": {"memory": "64Mi"}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
        ],
        "priorityClassName": "system-cluster-critical",
    },
}


@pytest.fixture(scope="module")
def restricted() -> Iterator[Kubectl]:
    """Yield kubectl in a namespace that admits restricted pods only, with the accounts there."""
    found = open_cluster()
    kubectl = Kubectl(found.kubeconfig, found.context, environment=environment(found))
    name = f"test-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    standard = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    kubectl("label", "namespace", name, *standard)
    kubectl = kubectl.within(name)
    for account in (names.RUNNER_SERVICE_ACCOUNT, pool_name(cluster_pool())):
        kubectl("create", "serviceaccount", account)
    yield kubectl
    kubectl("delete", "namespace", name, "--wait=false")


def judged(kubectl: Kubectl, manifest: Manifest) -> Manifest:
    """Apply a manifest without keeping it, as the operator does; return what would be stored.

    A warning, such as of a field that is unknown or on its way out, is an error here.
    """
    place, here = f'"namespace": "{NAMESPACE}"', f'"namespace": "{kubectl.namespace}"'
    done = kubectl.run(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict"),
        *("--warnings-as-errors", f"--field-manager={names.OPERATOR_MANAGER}"),
        *("-o", "json", "-f", "-"),
        stdin=json.dumps(manifest).replace(place, here),
    )
    assert done.returncode == 0, f"{done.stderr}\n{json.dumps(manifest, indent=1)}"
    assert not done.stderr, done.stderr
    stored: Manifest = json.loads(done.stdout)
    return stored


def pod_of(manifest: Manifest) -> Manifest:
    """Return the pod that a Deployment or a Job makes."""
    template = manifest["spec"]["template"]
    place = {"name": "judged", "namespace": NAMESPACE, **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": place, "spec": template["spec"]}


@pytest.mark.parametrize("name", POOLS)
def test_the_api_server_takes_all_that_a_pool_owns(restricted: Kubectl, name: str) -> None:
    """Each child, and the pod in a namespace that enforces the standard `restricted`."""
    children = pool_children(cluster_pool(**POOLS[name]), SETTINGS)
    for child in children:
        judged(restricted, child)
    stored = judged(restricted, pod_of(children[-1]))
    volumes = {each["name"] for each in stored["spec"]["volumes"]}
    assert not [each for each in volumes if each.startswith("kube-api-access")]


@pytest.mark.parametrize("name", RUNNERS)
def test_the_api_server_takes_all_that_a_run_owns(restricted: Kubectl, name: str) -> None:
    """The Job, its pod, and the ConfigMap with the plan."""
    made = plan_config_map(
        cluster_run(timeout="3s"),
        plan("steps: [{name: a, template: {source: x}}]"),
        ADDRESSES,
        RunInputs(values={"message": "hi"}),
    )
    judged(restricted, made)
    job = runner_job(
        cluster_run(),
        settings=RunnerSettings(image="example.com/operator:1"),
        pools=ADDRESSES,
        secrets=[SecretKey("customer.v1", "token")],
        runner=Runner.model_validate(RUNNERS[name]),
    )
    assert judged(restricted, job)["spec"]["podReplacementPolicy"] == "TerminatingOrFailed"
    stored = judged(restricted, pod_of(job))
    volumes = [each["name"] for each in stored["spec"]["volumes"]]
    assert [each for each in volumes if each.startswith("kube-api-access")]


def test_the_api_server_takes_what_stands_in_a_namespace(restricted: Kubectl) -> None:
    """Account, binding and keys."""
    for each in namespace_objects(NAMESPACE, role="dspex-runner", jwks={"keys": []}, issuer="x"):
        judged(restricted, each)
