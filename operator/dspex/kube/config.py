"""Where the API server is, whom to trust, and who one is."""

import base64
import json
import os
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its ServiceAccount's token and the cluster's certificate."""

TOKEN_AGE: Final = 60.0
"""Seconds after which a token's file is read anew: the kubelet renews it."""


class ClusterConfig:
    """The way to one API server.

    Args:
        server: URL without a slash at its end.
        trust: TLS context, with the client's certificate where there is one; None for http.
        token_file: File of the bearer token; None for none.
        token: The bearer token itself, where it has no file.
    """

    def __init__(
        self,
        server: str,
        trust: ssl.SSLContext | None = None,
        *,
        token_file: Path | None = None,
        token: str = "",
    ) -> None:
        self.server = server.rstrip("/")
        self.trust = trust
        self._token_file = token_file
        self._token = token
        self._read_at = float("-inf")

    def headers(self) -> dict[str, str]:
        """Return who one is, as headers of a request."""
        if self._token_file is not None and time.monotonic() - self._read_at > TOKEN_AGE:
            self._token = self._token_file.read_text().strip()
            self._read_at = time.monotonic()
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


def load_config(environment: Mapping[str, str] = os.environ) -> ClusterConfig:
    """Return a pod's way to its API server, or elsewhere that of the kubeconfig.

    Raises:
        FileNotFoundError: There is no kubeconfig either.
        ValueError: The kubeconfig has a form that is not supported.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if host and ACCOUNT.exists():
        return in_cluster(host, environment.get("KUBERNETES_SERVICE_PORT", "443"))
    path = environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return from_kubeconfig(Path(path.split(os.pathsep)[0]))


def in_cluster(host: str, port: str, account: Path = ACCOUNT) -> ClusterConfig:
    """Return the way that a pod takes, by its ServiceAccount's token."""
    shown = f"[{host}]" if ":" in host else host
    trust = ssl.create_default_context(cafile=str(account / "ca.crt"))
    return ClusterConfig(f"https://{shown}:{port}", trust, token_file=account / "token")


def from_kubeconfig(path: Path) -> ClusterConfig:
    """Return the way that a kubeconfig's current context names.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: The context is not there, or its user logs in by a program.
    """
    config = _read(path)
    name = config.get("current-context", "")
    context = _named(config, "contexts", name, "context", path)
    cluster = _named(config, "clusters", context.get("cluster", ""), "cluster", path)
    user = _named(config, "users", context.get("user", ""), "user", path)
    if "exec" in user or "auth-provider" in user:
        raise ValueError(f"{path}: the user of context {name} logs in by a program; give a token")
    authority = cluster.get("certificate-authority-data")
    trust = ssl.create_default_context(
        cafile=cluster.get("certificate-authority"),
        cadata=base64.b64decode(authority).decode() if authority else None,
    )
    _present_certificate(trust, user)
    token_file = user.get("tokenFile")
    return ClusterConfig(
        cluster["server"],
        trust if cluster["server"].startswith("https") else None,
        token_file=Path(token_file) if token_file else None,
        token=user.get("token", ""),
    )


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text()
    try:
        config = json.loads(text)
    except ValueError:
        import yaml  # a kubeconfig is read outside of a cluster alone

        config = yaml.safe_load(text)
    if not isinstance(config, dict):
        raise ValueError(f"{path}: not a kubeconfig")
    return config


def _named(config: dict[str, Any], part: str, name: str, key: str, path: Path) -> dict[str, Any]:
    for each in config.get(part) or []:
        if each.get("name") == name:
            return dict(each.get(key) or {})
    raise ValueError(f"{path}: {part} has no {name!r}")


def _present_certificate(trust: ssl.SSLContext, user: dict[str, Any]) -> None:
    """Load the client's certificate; the ssl module takes it from files alone."""
    if "client-certificate" in user:
        trust.load_cert_chain(user["client-certificate"], user["client-key"])
    elif "client-certificate-data" in user:
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            for part in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(user[part]))
            file.flush()
            trust.load_cert_chain(file.name)
