"""Many runs at once, and a restart of the operator over many that are over."""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pytest

from dspex.kube.client import KubeClient
from dspex.kube.config import from_kubeconfig
from stage.kubectl import Kubectl, Object, condition, eventually, has_ended, is_true
from stage.manifests import greeting, run
from stage.metrics import leader_metric
from stage.release import Release

BURST: Final = 200
FINISHED: Final = 5000
MOST_MEMORY: Final = 256 * 2**20
RESTART_GOAL: Final = 15.0
"""Seconds in which a new operator settles a run that waits for it; told, and no gate."""

RESTART: Final = 60.0
"""Seconds that it must not need, however busy the machine is."""

WRITERS: Final = 16
"""Finished runs that are made at the same time."""


@pytest.fixture
def place(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with a native Pipeline; its runs are gone before others test."""
    kubectl.apply(greeting())
    kubectl.until("dpipe", "greeting", is_true("Ready"))
    yield kubectl
    eventually(lambda: _all_are_gone(kubectl) or None, 300)


def _all_are_gone(kubectl: Kubectl) -> bool:
    """Delete what is left of runs in one request, and say whether nothing is.

    Thousands may take the API server longer than a request may: it then goes on at the next.
    """
    if not kubectl("get", "drun,jobs,pods", "-o", "name").strip():
        return True
    path = f"/apis/dspex.dev/v1alpha1/namespaces/{kubectl.namespace}/pipelineruns"
    kubectl.run("delete", "--raw", path, seconds=300)
    return False


def test_a_burst_of_runs_ends(place: Kubectl, release: Release) -> None:
    """Each once, in one pod, with its own outputs; and the operator's memory stays in its bounds."""
    runs = {f"burst-{number:03}": {"name": f"number {number}"} for number in range(BURST)}
    items = [run("greeting", name, inputs=inputs) for name, inputs in runs.items()]
    writes, cpu = (leader_metric(release, name) for name in (WRITES, CPU))
    began = time.time()
    place("create", "-f", "-", stdin=_list(items), seconds=300)
    created = time.time() - began
    memory = _until_all_have_ended(place, release, seconds=300)

    found = {item["metadata"]["name"]: item for item in place.list("drun")}
    assert found.keys() == runs.keys()
    for name, item in found.items():
        assert condition(item, "Succeeded")["status"] == "True", item["status"]
        assert item["status"]["outputs"]["text"] == f"Hello {runs[name]['name']}!"
        assert item["status"]["runner"]["epoch"] == 1
    for kind in ("jobs", "pods"):
        assert len(place.list(kind)) == BURST
    counted = leader_metric(release, "dspex_runs_ended_total", namespace=place.namespace)
    assert counted == BURST
    assert max(memory) < MOST_MEMORY

    ends = sorted(_moment(item["status"]["completionTime"]) - began for item in found.values())
    print(
        f"\n{BURST} runs: created in {created:.1f} s, all ended after {ends[-1]:.1f} s "
        f"(half after {statistics.median(ends):.1f} s), {BURST / ends[-1]:.1f} runs/s; operator: "
        f"{max(memory) / 2**20:.0f} MiB at most, "
        f"{(leader_metric(release, WRITES) - writes) / BURST:.2f} writes and "
        f"{(leader_metric(release, CPU) - cpu) / BURST * 1000:.1f} ms CPU a run"
    )


WRITES: Final = "dspex_writes_total"
CPU: Final = "process_cpu_seconds_total"


def _until_all_have_ended(kubectl: Kubectl, release: Release, *, seconds: float) -> list[float]:
    """Return what memory the operator had meanwhile."""
    memory = []

    def look() -> bool | None:
        memory.append(leader_metric(release, "process_resident_memory_bytes"))
        left = kubectl("get", "drun", "-l", "dspex.dev/finished!=true", "-o", "name")
        return not left.strip() or None

    eventually(look, seconds)
    return memory


def test_a_restart_over_finished_runs_takes_seconds(place: Kubectl, release: Release) -> None:
    """What is over costs a new operator next to nothing: a run that waits is settled soon."""
    place.apply(run("greeting", "first", inputs={"name": "world"}))
    former = place.until("drun", "first", lambda item: has_ended(item) and _is_labelled(item))
    wanted = str(release.inside.get("deployment", release.name)["spec"]["replicas"])
    release.inside("scale", "deployment", release.name, "--replicas=0")
    try:
        eventually(lambda: not release.operators() or None, 60)
        began = time.monotonic()
        asyncio.run(_make_finished(place, former))
        made = time.monotonic() - began
        place.apply(run("greeting", "waits", inputs={"name": "world"}))
    finally:
        release.inside("scale", "deployment", release.name, f"--replicas={wanted}")
    began = time.monotonic()
    place.until("drun", "waits", has_ended)
    settled = time.monotonic() - began
    release.inside("rollout", "status", f"deployment/{release.name}", "--timeout=60s")
    memory = leader_metric(release, "process_resident_memory_bytes") / 2**20
    print(
        f"\n{FINISHED} finished runs, made in {made:.0f} s: settled another {settled:.1f} s after "
        f"the restart (goal {RESTART_GOAL:.0f} s {'met' if settled < RESTART_GOAL else 'not met'}); "
        f"operator: {memory:.0f} MiB"
    )
    assert settled < RESTART


def _is_labelled(item: Object) -> bool:
    return bool((item["metadata"].get("labels") or {}).get("dspex.dev/finished") == "true")


async def _make_finished(kubectl: Kubectl, former: Object) -> None:
    """Make runs that are over, each like one that was there; no operator may be at work."""
    numbers = iter(range(FINISHED))
    async with KubeClient(from_kubeconfig(kubectl.kubeconfig), manager="test") as client:

        async def make() -> None:
            for number in numbers:
                metadata: dict[str, Any] = {
                    "name": f"over-{number:04}",
                    "namespace": kubectl.namespace,
                    "labels": former["metadata"]["labels"],
                }
                names = {"apiVersion": former["apiVersion"], "kind": former["kind"]}
                await client.create({**names, "metadata": metadata, "spec": former["spec"]})
                item = {**names, "metadata": metadata, "status": former["status"]}
                await client.apply(item, subresource="status")

        await asyncio.gather(*(make() for _ in range(WRITERS)))


def _list(items: list[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
