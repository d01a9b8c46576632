"""The sample repository of docs/gitops.md, as far as files can tell."""

import pytest
import yaml

from chart.render import ROOT, objects

SAMPLE = ROOT / "examples" / "gitops"


@pytest.mark.parametrize(
    ("copy", "original"),
    [
        ("apps/support/base/name-reference.yaml", ROOT / "deploy/kustomize/name-reference.yaml"),
        ("own-chart/files/reply.j2", SAMPLE / "apps/support/base/reply.j2"),
    ],
)
def test_copies_are_current(copy: str, original: object) -> None:
    """Kustomize and helm read files of their own folders only, so the sample holds copies."""
    assert (SAMPLE / copy).read_text() == ROOT.joinpath(str(original)).read_text()


@pytest.mark.parametrize("cluster", ["staging", "production"])
def test_flux_has_the_health_checks(cluster: str) -> None:
    """The Kustomization of the app carries deploy/gitops/flux/health-checks.yaml as it is."""
    shipped = yaml.safe_load((ROOT / "deploy/gitops/flux/health-checks.yaml").read_text())
    operator, app = objects((SAMPLE / "clusters" / cluster / "flux.yaml").read_text())
    assert app["spec"]["healthCheckExprs"] == shipped["healthCheckExprs"]
    assert app["spec"]["dependsOn"] == [{"name": operator["metadata"]["name"]}]
    assert (SAMPLE / app["spec"]["path"]).is_dir()
    assert (ROOT / operator["spec"]["path"] / "kustomization.yaml").is_file()


@pytest.mark.parametrize("cluster", ["staging", "production"])
def test_argo_cd_syncs_the_operator_first(cluster: str) -> None:
    """The waves are in order, and the paths are there."""
    operator, app = objects((SAMPLE / "clusters" / cluster / "argocd.yaml").read_text())
    waves = [
        int(each["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", 0))
        for each in (operator, app)
    ]
    assert waves == sorted(waves)
    assert waves[0] < waves[1]
    assert (ROOT / operator["spec"]["source"]["path"]).is_dir()
    assert (SAMPLE / app["spec"]["source"]["path"]).is_dir()


def test_no_run_is_in_git() -> None:
    """A run ends and is collected; a tool that keeps a cluster as Git says would start it anew."""
    for path in SAMPLE.rglob("*.yaml"):
        if "own-chart" not in path.parts:
            assert "PipelineRun" not in {each.get("kind") for each in objects(path.read_text())}
