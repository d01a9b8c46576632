"""The sample repository of docs/gitops.md, rendered by kustomize and helm and judged by the server."""

import io
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from chart.render import ROOT, Helm, Object, named, objects
from cluster.cluster import Cluster, environment
from dspex.cli.checks import check
from dspex.errors import Severity
from dspex.manifests import load
from stage.kubectl import Kubectl
from stage.release import Release

SAMPLE = ROOT / "examples" / "gitops"


@pytest.fixture
def place(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace of the test's own."""
    name = f"gitops-{secrets.token_hex(4)}"
    release.kubectl("create", "namespace", name)
    yield release.kubectl.within(name)
    release.kubectl("delete", "namespace", name, "--wait=false")


def lint(text: str) -> list[str]:
    """Return the errors that `dspex lint` finds."""
    found = check(load(["-"], stdin=io.BytesIO(text.encode())))
    return [each.render() for each in found if each.severity is Severity.ERROR]


def moved(found: list[Object], namespace: str) -> str:
    """Return objects as a List in JSON, in another namespace."""
    for each in found:
        each["metadata"]["namespace"] = namespace
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": found})


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_every_stage_is_right(place: Kubectl, stage: str) -> None:
    """What kustomize makes lints, and the API server takes it."""
    text = place("kustomize", str(SAMPLE / "apps/support" / stage))
    assert lint(text) == []
    there = moved(objects(text), place.namespace)
    place("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=there)


def test_a_prefix_is_followed(place: Kubectl, tmp_path: Path) -> None:
    """With the configuration that is shipped every reference gets the prefix too."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    base = tmp_path / "base"
    base.mkdir()
    for file in (SAMPLE / "apps/support/base").iterdir():
        (base / file.name).write_text(file.read_text())
    (overlay / "name-reference.yaml").write_text((base / "name-reference.yaml").read_text())
    kustomization = {
        "namePrefix": "blue-",
        "resources": ["../base"],
        "configurations": ["name-reference.yaml"],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    text = place("kustomize", str(overlay))
    assert lint(text) == []
    triage, reply = named(objects(text), "Pipeline", "blue-support")["spec"]["steps"]
    assert triage["dspy"]["poolRef"]["name"] == "blue-small"
    assert triage["dspy"]["signatureRef"]["name"] == "blue-triage"
    assert reply["template"]["sourceFrom"]["configMapRef"]["name"].startswith("blue-support-texts-")


def test_a_chart_of_ones_own_is_right(cluster: Cluster, place: Kubectl) -> None:
    """The template's braces pass through Helm untouched, and what comes out lints."""
    helm = Helm(environment(cluster))
    text = helm.text(chart=SAMPLE / "own-chart")
    [texts] = [each for each in objects(text) if each["kind"] == "ConfigMap"]
    assert (
        texts["data"]["reply.j2"].strip()
        == (SAMPLE / "own-chart/files/reply.j2").read_text().strip()
    )
    assert lint(text) == []
    there = moved(objects(text), place.namespace)
    place("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=there)


def test_a_second_apply_of_the_same_changes_nothing(place: Kubectl) -> None:
    """No drift: neither defaults nor the operator change what an apply has written."""
    text = moved(objects(place("kustomize", str(SAMPLE / "apps/support/staging"))), place.namespace)
    apply = ("apply", "--server-side", "--field-manager=gitops", "-f", "-")
    place(*apply, stdin=text)
    kinds = "signatures,pools,pipelines"
    before = {
        each["metadata"]["name"]: each["metadata"]["generation"] for each in place.list(kinds)
    }
    place(*apply, stdin=text)
    after = {each["metadata"]["name"]: each["metadata"]["generation"] for each in place.list(kinds)}
    assert after == before
    assert (
        place.run("diff", "--server-side", "--field-manager=gitops", "-f", "-", stdin=text).stdout
        == ""
    )
