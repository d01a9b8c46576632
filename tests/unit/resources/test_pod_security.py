"""The security contexts of all pods, held against the standard `restricted`."""

from pathlib import Path
from typing import Any

import pytest

from dspex.resources.pool_children import pool_children
from dspex.resources.run_inputs import SecretKey
from dspex.resources.run_plan import PoolAddress
from dspex.resources.runner_job import RunnerSettings, runner_job
from dspex.resources.security import USER, container_security, pod_security
from fakes.cluster_objects import SETTINGS, cluster_pool, cluster_run
from fakes.full_manifests import FULL
from fakes.pod_standard import violations

ROOT = Path(__file__).parents[3]
FULL_POOL = next(each["spec"] for each in FULL if each["kind"] == "Pool")


def _worker() -> dict[str, Any]:
    deployment = pool_children(cluster_pool(**FULL_POOL), SETTINGS)[-1]
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def _runner() -> dict[str, Any]:
    job = runner_job(
        cluster_run(),
        settings=RunnerSettings(image="example.com/operator:1"),
        pools={"small": PoolAddress(host="small-1.shop.svc", audience="a")},
        secrets=[SecretKey("customer", "token")],
    )
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize("pod", [_worker(), _runner()], ids=["worker", "runner"])
def test_the_standard_restricted_admits_every_pod(pod: dict[str, Any]) -> None:
    """A namespace that enforces it runs Pools and runs with every field that there is."""
    assert violations(pod) == []


@pytest.mark.parametrize("pod", [_worker(), _runner()], ids=["worker", "runner"])
def test_nothing_is_writable_but_scratch_and_what_the_pool_mounts(pod: dict[str, Any]) -> None:
    """The root file system is read-only, and so is all that DSPex itself mounts but /tmp."""
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    own = [each for each in container["volumeMounts"] if not each["mountPath"].startswith("/data")]
    assert [each["mountPath"] for each in own if not each.get("readOnly")] == ["/tmp"]  # noqa: S108 -- in a container


@pytest.mark.parametrize(
    ("part", "taken", "words"),
    [
        ("pod", "runAsNonRoot", "may run as root"),
        ("pod", "seccompProfile", "no seccomp profile"),
        ("container", "allowPrivilegeEscalation", "may gain privileges"),
        ("container", "capabilities", "keeps capabilities"),
    ],
)
def test_each_part_is_needed(part: str, taken: str, words: str) -> None:
    """Without it the standard refuses the pod."""
    contexts = {"pod": pod_security(), "container": container_security()}
    del contexts[part][taken]
    pod = {
        "securityContext": contexts["pod"],
        "containers": [{"name": "x", "securityContext": contexts["container"]}],
    }
    assert violations(pod) == [f"x: {words}"]


def test_pods_run_as_the_user_of_the_images() -> None:
    """The images own their files as this user; its group reads mounted Secrets and tokens."""
    for dockerfile in ("operator/Dockerfile", "worker-image/Dockerfile"):
        assert f"USER {USER}:{USER}" in (ROOT / dockerfile).read_text()
    made = pod_security()
    assert (made["runAsUser"], made["runAsGroup"], made["fsGroup"]) == (USER, USER, USER)
    # A large volume is not walked through each time that a pod starts.
    assert made["fsGroupChangePolicy"] == "OnRootMismatch"


def test_each_call_gives_an_object_of_its_own() -> None:
    """Changing one pod's context changes no other's."""
    pod_security()["seccompProfile"]["type"] = "Unconfined"
    container_security()["capabilities"]["drop"].clear()
    assert pod_security()["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container_security()["capabilities"] == {"drop": ["ALL"]}
