"""The chart as helm renders it; helm is taken from PATH or from the test cluster's programs."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "dspex"
KUBERNETES: Final = "1.34.0"
"""What the chart is rendered for where there is no cluster to ask."""

Object = dict[str, Any]


class HelmError(AssertionError):
    """helm ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class Helm:
    """Renders and checks charts; talks to no cluster.

    Attributes:
        environment: Where helm is found.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def __call__(self, *arguments: str) -> str:
        """Run helm and return what it printed.

        Raises:
            HelmError: It failed.
        """
        done = subprocess.run(
            ["helm", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=dict(self.environment),
        )
        if done.returncode:
            raise HelmError(f"helm {' '.join(arguments)}\n{done.stderr}{done.stdout}")
        return done.stdout

    def lint(self, values: Mapping[str, Any] | None = None) -> str:
        """Check the chart strictly."""
        return self("lint", "--strict", *_target(values), str(CHART))

    def text(
        self,
        values: Mapping[str, Any] | None = None,
        *flags: str,
        namespace: str = "dspex-system",
        chart: Path = CHART,
    ) -> str:
        """Return the manifests as text."""
        where = ("--namespace", namespace)
        return self("template", "dspex", str(chart), *where, *_target(values), *flags)

    def objects(self, values: Mapping[str, Any] | None = None, *flags: str) -> list[Object]:
        """Return the manifests as objects."""
        return objects(self.text(values, *flags))


def objects(text: str) -> list[Object]:
    """Read the objects of a YAML text, in their order."""
    return [each for each in yaml.safe_load_all(text) if each]


def named(found: Sequence[Object], kind: str, name: str) -> Object:
    """Return the one object of a kind and name."""
    [chosen] = [each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return chosen


def _target(values: Mapping[str, Any] | None) -> list[str]:
    flags = [f"--kube-version={KUBERNETES}"]
    for name, value in (values or {}).items():
        flags += ["--set-json", f"{name}={json.dumps(value)}"]
    return flags
