"""The node's components and their command lines, in the order in which they start."""

from collections.abc import Mapping
from pathlib import Path

from cluster.addresses import API_PORT, NODE, NODE_NAME, SERVICES

ORDER = (
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)


def commands(programs: Path, state: Path) -> Mapping[str, list[str]]:
    """Return each component's command line.

    Args:
        programs: Folder of the built programs.
        state: Folder of configuration, certificates and data.
    """
    keys = state / "certificates"
    parts: dict[str, list[str]] = {
        "etcd": [
            f"--data-dir={state}/etcd",
            "--unsafe-no-fsync",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--log-level=warn",
        ],
        "kube-apiserver": [
            f"--advertise-address={NODE}",
            "--allow-privileged",
            "--authorization-mode=Node,RBAC",
            f"--bind-address={NODE}",
            f"--client-ca-file={keys}/ca.crt",
            "--enable-admission-plugins=NodeRestriction",
            "--etcd-servers=http://127.0.0.1:2379",
            f"--kubelet-client-certificate={keys}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={keys}/apiserver-kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP",
            f"--secure-port={API_PORT}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={keys}/sa.pub",
            f"--service-account-signing-key-file={keys}/sa.key",
            f"--service-cluster-ip-range={SERVICES}",
            f"--tls-cert-file={keys}/apiserver.crt",
            f"--tls-private-key-file={keys}/apiserver.key",
        ],
        "kube-controller-manager": [
            f"--kubeconfig={state}/kube-controller-manager.kubeconfig",
            f"--root-ca-file={keys}/ca.crt",
            f"--service-account-private-key-file={keys}/sa.key",
            f"--cluster-signing-cert-file={keys}/ca.crt",
            f"--cluster-signing-key-file={keys}/ca.key",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--node-monitor-grace-period=20s",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ],
        "kube-scheduler": [
            f"--kubeconfig={state}/kube-scheduler.kubeconfig",
            "--leader-elect=false",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ],
        "kubelet": [
            f"--config={state}/kubelet.json",
            f"--kubeconfig={state}/kubelet.kubeconfig",
            f"--root-dir={state}/kubelet",
            f"--cert-dir={state}/kubelet-certificates",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE}",
            "--node-labels=dspex.dev/node=example",
        ],
        "kube-proxy": [f"--config={state}/kube-proxy.json", f"--hostname-override={NODE_NAME}"],
        "coredns": [f"-conf={state}/Corefile"],
    }
    built = {name: [str(programs / name), *flags] for name, flags in parts.items()}
    return {**built, "containerd": ["containerd", f"--config={state}/containerd.toml"]}
