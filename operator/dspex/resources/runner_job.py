"""The Job in which a run takes place: one pod, whatever the number of steps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dspex.api.amounts import Quantity, Resources, amount
from dspex.api.pipeline import Runner
from dspex.api.pipelinerun import PipelineRun
from dspex.resources import names
from dspex.resources.metadata import Manifest, metadata, owner_of
from dspex.resources.run_inputs import SecretKey
from dspex.resources.run_plan import PoolAddress, run_labels
from dspex.resources.security import container_security, pod_security

BACKOFF_LIMIT: Final = 3
"""How many pods of a run may fail, after 10, 20 and 40 seconds each, before the run does.

One that was taken away is no failure: the operator makes the Job anew for it.
"""

GRACE_SECONDS: Final = 30
"""For a runner that is told to go: it writes a checkpoint, or the run's end."""

UNREACHABLE_SECONDS: Final = 30
"""After so long another pod takes the place of one whose node is lost."""

LOST_NODES: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Taints of nodes that do not answer."""

REQUESTS: Final[Mapping[str, Quantity]] = {"cpu": "50m", "memory": "96Mi"}
LIMITS: Final[Mapping[str, Quantity]] = {"memory": "512Mi"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """What the operator brings to all runs.

    Attributes:
        image: Image of the runner: the operator's own.
        pull_policy: When it is pulled.
        pull_secrets: Names of Secrets by which it is pulled; a run's namespace has to have them.
    """

    image: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()


def runner_job(
    run: PipelineRun,
    *,
    settings: RunnerSettings,
    pools: Mapping[str, PoolAddress],
    secrets: Iterable[SecretKey] = (),
    runner: Runner | None = None,
    suspend: bool = False,
) -> Manifest:
    """Return the Job of a run; it goes with the run.

    It is made once. The cluster takes no other template for it, such as one with the image of a
    later operator; `suspend` alone may change.

    Args:
        run: The run, with the uid that the cluster gave it.
        settings: What the operator brings.
        pools: The Pools that the run calls, by name.
        secrets: Keys of Secrets that are inputs.
        runner: What the Pipeline says of its runs' pods.
        suspend: Whether no pod may run, beside the run's own word: a Cancel ends it.
    """
    owner, labels = owner_of(run, "PipelineRun"), run_labels(run)
    name = names.job_name(owner.name, owner.uid)
    managed = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
    template = {
        "metadata": {"labels": {**managed, **labels}},
        "spec": _pod(name, run, settings, pools, tuple(secrets), runner or Runner()),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(owner, name, labels),
        "spec": {
            "backoffLimit": BACKOFF_LIMIT,
            "completions": 1,
            "parallelism": 1,
            # One of a lost node never ends: the next starts beside it, and its claim fences it off.
            "podReplacementPolicy": "TerminatingOrFailed",
            "suspend": suspend or bool(run.spec.suspend),
            "template": template,
        },
    }


def runner_resources(runner: Runner) -> Resources:
    """Return what a run's pod asks for and may use.

    A limit below what is asked for by default lowers that; a request above a default limit raises
    it. A device that only one side names counts for both, as the cluster wants it.
    """
    given = runner.resources or Resources()
    asked, most = given.requests or {}, given.limits or {}
    requests, limits = {**REQUESTS, **asked}, {**LIMITS, **most}
    for name, request in requests.items():
        if name in limits and name not in asked:
            requests[name] = min(request, limits[name], key=amount)
        elif (name in limits or "/" in name) and name not in most:
            limits[name] = max(request, limits.get(name, request), key=amount)
    return Resources(requests=requests, limits=limits)


def _pod(
    job: str,
    run: PipelineRun,
    settings: RunnerSettings,
    pools: Mapping[str, PoolAddress],
    secrets: tuple[SecretKey, ...],
    runner: Runner,
) -> Manifest:
    volumes = _volumes(job, pools, secrets)
    container: Manifest = {
        "name": names.RUNNER_CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy,
        "command": ["python", "-m", "dspex.runner"],
        "env": _env(run),
        "resources": runner_resources(runner).to_json(),
        "volumeMounts": [
            {"name": name, "mountPath": path} | ({} if writable else {"readOnly": True})
            for name, path, writable, _ in volumes
        ],
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    made: Manifest = {
        "serviceAccountName": names.RUNNER_SERVICE_ACCOUNT,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": pod_security(),
        "tolerations": _tolerations(runner),
        "containers": [container],
        "volumes": [{"name": name, **source} for name, _, _, source in volumes],
    }
    optional = {
        "imagePullSecrets": [{"name": name} for name in settings.pull_secrets],
        "nodeSelector": runner.node_selector,
        "priorityClassName": runner.priority_class_name,
    }
    return made | {name: value for name, value in optional.items() if value}


def _env(run: PipelineRun) -> list[Manifest]:
    fields = {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid"}
    return [
        {"name": "DSPEX_RUN_NAME", "value": run.metadata.name},
        {"name": "DSPEX_RUN_NAMESPACE", "value": run.metadata.namespace},
        {"name": "DSPEX_RUN_UID", "value": run.metadata.uid},
        {"name": "HOME", "value": "/tmp"},  # noqa: S108 -- in the container
        *(
            {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
            for name, path in fields.items()
        ),
    ]


_Volume = tuple[str, str, bool, dict[str, Any]]
"""Name, place, whether it can be written to, and source."""


def _volumes(
    job: str, pools: Mapping[str, PoolAddress], secrets: tuple[SecretKey, ...]
) -> list[_Volume]:
    found: list[_Volume] = [
        ("tmp", "/tmp", True, {"emptyDir": {}}),  # noqa: S108 -- in the container
        ("plan", names.PLAN_DIR, False, {"configMap": {"name": names.plan_name(job)}}),
    ]
    if pools:
        sources = [_token(name, pool) for name, pool in sorted(pools.items())]
        found.append(("tokens", names.TOKENS_DIR, False, {"projected": {"sources": sources}}))
    for index, secret in enumerate(sorted({each.secret for each in secrets})):
        keys = sorted({each.key for each in secrets if each.secret == secret})
        items = [{"key": key, "path": key} for key in keys]
        source = {"secret": {"secretName": secret, "items": items, "defaultMode": 0o440}}
        found.append((f"input-{index}", f"{names.INPUTS_DIR}/{secret}", False, source))
    return found


def _token(name: str, pool: PoolAddress) -> Manifest:
    return {
        "serviceAccountToken": {
            "audience": pool.audience,
            "expirationSeconds": names.TOKEN_SECONDS,
            "path": name,
        }
    }


def _tolerations(runner: Runner) -> list[Manifest]:
    """Return the Pipeline's, and how long a pod stays on a lost node where it does not say."""
    given = {each.key for each in runner.tolerations}
    lost: list[Manifest] = [
        {
            "key": key,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": UNREACHABLE_SECONDS,
        }
        for key in LOST_NODES
        if key not in given
    ]
    return [each.to_json() for each in runner.tolerations] + lost
