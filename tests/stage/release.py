"""The chart on the cluster, installed as a person would."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from images.image import IMAGES
from stage.images import EMBEDDED, OPERATOR, WORKER
from stage.kubectl import Kubectl

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "dspex"
SYSTEM: Final = "dspex-system"
RELEASE: Final = "dspex"


@dataclass(frozen=True)
class Release:
    """One release of the chart.

    Attributes:
        kubectl: The cluster.
        name: Of the release.
        namespace: Where the operator runs.
    """

    kubectl: Kubectl
    name: str = RELEASE
    namespace: str = SYSTEM

    @property
    def inside(self) -> Kubectl:
        """Return kubectl in the operator's namespace."""
        return self.kubectl.within(self.namespace)

    def helm(self, *arguments: str, seconds: float = 300) -> str:
        """Run helm and return what it printed.

        Raises:
            AssertionError: It failed.
        """
        context = ["--kube-context", self.kubectl.context] if self.kubectl.context else []
        done = subprocess.run(
            ["helm", *context, "--namespace", self.namespace, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**self.kubectl.environment, "KUBECONFIG": str(self.kubectl.kubeconfig)},
        )
        assert done.returncode == 0, f"helm {' '.join(arguments)}\n{done.stderr}{done.stdout}"
        return done.stdout

    def install(self, chart: Path = CHART, **values: Any) -> str:
        """Install or upgrade; wait until the operator is ready. Returns helm's notes."""
        return self.helm(
            "upgrade",
            "--install",
            self.name,
            str(chart),
            "--create-namespace",
            "--wait",
            "--timeout=180s",
            *_flags({**image_values(), **values}),
        )

    def uninstall(self) -> str:
        """Take the release away; the CRDs and what was made of them stay."""
        return self.helm("uninstall", self.name, "--wait")

    def operators(self) -> list[dict[str, Any]]:
        """Return the operator's pods."""
        return self.inside.list("pods", "app.kubernetes.io/component=operator")

    def leader(self) -> str:
        """Return the name of the operator pod that leads."""
        lease = self.inside.get("lease", self.name)
        return str(lease["spec"]["holderIdentity"])

    def logs(self) -> str:
        """Return what the operators logged."""
        return self.inside(
            "logs", "-l", "app.kubernetes.io/component=operator", "--tail=-1", "--prefix"
        )


def image_values() -> Mapping[str, Any]:
    """Return the chart's values that name the images built from this tree.

    The annotation replaces the operator's pods where its image has changed: the tag is always dev.
    """
    return {
        "podAnnotations": {"dspex.dev/image": IMAGES["operator"].digest("")},
        "image.pullPolicy": "IfNotPresent",
        "image.repository": OPERATOR.partition(":")[0],
        "image.tag": OPERATOR.partition(":")[2],
        "worker.image.repository": WORKER.partition(":")[0],
        "worker.image.tag": WORKER.partition(":")[2],
        "worker.embeddedImage.repository": EMBEDDED.partition(":")[0],
        "worker.embeddedImage.tag": EMBEDDED.partition(":")[2],
    }


def _flags(values: Mapping[str, Any]) -> list[str]:
    flags = []
    for name, value in values.items():
        flags += ["--set-json", f"{name.replace('__', '.')}={json.dumps(value)}"]
    return flags


def environment(*folders: Path) -> dict[str, str]:
    """Return this process' environment with further folders of programs in front."""
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}
