"""The pods of Pools as this operator makes them, recorded: what runs already is to stay.

After a change that is meant, write the record anew (PYTHONPATH=. python -m fakes.recorded_pods, in
tests) and say in the changelog that an upgrade replaces all workers.
"""

import json
from pathlib import Path
from typing import Any

from dspex.resources.pool_children import pool_children
from fakes.cluster_objects import SETTINGS, cluster_pool

RECORD = Path(__file__).parent.parent / "unit" / "resources" / "recorded_pods.json"

SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "embedded": {"model": {"embedded": True}},
    "optimizer": {"profile": "Optimizer", "replicas": 3},
    "neural": {"profile": "Neural", "gpu": {"nodeSelector": {"gpu": "large"}}},
    "rich": {
        "model": {"name": "openai/x", "apiKeySecretRef": {"name": "llm", "key": "api-key"}},
        "image": "example.com/own:3",
        "imagePullPolicy": "Always",
        "imagePullSecrets": [{"name": "registry"}],
        "callTimeout": "90s",
        "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 2, "memory": "2Gi"}},
        "env": [
            {"name": "A", "value": "costs $(5)"},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        ],
        "envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone"}],
        "priorityClassName": "high",
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "podAnnotations": {"example.com/scrape": "true"},
        "allowedClients": ["reports"],
    },
}


def templates() -> dict[str, Any]:
    """Make the pod templates of the Pools above, as JSON."""
    made = {name: pool_children(cluster_pool(**spec), SETTINGS)[-1] for name, spec in SPECS.items()}
    found: dict[str, Any] = json.loads(
        json.dumps({name: each["spec"]["template"] for name, each in made.items()})
    )
    return found


def write() -> None:
    """Write the record."""
    RECORD.write_text(json.dumps(templates(), indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    write()
