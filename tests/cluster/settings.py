"""The configuration files of the node's components; pure functions from places to texts."""

import base64
import json
from pathlib import Path
from typing import Any, Final

from cluster.addresses import API_PORT, NODE, PODS, PODS_GATEWAY

PAUSE_IMAGE: Final = "dspex/pause:test"
CGROUP: Final = "dspex-test"
"""The cgroup, in every hierarchy, that holds all processes of the cluster."""

CLUSTER_DOMAIN: Final = "cluster.local"


def kubeconfig(certificates: Path, user: str) -> str:
    """Return a kubeconfig with the user's certificate inside."""

    def inline(name: str) -> str:
        return base64.b64encode((certificates / name).read_bytes()).decode()

    server = f"https://{NODE}:{API_PORT}"
    authority = {"server": server, "certificate-authority-data": inline("ca.crt")}
    pair = {
        "client-certificate-data": inline(f"{user}.crt"),
        "client-key-data": inline(f"{user}.key"),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "dspex-test",
            "clusters": [{"name": "dspex-test", "cluster": authority}],
            "users": [{"name": user, "user": pair}],
            "contexts": [
                {"name": "dspex-test", "context": {"cluster": "dspex-test", "user": user}}
            ],
        },
        indent=1,
    )


def kubelet(state: Path) -> str:
    """Return the kubelet's configuration: cgroup v1, small reserves, room for many short pods."""
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE,
            "authentication": {
                "anonymous": {"enabled": False},
                "x509": {"clientCAFile": str(state / "certificates" / "ca.crt")},
            },
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{CGROUP}",
            "clusterDNS": [NODE],
            "clusterDomain": CLUSTER_DOMAIN,
            "containerRuntimeEndpoint": f"unix://{state / 'containerd.sock'}",
            "enforceNodeAllocatable": [],
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,
            "kubeAPIQPS": 200,
            "kubeAPIBurst": 400,
            "maxPods": 500,
            "podLogsDir": str(state / "pod-logs"),
            "registerNode": True,
            "resolvConf": str(state / "resolv.conf"),
            "serializeImagePulls": False,
            "volumePluginDir": str(state / "volume-plugins"),
        },
        indent=1,
    )


def proxy(state: Path) -> str:
    """Return kube-proxy's configuration: iptables, none of the kernel's connection limits."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "bindAddress": NODE,
            "clientConnection": {"kubeconfig": str(state / "kube-proxy.kubeconfig")},
            "clusterCIDR": PODS,
            "conntrack": {
                "maxPerCore": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
            "iptables": {"minSyncPeriod": "100ms"},
            "mode": "iptables",
        },
        indent=1,
    )


def containerd(state: Path) -> str:
    """Return containerd's configuration; all that it keeps is under `state`."""
    return f"""version = 2
root = "{state}/containerd"
state = "{state}/containerd-run"
oom_score = 0
[grpc]
  address = "{state}/containerd.sock"
[ttrpc]
  address = "{state}/containerd.sock.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/{PAUSE_IMAGE}"
  # Without the capability to lower it, every sandbox would fail to start.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{state}/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "{state}/opt"
"""


def network(state: Path) -> str:
    """Return the CNI configuration: a bridge, addresses from `PODS`, host ports."""
    ranges: dict[str, Any] = {
        "type": "host-local",
        "dataDir": str(state / "cni-addresses"),
        "ranges": [[{"subnet": PODS, "gateway": PODS_GATEWAY}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": ranges,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps(
        {"cniVersion": "0.4.0", "name": "dspex-test", "plugins": [bridge, ports]}, indent=1
    )


def corefile(state: Path) -> str:
    """Return CoreDNS' configuration: the cluster's names alone, answers that age at once."""
    return f""".:53 {{
  bind {NODE}
  errors
  kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
    kubeconfig {state}/coredns.kubeconfig
    ttl 1
  }}
}}
"""
