"""Pools with accelerators: their pods land where there are some and nowhere else, or say that they wait."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.kstatus import CURRENT, IN_PROGRESS, kstatus
from stage.devices import GPU, nodes, offered, phantom
from stage.kubectl import Kubectl, Object, condition, eventually, has_ended, is_reason, is_true
from stage.manifests import chain, pool, run
from stage.release import Release
from stage.space import staffed


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with a stub model and a ready Pool without accelerators."""
    with staffed(release) as kubectl:
        yield kubectl
        # A node that is no more can't say that they have ended.
        kubectl("delete", "dpool", "--all")
        kubectl("delete", "pods", "--all", "--force", "--grace-period=0")


def neural(name: str, **spec: Any) -> Object:
    """Return a Pool with the profile Neural, and little memory."""
    return pool(name, profile="Neural", **spec)


def places(kubectl: Kubectl, name: str) -> list[str]:
    """Return the nodes to which a Pool's pods are bound; empty for one that is bound to none."""
    pods = kubectl.list("pods", f"dspex.dev/pool={name}")
    return sorted(pod["spec"].get("nodeName", "") for pod in pods)


def test_it_waits_for_a_gpu_and_takes_the_first_that_comes(shop: Kubectl) -> None:
    """Without one the Pool says what is missing; offered one, it gets Ready, and a run succeeds."""
    node, *_ = nodes(shop)
    shop.apply(neural("neural"))
    waiting = shop.until("dpool", "neural", is_reason("Ready", "Unschedulable"))
    assert f"Insufficient {GPU}" in condition(waiting, "Ready")["message"]
    assert "0 of 1 worker ready" in condition(waiting, "Ready")["message"]
    assert kstatus(waiting) == IN_PROGRESS
    events = shop("describe", "dpool", "neural").partition("Events:")[2]
    assert "Warning  Unschedulable" in events, events
    effective = waiting["status"]["effective"]
    assert effective["resources"]["limits"][GPU] == 1
    assert effective["callTimeout"] == "10m"
    with offered(shop, node, 1):
        ready = shop.until("dpool", "neural", is_true("Ready"))
        assert kstatus(ready) == CURRENT
        assert places(shop, "neural") == [node]
        shop.apply(
            chain("thinking", 1, pool="neural"),
            run("thinking", "thought", inputs={"question": "deep"}),
        )
        ended = shop.until("drun", "thought", has_ended)
        assert condition(ended, "Succeeded")["status"] == "True", ended["status"]
        shop("scale", "dpool", "neural", "--replicas=2")
        more = shop.until("dpool", "neural", is_reason("Ready", "Unschedulable"))
        assert "1 of 2 workers ready" in condition(more, "Ready")["message"]
        shop("delete", "dpool", "neural")
        shop("wait", "--for=delete", "pod", "-l", "dspex.dev/pool=neural", "--timeout=60s")


def test_they_land_on_the_chosen_nodes_and_others_do_not(shop: Kubectl) -> None:
    """The kind of accelerator is chosen by label; the taint of such nodes keeps all others away."""
    node, *_ = nodes(shop)
    name = f"phantom-{secrets.token_hex(4)}"
    with phantom(shop, name, 3, accelerator="large"), offered(shop, node, 4):
        wanted = {"count": 2, "nodeSelector": {"accelerator": "large"}}
        shop.apply(neural("chosen", replicas=2, gpu=wanted))
        eventually(lambda: places(shop, "chosen") == ["", name] or None, 30)
        waiting = shop.until("dpool", "chosen", is_reason("Ready", "Unschedulable"))
        assert f"Insufficient {GPU}" in condition(waiting, "Ready")["message"]
        shop("scale", "dpool", "small", "--replicas=3")
        shop.until("dpool", "small", is_true("Ready"))
        assert len(places(shop, "small")) == 3
        assert name not in places(shop, "small")
