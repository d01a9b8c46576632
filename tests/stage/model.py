"""A stub model in a namespace: a pod and a Service, asked about its calls through the API server."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stage.images import WORKER
from stage.kubectl import Kubectl

NAME: Final = "stub-model"
PORT: Final = 9000
BASE: Final = f"http://{NAME}:{PORT}/v1"
"""What a Pool's `model.apiBase` is."""

_PROGRAM: Final = Path(__file__).with_name("stub_model.py")


def start(kubectl: Kubectl) -> None:
    """Put the stub into a namespace and wait until it answers."""
    labels = {"app": NAME}
    kubectl.apply(
        _object("v1", "ConfigMap", data={"stub.py": _PROGRAM.read_text()}),
        _object(
            "v1", "Service", spec={"selector": labels, "ports": [{"port": PORT, "name": "http"}]}
        ),
        _object(
            "apps/v1",
            "Deployment",
            spec={
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _pod()},
            },
        ),
    )
    kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", seconds=130)


def asked(kubectl: Kubectl) -> Mapping[str, int]:
    """Return how often each question was asked since the stub started."""
    return _calls(kubectl)["asked"]


def answered(kubectl: Kubectl) -> Mapping[str, int]:
    """Return how often each question was answered since the stub started."""
    return _calls(kubectl)["answered"]


def _calls(kubectl: Kubectl) -> dict[str, dict[str, int]]:
    path = f"/api/v1/namespaces/{kubectl.namespace}/services/{NAME}:{PORT}/proxy/calls"
    found: dict[str, dict[str, int]] = json.loads(kubectl("get", "--raw", path))
    return found


def _pod() -> dict[str, Any]:
    return {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "stub",
                "image": WORKER,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python", "/stub/stub.py", str(PORT)],
                "ports": [{"containerPort": PORT, "name": "http"}],
                "readinessProbe": {
                    "httpGet": {"path": "/calls", "port": "http"},
                    "periodSeconds": 1,
                },
                "volumeMounts": [{"name": "stub", "mountPath": "/stub"}],
            }
        ],
        "volumes": [{"name": "stub", "configMap": {"name": NAME}}],
    }


def _object(version: str, kind: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": NAME}, **parts}
