"""What stands in a namespace with a Pool or a run: account, rights, public keys."""

import json
from pathlib import Path

from dspex.resources import names
from dspex.resources.namespace import namespace_objects
from dspex_worker.accounts import Accounts
from fakes.cluster_keys import ISSUER, ClusterKeys

KEY = ClusterKeys()
JWKS = {"keys": [KEY.public]}
ACCOUNT, BINDING, KEYS = namespace_objects("shop", role="dspex-runner", jwks=JWKS, issuer=ISSUER)


def test_they_are_the_three_and_belong_to_nobody() -> None:
    """No owner takes them away: two Pools and ten runs of the namespace share them."""
    assert [(each["apiVersion"], each["kind"]) for each in (ACCOUNT, BINDING, KEYS)] == [
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("v1", "ConfigMap"),
    ]
    assert [each["metadata"]["name"] for each in (ACCOUNT, BINDING, KEYS)] == [
        names.RUNNER_SERVICE_ACCOUNT,
        names.RUNNER_ROLE_BINDING,
        names.KEYS_CONFIG_MAP,
    ]
    for each in (ACCOUNT, BINDING, KEYS):
        assert each["metadata"]["namespace"] == "shop"
        assert "ownerReferences" not in each["metadata"]
        assert each["metadata"]["labels"][names.MANAGED_BY_LABEL] == names.MANAGED_BY


def test_a_pod_of_the_account_has_a_token_only_where_it_says_so() -> None:
    """Whoever may create a pod with the account by mistake gets no token without asking."""
    assert ACCOUNT["automountServiceAccountToken"] is False
    assert ACCOUNT["metadata"]["name"] == names.RUNNER_SERVICE_ACCOUNT


def test_the_runners_of_the_namespace_and_no_others_have_the_rights() -> None:
    """One subject of this namespace, bound to the chart's ClusterRole."""
    assert BINDING["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "dspex-runner",
    }
    assert BINDING["subjects"] == [
        {"kind": "ServiceAccount", "name": ACCOUNT["metadata"]["name"], "namespace": "shop"}
    ]


def test_equal_keys_make_equal_bytes() -> None:
    """Whatever the order in which the API server names them, nothing is written anew."""
    turned = {"keys": [dict(reversed(KEY.public.items()))]}
    _, _, again = namespace_objects("shop", role="r", jwks=turned, issuer=ISSUER)
    assert again == KEYS
    assert json.loads(KEYS["data"][names.JWKS_KEY]) == JWKS


def test_a_worker_verifies_by_the_config_map_as_it_is_mounted(tmp_path: Path) -> None:
    """The keys of the ConfigMap are the files that the worker looks for."""
    for name, text in KEYS["data"].items():
        (tmp_path / name).write_text(text)
    accounts = Accounts(tmp_path, namespace="shop", pool="small")
    accounts.verify(f"Bearer {KEY.token(audience=names.audience('shop', 'small'))}")
