"""Argo CD's Lua and Flux' expressions, evaluated over objects as the operator leaves them."""

from typing import Any

import pytest
import yaml

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
from fakes.gitops_health import ARGO, FLUX, LUA, argo, flux

NOW = "2026-11-23T00:00:00Z"
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
