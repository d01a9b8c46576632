"""Argo CD's Lua and Flux' expressions, evaluated over objects as the operator leaves them."""

from typing import Any

import lupa  # type: ignore[import-untyped]
import pytest
import yaml
from cel_expr_python.cel import NewEnv, Type

from chart.render import ROOT
from dspex.api.base import Condition
from dspex.api.conditions import (
    pending,
    ready,
    reconciling,
    run_active,
    run_ended,
    stalled,
)
from dspex.api.kinds import KINDS

NOW = "2026-11-23T00:00:00Z"
LUA = ROOT / "deploy/gitops/argocd/health.lua"
FLUX = yaml.safe_load((ROOT / "deploy/gitops/flux/health-checks.yaml").read_text())
GITOPS = ["Signature", "Pool", "Pipeline", "PipelineRun"]


def item(
    kind: str, conditions: tuple[Condition, ...], *, seen: int | None = 2, **spec: Any
) -> dict[str, Any]:
    """Return an object of generation 2 with its conditions, as the API server gives it."""
    return {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "x", "generation": 2},
        "spec": spec,
        "status": {
            **({} if seen is None else {"observedGeneration": seen}),
            "conditions": [each.to_json() for each in conditions],
        },
    }


def plain(kind: str) -> list[Any]:
    """Return the objects that every kind can be, each with what the tools must say of it."""
    run = kind == "PipelineRun"
    good = run_ended(True, "Succeeded", "done", now=NOW) if run else ready("Ready", "good", now=NOW)
    bad = (
        run_ended(False, "StepsFailed", "greet failed", now=NOW)
        if run
        else stalled("Invalid", "mend it", now=NOW)
    )
    busy = (
        run_active("Running", "2 of 3 steps", now=NOW)
        if run
        else reconciling("Waiting", "for Pool small", now=NOW)
    )
    return [
        pytest.param(item(kind, pending(run=run), seen=None), "InProgress", id=f"{kind}-created"),
        pytest.param(item(kind, busy), "InProgress", id=f"{kind}-busy"),
        pytest.param(item(kind, good), "Current", id=f"{kind}-good"),
        pytest.param(item(kind, bad), "Failed", id=f"{kind}-bad"),
        pytest.param(item(kind, good, seen=1), "InProgress", id=f"{kind}-changed"),
        pytest.param(item(kind, bad, seen=1), "InProgress", id=f"{kind}-mended"),
    ]


OBJECTS = [each for kind in GITOPS for each in plain(kind)]
ARGO = {"InProgress": "Progressing", "Current": "Healthy", "Failed": "Degraded"}


def argo(obj: dict[str, Any]) -> dict[str, str]:
    """Return the health that Argo CD's script gives, in a Lua without libraries of the system."""
    runtime = lupa.LuaRuntime(unpack_returned_tuples=True)
    for name in ("os", "io", "require", "package", "dofile", "loadfile"):
        runtime.globals()[name] = None
    runtime.globals()["obj"] = runtime.table_from(obj, recursive=True)
    return dict(runtime.execute(LUA.read_text()))


def flux(obj: dict[str, Any]) -> str:
    """Return what Flux concludes: the first of inProgress, failed and current that holds."""
    [checks] = [each for each in FLUX["healthCheckExprs"] if each["kind"] == obj["kind"]]
    variables = {name: obj[name] for name in ("metadata", "spec", "status")}
    env = NewEnv(variables=dict.fromkeys(variables, Type.DYN))
    for name, verdict in (("inProgress", "InProgress"), ("failed", "Failed")):
        if env.compile(checks[name]).eval(data=variables).value():
            return verdict
    return (
        "Current" if env.compile(checks["current"]).eval(data=variables).value() else "InProgress"
    )


@pytest.mark.parametrize(("obj", "verdict"), OBJECTS)
def test_argo_cd_reads_our_conditions(obj: dict[str, Any], verdict: str) -> None:
    """The health is that of the conditions, and never that of a former spec."""
    assert argo(obj)["status"] == ARGO[verdict]


@pytest.mark.parametrize(("obj", "verdict"), OBJECTS)
def test_flux_reads_our_conditions(obj: dict[str, Any], verdict: str) -> None:
    """The expressions agree with the Lua and with kstatus."""
    assert flux(obj) == verdict


def test_argo_cd_shows_why() -> None:
    """The message holds reason and words of the condition."""
    obj = item("Pool", stalled("ModelRefused", "litellm is required", now=NOW))
    assert argo(obj)["message"] == "ModelRefused: litellm is required"


def test_argo_cd_shows_a_suspended_run() -> None:
    """A run that a person suspended is Suspended, and not Progressing for ever."""
    conditions = run_active("Suspended", "suspended", now=NOW)
    assert argo(item("PipelineRun", conditions, suspend=True))["status"] == "Suspended"


@pytest.mark.parametrize("status", [None, {}], ids=["none", "empty"])
def test_an_object_without_conditions_is_in_progress(status: dict[str, Any] | None) -> None:
    """An object that the API server has not defaulted is not taken for a good one."""
    obj = item("Pool", ())
    obj["status"] = status
    assert argo({name: value for name, value in obj.items() if value is not None})["status"] == (
        "Progressing"
    )


def test_every_kind_that_people_write_has_its_checks() -> None:
    """Run data is made by runners; all others are in both files."""
    script = LUA.read_text()
    patch = yaml.safe_load((LUA.parent / "argocd-cm.yaml").read_text())["data"]
    people = [kind for kind in KINDS if kind != "PipelineRunData"]
    assert patch == {f"resource.customizations.health.dspex.dev_{kind}": script for kind in people}
    assert [each["kind"] for each in FLUX["healthCheckExprs"]] == people
