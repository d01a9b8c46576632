"""What Argo CD and Flux make of an object, by the checks that we ship."""

from typing import Any, Final

import lupa  # type: ignore[import-untyped]
import yaml
from cel_expr_python.cel import NewEnv, Type

from chart.render import ROOT

LUA: Final = ROOT / "deploy/gitops/argocd/health.lua"
FLUX: Final = yaml.safe_load((ROOT / "deploy/gitops/flux/health-checks.yaml").read_text())
ARGO: Final = {"InProgress": "Progressing", "Current": "Healthy", "Failed": "Degraded"}
"""Argo CD's words for those of kstatus."""


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
