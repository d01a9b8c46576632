"""Which of the three ways to a cluster is taken."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping

from cluster.cluster import Cluster, ClusterError

CONTEXT = "DSPEX_TEST_CONTEXT"
"""Names a context of the kubeconfig whose cluster the tests may use."""


def open_cluster() -> Cluster:
    """Return the cluster that tests use, started if it is not up.

    Raises:
        ClusterError: None of the ways is open; the message says what each lacks.
    """
    found = choose()
    found.up()
    return found


def choose(environment: Mapping[str, str] = os.environ) -> Cluster:
    """Return the cluster of the first way that is open, as it is: up or not.

    `KUBECONFIG` alone is never taken: it may be someone's production.

    Raises:
        ClusterError: None of the ways is open.
    """
    way = which_way(environment, works=_works, user=os.geteuid(), platform=sys.platform)
    if way == "context":
        from cluster.context import ContextCluster

        return ContextCluster(environment[CONTEXT])
    if way == "kind":
        from cluster.kind import KindCluster

        return KindCluster()
    from cluster.node_cluster import NodeCluster

    return NodeCluster()


def which_way(
    environment: Mapping[str, str], *, works: Callable[..., bool], user: int, platform: str
) -> str:
    """Return `context`, `kind` or `node`.

    Args:
        environment: Where the context may be named.
        works: Says whether a command ends well.
        user: Effective user id.
        platform: As `sys.platform`.

    Raises:
        ClusterError: None of the ways is open.
    """
    if environment.get(CONTEXT):
        return "context"
    if works("kind", "version") and (works("docker", "info") or works("podman", "info")):
        return "kind"
    if platform.startswith("linux") and user == 0 and works("go", "version"):
        return "node"
    raise ClusterError(
        f"no cluster for the tests: name a context of yours in {CONTEXT}, or install kind with a "
        "Docker or Podman that works, or run as root on Linux with Go installed"
    )


def _works(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    return done.returncode == 0
