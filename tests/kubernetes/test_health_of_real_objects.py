"""What kstatus, Argo CD and Flux say of objects as a real cluster has them."""

from collections.abc import Iterator
from typing import Any

import pytest

from fakes.gitops_health import ARGO, argo, flux
from fakes.kstatus import kstatus
from stage.kubectl import Kubectl, Object, condition, has_ended, is_reason, is_true
from stage.manifests import asking, greeting, pool, resource, run
from stage.release import Release
from stage.space import namespace


@pytest.fixture(scope="module")
def place(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with objects that are good, wrong, and waiting."""
    with namespace(release) as kubectl:
        _fill(kubectl)
        yield kubectl


def _fill(kubectl: Kubectl) -> None:
    kubectl.apply(
        resource("Signature", "good", signature="question -> answer"),
        greeting(),
        resource("Pipeline", "waiting", steps=[asking(pool="absent", question="?")]),
        resource("Pipeline", "asking", steps=[asking(pool="nowhere", question="?")]),
        pool("nowhere", nodeSelector={"there": "is-none"}),
        pool("none", replicas=0),
        run("greeting", "good", inputs={"name": "world"}),
        run("greeting", "wrong", inputs={"name": ["world"]}),
        run("absent", "waiting"),
        run("asking", "running"),
    )


def settled(item: Object) -> bool:
    """Say that the operator has looked at an object in its present form."""
    return condition(item, "Ready").get("reason") not in ("", None, "Pending")


EXPECTED: list[Any] = [
    ("signature.dspex.dev", "good", is_true("Ready"), "Current"),
    ("pipeline.dspex.dev", "greeting", is_true("Ready"), "Current"),
    ("pipeline.dspex.dev", "waiting", settled, "InProgress"),
    ("pool.dspex.dev", "nowhere", is_reason("Ready", "Unschedulable"), "InProgress"),
    ("pool.dspex.dev", "none", is_true("Ready"), "Current"),
    ("pipelinerun.dspex.dev", "good", has_ended, "Current"),
    ("pipelinerun.dspex.dev", "wrong", has_ended, "Failed"),
    ("pipelinerun.dspex.dev", "waiting", settled, "InProgress"),
    ("pipelinerun.dspex.dev", "running", is_reason("Succeeded", "Running"), "InProgress"),
]


@pytest.mark.parametrize(
    ("kind", "name", "holds", "verdict"),
    EXPECTED,
    ids=[f"{each[0]}-{each[1]}" for each in EXPECTED],
)
def test_every_tool_reads_it_the_same_way(
    place: Kubectl, kind: str, name: str, holds: Any, verdict: str
) -> None:
    """kstatus, Argo CD's script and Flux' expressions agree, and are right."""
    item = place.until(kind, name, holds)
    assert (kstatus(item), flux(item), argo(item)["status"]) == (verdict, verdict, ARGO[verdict])
