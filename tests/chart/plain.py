"""deploy/base from the chart: the manifests of `kubectl apply -k`, written by helm, never by hand.

The CRDs in deploy/base/crds are not the chart's but the models': `make generate` writes them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chart.render import Helm
from dspex.api.kinds import KINDS

FOLDER: Final = "deploy/base"
VALUES: Final[Mapping[str, Any]] = {"webhook.enabled": False, "crds.enabled": False}
"""Without the webhook: its certificate is made anew each time that helm renders."""

_NOTICE: Final = "# Generated from charts/dspex by `make plain-manifests`; changes here are lost.\n"
_SOURCE: Final = re.compile(r"^# Source: dspex/templates/(?P<part>[a-z]+)[/.].*\n", re.MULTILINE)
_HELMS: Final = re.compile(
    r"^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", re.MULTILINE
)

_KUSTOMIZATION: Final = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: dspex-system
resources:
- namespace.yaml
{resources}
"""
_NAMESPACE: Final = """\
apiVersion: v1
kind: Namespace
metadata:
  name: dspex-system
  labels:
    app.kubernetes.io/part-of: dspex
    # What the operator's pods keep to.
    pod-security.kubernetes.io/enforce: restricted
"""


def files(helm: Helm) -> dict[str, str]:
    """Return the text of each file by its path from the repository's root."""
    parts: dict[str, list[str]] = {}
    for document in helm.text(VALUES, "--skip-tests").split("\n---\n"):
        source = _SOURCE.search(document)
        assert source is not None, document[:200]
        text = _HELMS.sub("", _SOURCE.sub("", document)).strip().removeprefix("---").strip()
        parts.setdefault(source["part"], []).append(text)
    written = {f"{part}.yaml": "\n---\n".join(texts) + "\n" for part, texts in parts.items()}
    crds = [f"crds/{kind.plural}.yaml" for kind in KINDS.values()]
    listed = "\n".join(f"- {name}" for name in [*crds, *sorted(written)])
    written["namespace.yaml"] = _NAMESPACE
    written["kustomization.yaml"] = _KUSTOMIZATION.format(resources=listed)
    return {f"{FOLDER}/{name}": _NOTICE + text for name, text in written.items()}


def differences(root: Path, helm: Helm) -> list[str]:
    """List the files that are missing, different or left over, by path from the root."""
    wanted = files(helm)
    present = {path.relative_to(root).as_posix() for path in (root / FOLDER).glob("*.yaml")}
    wrong = [
        name
        for name, text in wanted.items()
        if name not in present or (root / name).read_text() != text
    ]
    return sorted([*wrong, *(present - wanted.keys())])


def write(root: Path, helm: Helm) -> list[str]:
    """Write the files that differ, remove those left over; return their paths."""
    wanted = files(helm)
    changed = differences(root, helm)
    for name in changed:
        if name in wanted:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(wanted[name])
        else:
            (root / name).unlink()
    return changed
