"""The cluster that is built and run here: every component of Kubernetes on one node."""

import shutil
import ssl
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from cluster import certificates, network, packages, settings
from cluster.addresses import API_PORT, NODE, NODE_NAME
from cluster.build import locked, programs, say
from cluster.cluster import ClusterError
from cluster.components import ORDER, commands
from cluster.paths import cache
from cluster.processes import (
    Processes,
    kill_members,
    make_cgroups,
    members,
    mounts,
    remove_cgroups,
    until,
)

START: Final = 90.0
"""Seconds within which a component must answer."""


class NodeCluster:
    """etcd, API server, controllers, scheduler, containerd, kubelet, proxy and DNS, as root."""

    name = "node"
    owns_node = True
    context = ""

    def __init__(self) -> None:
        self.state = cache() / "state"
        self.kubeconfig = self.state / "admin.kubeconfig"
        self._processes = Processes(self.state)

    @property
    def programs(self) -> Sequence[Path]:
        """The folder with kubectl and helm."""
        return (programs(),)

    def up(self) -> None:
        """Start it, or find that it is up; what a crash left over is cleared first.

        Raises:
            ClusterError: A component did not answer; its log is quoted.
        """
        packages.install(packages.NODE)
        built = programs()
        with locked(self.state.parent):
            if self._all_alive():
                return
            began = time.monotonic()
            self._clear()
            self._prepare()
            self._start(built)
            say(f"up in {time.monotonic() - began:.0f} s")

    def down(self) -> None:
        """End it and leave nothing behind but what was built."""
        with locked(self.state.parent):
            self._clear()

    def status(self) -> str:
        """Return a line for each component and, where it is up, the nodes."""
        lines = [
            f"{name:24} {'pid ' + str(pid) if (pid := self._processes.pid(name)) else 'down'}"
            for name in ORDER
        ]
        if self._processes.alive("kube-apiserver"):
            lines.append(self._kubectl("get", "nodes", "-o", "wide").stdout)
        return "\n".join(lines) + "\n"

    def logs(self, component: str) -> str:
        """Return a component's log; the components' names where none is given."""
        if not component:
            return "\n".join(ORDER) + "\n"
        file = self._processes.log(component)
        return file.read_text(errors="replace") if file.exists() else ""

    def load(self, archive: Path) -> None:
        """Import an image into containerd.

        Raises:
            ClusterError: It is no image.
        """
        done = subprocess.run(
            [*self._ctr(), "images", "import", str(archive)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ClusterError(f"{archive}: {done.stderr.strip()}")

    def restart_api_server(self) -> None:
        """Kill the API server, start it again, wait until it answers."""
        import signal

        self._processes.end("kube-apiserver", signal.SIGKILL)
        self._run("kube-apiserver")
        self._await("kube-apiserver", self._api_answers)

    def stop_dns(self) -> None:
        """Stop answering names."""
        self._processes.end("coredns")

    def start_dns(self) -> None:
        """Answer names again."""
        self._run("coredns")

    def kill_container(self, identity: str) -> None:
        """Kill a container's processes as the kernel would.

        Raises:
            ClusterError: It has not started.
        """
        name = identity.rpartition("/")[2]
        if not name:
            raise ClusterError("a container without an id has no processes yet")
        kill_members(name)

    # start

    def _prepare(self) -> None:
        self.state.mkdir(parents=True, mode=0o711)
        certificates.make(self.state / "certificates")
        keys = self.state / "certificates"
        for user in ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"):
            self._write(f"{user}.kubeconfig", settings.kubeconfig(keys, user))
        self._write("coredns.kubeconfig", settings.kubeconfig(keys, "coredns"))
        self._write("admin.kubeconfig", settings.kubeconfig(keys, "admin"))
        self._write("kubelet.json", settings.kubelet(self.state))
        self._write("kube-proxy.json", settings.proxy(self.state))
        self._write("containerd.toml", settings.containerd(self.state))
        self._write("cni/10-pods.conflist", settings.network(self.state))
        self._write("Corefile", settings.corefile(self.state))
        self._write("resolv.conf", "")
        network.create()
        make_cgroups()

    def _start(self, built: Path) -> None:
        del built
        for name in ("etcd", "kube-apiserver", "containerd"):
            self._run(name)
        self._await(
            "containerd",
            lambda: (
                subprocess.run(
                    [*self._ctr(), "version"], capture_output=True, check=False
                ).returncode
                == 0
            ),
        )
        self._import_pause()
        self._await("kube-apiserver", self._api_answers)
        for name in ORDER[3:]:
            self._run(name)
        self._await("kubelet", self._node_ready)

    def _run(self, name: str) -> None:
        self._processes.start(name, commands(programs(), self.state)[name])

    def _await(self, name: str, answers: object) -> None:
        def settled() -> bool:
            return not self._processes.alive(name) or answers()  # type: ignore[operator]

        if not until(settled, START) or not self._processes.alive(name):
            tail = self.logs(name)[-3000:]
            raise ClusterError(f"{name} did not become ready; its log ends with:\n{tail}")

    def _all_alive(self) -> bool:
        return all(self._processes.alive(name) for name in ORDER) and self._api_answers()

    def _api_answers(self) -> bool:
        trust = ssl.create_default_context(cafile=str(self.state / "certificates" / "ca.crt"))
        trust.load_cert_chain(
            self.state / "certificates" / "admin.crt", self.state / "certificates" / "admin.key"
        )
        try:
            address = f"https://{NODE}:{API_PORT}/readyz"
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
            )
            with opener.open(address, timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def _node_ready(self) -> bool:
        path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
        ready = self._kubectl("get", "node", NODE_NAME, "-o", path).stdout == "True"
        accounts = self._kubectl("get", "serviceaccount", "default", "-n", "default")
        return ready and accounts.returncode == 0

    def _import_pause(self) -> None:
        archive = self.state / "pause.tar"
        archive.write_bytes(
            pause_image(Path(shutil.which("busybox") or "/bin/busybox").read_bytes())
        )
        self.load(archive)

    # end

    def _clear(self) -> None:
        """Clear whatever is there of this or an earlier start."""
        for name in reversed(ORDER):
            self._processes.end(name)
        if members():
            kill_members()
        for point in mounts(self.state):
            subprocess.run(["umount", "--lazy", str(point)], check=False, capture_output=True)
        network.delete()
        remove_cgroups()
        for link in Path("/var/log/containers").glob("*.log"):
            if link.is_symlink() and link.readlink().is_relative_to(self.state):
                link.unlink()
        shutil.rmtree(self.state, ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        file = self.state / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(text)

    def _ctr(self) -> list[str]:
        return ["ctr", "--address", str(self.state / "containerd.sock"), "--namespace", "k8s.io"]

    def _kubectl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(programs() / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def pause_image(busybox: bytes) -> bytes:
    """Return a docker-archive with an image that sleeps: the process that holds a pod."""
    import hashlib
    import json

    layer = BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _add(tar, "sleep", busybox, mode=0o755)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/sleep", "2147483647"]},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"],
            },
        }
    ).encode()
    manifest = [
        {
            "Config": "config.json",
            "RepoTags": [f"docker.io/{settings.PAUSE_IMAGE}"],
            "Layers": ["layer.tar"],
        }
    ]
    image = BytesIO()
    with tarfile.open(fileobj=image, mode="w") as tar:
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "config.json", config)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return image.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mode = mode
    tar.addfile(member, BytesIO(data))
