"""A cluster of one's own, named by a context of the kubeconfig."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.cluster import ClusterError


class ContextCluster:
    """Uses a cluster and never changes the cluster itself.

    Args:
        context: Context of the kubeconfig. The images must be there, or be pullable.
    """

    name = "context"
    owns_node = False

    def __init__(self, context: str) -> None:
        self.context = context
        self.kubeconfig = Path(os.environ.get("KUBECONFIG", "~/.kube/config")).expanduser()
        self.programs: Sequence[Path] = ()

    def up(self) -> None:
        """Find that it answers.

        Raises:
            ClusterError: It does not.
        """
        done = self._kubectl("get", "--raw", "/readyz")
        if done.returncode:
            raise ClusterError(f"context {self.context} does not answer: {done.stderr.strip()}")

    def down(self) -> None:
        """Leave it as it is: it is not ours."""

    def status(self) -> str:
        """Return its nodes."""
        return self._kubectl("get", "nodes", "-o", "wide").stdout

    def logs(self, component: str) -> str:
        """Return the logs of a component's pods in kube-system."""
        return self._kubectl("logs", "-n", "kube-system", "-l", f"component={component}").stdout

    def load(self, archive: Path) -> None:
        """Trust that the images are there."""

    def restart_api_server(self) -> None:
        """Refuse: the cluster is not ours."""
        raise ClusterError("the API server of a named context is never restarted")

    stop_dns = start_dns = restart_api_server

    def kill_container(self, identity: str) -> None:
        """Refuse, likewise."""
        self.restart_api_server()

    def _kubectl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["kubectl", "--context", self.context, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
