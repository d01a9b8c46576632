"""A throw-away certificate authority, and a certificate for each component."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.addresses import API_SERVICE, NODE, NODE_NAME

DAYS: Final = "30"
USERS: Final = {
    "admin": "/O=system:masters/CN=admin",
    "kube-controller-manager": "/CN=system:kube-controller-manager",
    "kube-scheduler": "/CN=system:kube-scheduler",
    "kube-proxy": "/CN=system:kube-proxy",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE_NAME}",
    # It lists what it answers for; nobody but this test cluster trusts its certificate.
    "coredns": "/O=system:masters/CN=coredns",
    "apiserver-kubelet-client": "/O=system:masters/CN=apiserver-kubelet-client",
}
"""Subject of each client's certificate: its user and groups."""

SERVER_NAMES: Final = (
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    "DNS:kubernetes.default.svc.cluster.local",
    "DNS:localhost",
    f"IP:{NODE}",
    f"IP:{API_SERVICE}",
    "IP:127.0.0.1",
)


def make(folder: Path) -> None:
    """Write ca, apiserver, one pair for each of `USERS`, and the service-account key."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    _openssl(folder, "req", "-x509", "-nodes", *_new_key("ca"), "-subj", "/CN=dspex-test-ca")
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key")
    _openssl(folder, "ec", "-in", "sa.key", "-pubout", "-out", "sa.pub")
    _sign(folder, "apiserver", "/CN=kube-apiserver", names=SERVER_NAMES)
    for name, subject in USERS.items():
        _sign(folder, name, subject)


def _sign(folder: Path, name: str, subject: str, names: Sequence[str] = ()) -> None:
    extensions = ["basicConstraints=CA:FALSE", "extendedKeyUsage=clientAuth,serverAuth"]
    if names:
        extensions.append(f"subjectAltName={','.join(names)}")
    added = [word for each in extensions for word in ("-addext", each)]
    signer = ("-CA", "ca.crt", "-CAkey", "ca.key")
    _openssl(folder, "req", "-x509", "-nodes", *signer, *_new_key(name), "-subj", subject, *added)


def _new_key(name: str) -> list[str]:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", f"{name}.key"]
    return [*key, "-out", f"{name}.crt", "-days", DAYS]


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
