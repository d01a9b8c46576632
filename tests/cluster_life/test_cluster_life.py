"""The cluster's own life: up after a crash, and down without a trace. Ends the cluster that is up."""

import subprocess
from pathlib import Path

import pytest

from cluster import network
from cluster.addresses import OUTSIDE_LINK
from cluster.choose import choose
from cluster.node_cluster import NodeCluster
from cluster.paths import cache
from cluster.processes import Processes, hierarchies, members, mounts, until


@pytest.fixture
def node() -> NodeCluster:
    """Return the cluster that is built and run here, up."""
    found = choose()
    if not isinstance(found, NodeCluster):
        pytest.skip("another's cluster is used, whose life is not ours to end")
    found.up()
    return found


def test_after_a_crash_it_comes_up_anew(node: NodeCluster) -> None:
    """With components killed in the midst of their work, up clears what is left and starts over."""
    processes = Processes(cache() / "state")
    names = ("etcd", "containerd", "kubelet")
    victims = [processes.pid(name) for name in names]
    assert all(victims)
    subprocess.run(["kill", "-KILL", *map(str, victims)], check=True)
    # Until its last thread has ended, a process is as alive as any.
    assert until(lambda: not any(map(processes.pid, names)))
    node.up()
    assert not set(victims) & set(map(processes.pid, names))
    assert "Ready" in node.status()


def test_down_leaves_nothing_behind(node: NodeCluster) -> None:
    """No process, mount, network device, cgroup or rule of iptables stays; what was built does."""
    programs = node.programs
    node.down()
    assert members() == []
    assert list(mounts(cache() / "state")) == []
    assert not network.exists()
    assert not (Path("/sys/class/net") / OUTSIDE_LINK).exists()
    assert not [folder for folder in hierarchies() if folder.exists()]
    assert "KUBE-" not in _rules()
    assert not (cache() / "state").exists()
    assert all((folder / "kubectl").exists() for folder in programs)


def _rules() -> str:
    """Return the host's own rules; the cluster's are in its network namespace."""
    return subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
