"""A cluster made by kind, over Docker or Podman."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.cluster import ClusterError
from cluster.paths import cache

NAME: Final = "dspex-test"
CONFIG: Final = Path(__file__).parents[2] / "kind-config.yaml"


class KindCluster:
    """Makes a kind cluster of the project's own name, with `kind-config.yaml`."""

    name = "kind"
    owns_node = False
    context = f"kind-{NAME}"

    def __init__(self) -> None:
        self.kubeconfig = cache() / "kind" / "kubeconfig"
        self.programs: Sequence[Path] = ()

    def up(self) -> None:
        """Create it unless it is there."""
        if NAME in self._kind("get", "clusters").split():
            self._kind("export", "kubeconfig", "--name", NAME, *self._config())
            return
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        wanted = ("--name", NAME, "--config", str(CONFIG), "--wait", "120s")
        self._kind("create", "cluster", *wanted, *self._config())

    def down(self) -> None:
        """Delete it."""
        self._kind("delete", "cluster", "--name", NAME, *self._config())

    def status(self) -> str:
        """Say whether it is there."""
        there = NAME in self._kind("get", "clusters").split()
        return f"kind cluster {NAME}: {'up' if there else 'down'}\n"

    def logs(self, component: str) -> str:
        """Export all logs; return where they are."""
        folder = self.kubeconfig.parent / "logs"
        self._kind("export", "logs", str(folder), "--name", NAME)
        return f"{folder}\n"

    def load(self, archive: Path) -> None:
        """Load an image into its node."""
        self._kind("load", "image-archive", str(archive), "--name", NAME)

    def restart_api_server(self) -> None:
        """Refuse: only the way that owns its node is broken on purpose."""
        raise ClusterError("kind's node is not broken on purpose")

    stop_dns = start_dns = restart_api_server

    def kill_container(self, identity: str) -> None:
        """Refuse, likewise."""
        self.restart_api_server()

    def _config(self) -> tuple[str, str]:
        return "--kubeconfig", str(self.kubeconfig)

    def _kind(self, *arguments: str) -> str:
        done = subprocess.run(
            ["kind", *arguments], capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            raise ClusterError(f"kind {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout
