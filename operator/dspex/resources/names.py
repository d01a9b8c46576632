"""How things are called in the cluster: labels, names of children, audiences, places in pods.

The admission policies of the chart read some of them too: names of Jobs, of the runners'
ServiceAccount, and `podUID`. Change none without the other.
"""

import hashlib
from typing import Final

MAX_CHILD_NAME: Final = 52
"""Characters of a child's name, so that the names of its pods are cut nowhere."""

MAX_JOB_PREFIX: Final = 36
"""Characters of a run's name in the name of its Job."""

# Labels
NAME_LABEL: Final = "app.kubernetes.io/name"
INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
POOL_LABEL: Final = "dspex.dev/pool"
PIPELINE_LABEL: Final = "dspex.dev/pipeline"
TRIGGER_LABEL: Final = "dspex.dev/trigger"
"""Name of the trigger, on a run that one has started."""

RUN_LABEL: Final = "dspex.dev/run"
RUN_UID_LABEL: Final = "dspex.dev/run-uid"
FINISHED_LABEL: Final = "dspex.dev/finished"
"""`"true"` on a run that has ended, so that it is skipped early."""

RUNNER_FINISHED: Final = "Finished"
"""`status.runner.phase` of a run whose runner has said its last word."""

OPERATOR: Final = "dspex"
WORKER: Final = "dspex-worker"
RUNNER: Final = "dspex-runner"
MANAGED_BY: Final = "dspex"
MANAGED: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
"""Label selector of everything that DSPex makes."""

# Annotations
CONFIG_ANNOTATION: Final = "dspex.dev/config"
"""Digest of all that workers are configured with; a pod with another one is replaced."""

SCHEDULED_TIME_ANNOTATION: Final = "dspex.dev/scheduled-time"
"""The time that a trigger's run is for."""

# Field managers
OPERATOR_MANAGER: Final = "dspex-operator"
RUNNER_MANAGER: Final = "dspex-runner"

# What stands in each namespace with a Pool or a run
RUNNER_SERVICE_ACCOUNT: Final = "dspex-runner"
RUNNER_ROLE_BINDING: Final = "dspex-runner"
KEYS_CONFIG_MAP: Final = "dspex-keys"
JWKS_KEY: Final = "jwks.json"
ISSUER_KEY: Final = "issuer"

# Workers
WORKER_PORT: Final = 8080
WORKER_PORT_NAME: Final = "http"
WORKER_CONTAINER: Final = "worker"
API_KEY_ENV: Final = "DSPEX_MODEL_API_KEY"
POOL_DIR: Final = "/etc/dspex/pool"
POOL_FILE: Final = "pool.json"
KEYS_DIR: Final = "/etc/dspex/keys"

# Runners
RUNNER_CONTAINER: Final = "runner"
PLAN_DIR: Final = "/etc/dspex/plan"
PLAN_FILE: Final = "plan.json.gz"
RUN_FILE: Final = "run.json"
TOKENS_DIR: Final = "/etc/dspex/tokens"
INPUTS_DIR: Final = "/etc/dspex/inputs"
TOKEN_SECONDS: Final = 600
CHECKPOINTED: Final = 3
"""Exit status of a runner that was told to end, and has left the run for another to go on with."""


def child_name(owner: str, uid: str, suffix: str = "") -> str:
    """Return the name of an object that another one owns: unlike that of any other owner.

    Args:
        owner: Name of the owner.
        uid: Its uid; an owner of the same name that came before had another.
        suffix: What the child is, where the owner has several of a kind.

    Returns:
        A name that serves for a Service too, which must begin with a letter: at most 52
        characters.
    """
    ending = "-".join(["", hashlib.sha256(uid.encode()).hexdigest()[:8], *filter(None, [suffix])])
    beginning = owner if owner[:1].isalpha() else f"d{owner}"
    return beginning[: MAX_CHILD_NAME - len(ending)].rstrip("-") + ending


def job_name(run: str, uid: str) -> str:
    """Return the name of a run's Job; the policies find the run's uid in the name of its pod."""
    return f"{run[:MAX_JOB_PREFIX].rstrip('-')}-{uid[-12:]}"


def plan_name(job: str) -> str:
    """Return the name of the ConfigMap with a run's plan."""
    return f"{job}-plan"


def audience(namespace: str, pool: str) -> str:
    """Return the audience of the tokens that a pool's workers accept."""
    return f"dspex.dev/{namespace}/{pool}"


def service_host(service: str, namespace: str) -> str:
    """Return the host under which a cluster's pods find a Service."""
    return f"{service}.{namespace}.svc"
