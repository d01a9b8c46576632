"""What every way to a cluster offers, and what those offer that own their node."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class ClusterError(Exception):
    """The cluster could not be had; the message says what to do."""


class Cluster(Protocol):
    """A cluster that tests may use.

    Attributes:
        name: Which way it was had: context, kind or node.
        kubeconfig: Path of a kubeconfig for it.
        context: Context of the kubeconfig; empty for its current one.
        owns_node: Whether its node may be broken: API server restarted, DNS cut, processes killed.
    """

    name: str
    kubeconfig: Path
    context: str
    owns_node: bool

    @property
    def programs(self) -> Sequence[Path]:
        """Folders with kubectl and helm; empty where PATH has them."""
        ...

    def up(self) -> None:
        """Start it, or find that it is up; what a crash left over is cleared first."""
        ...

    def down(self) -> None:
        """End it and leave nothing behind; no error where there is nothing."""
        ...

    def status(self) -> str:
        """Return in a few lines how it is."""
        ...

    def logs(self, component: str) -> str:
        """Return the log of a component, or the names of the components for an empty name."""
        ...

    def load(self, archive: Path) -> None:
        """Load an image from a docker-archive."""
        ...

    def restart_api_server(self) -> None:
        """Kill the API server and start it again; only where `owns_node`."""
        ...

    def stop_dns(self) -> None:
        """Stop answering names; only where `owns_node`."""
        ...

    def start_dns(self) -> None:
        """Answer names again."""
        ...

    def kill_container(self, identity: str) -> None:
        """Kill a container's processes as the kernel would; only where `owns_node`.

        Args:
            identity: As a pod's status has it: `containerd://…`.
        """
        ...


def environment(cluster: Cluster) -> dict[str, str]:
    """Return the environment in which kubectl and helm find the cluster and are found."""
    path = os.pathsep.join([*map(str, cluster.programs), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "KUBECONFIG": str(cluster.kubeconfig)}
