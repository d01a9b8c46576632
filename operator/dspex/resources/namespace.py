"""What stands in each namespace with a Pool or run: who runs, and keys by which workers verify."""

import json
from collections.abc import Mapping
from typing import Any

from dspex.resources import names
from dspex.resources.metadata import Manifest


def namespace_objects(
    namespace: str, *, role: str, jwks: Mapping[str, Any], issuer: str
) -> tuple[Manifest, ...]:
    """Return the runners' ServiceAccount, its rights, and the cluster's public keys.

    They belong to nobody: whoever makes the last Pool and run go takes them away too.

    Args:
        namespace: The namespace.
        role: The ClusterRole of the chart that runners have.
        jwks: The cluster's public keys, as `/openid/v1/jwks` gives them.
        issuer: Who issues the cluster's tokens, as `/.well-known/openid-configuration` says.
    """
    return (
        service_account(namespace),
        role_binding(namespace, role),
        keys(namespace, jwks, issuer),
    )


def service_account(namespace: str) -> Manifest:
    """Return the ServiceAccount of the runners."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(namespace, names.RUNNER_SERVICE_ACCOUNT),
        "automountServiceAccountToken": False,
    }


def role_binding(namespace: str, role: str) -> Manifest:
    """Return what lets the runners write their runs' status and data, in this namespace."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": _metadata(namespace, names.RUNNER_ROLE_BINDING),
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role,
        },
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": names.RUNNER_SERVICE_ACCOUNT,
                "namespace": namespace,
            }
        ],
    }


def keys(namespace: str, jwks: Mapping[str, Any], issuer: str) -> Manifest:
    """Return the ConfigMap by which workers verify tokens without asking anybody."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(namespace, names.KEYS_CONFIG_MAP),
        "data": {
            names.JWKS_KEY: json.dumps(jwks, sort_keys=True),
            names.ISSUER_KEY: issuer,
        },
    }


def _metadata(namespace: str, name: str) -> Manifest:
    labels = {names.NAME_LABEL: names.RUNNER, names.MANAGED_BY_LABEL: names.MANAGED_BY}
    return {"name": name, "namespace": namespace, "labels": labels}
