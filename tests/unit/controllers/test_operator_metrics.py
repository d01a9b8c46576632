"""What Prometheus reads of the operator."""

from collections import Counter
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dspex.controllers.metrics import Metrics, phase
from dspex.controllers.world import World
from dspex.kube.kind import PIPELINE_RUN
from fakes.items import Object, run


def samples(metrics: Metrics) -> dict[str, dict[str, float]]:
    """Return what a scrape reads: by name and labels, such as `kind=Pool,result=ok`."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for each in family.samples:
            labels = ",".join(f"{name}={text}" for name, text in sorted(each.labels.items()))
            found.setdefault(each.name, {})[labels] = each.value
    return found


def status(succeeded: str, reason: str) -> Object:
    """Make the status of a run."""
    ready = {"type": "Ready", "status": "False", "reason": "Other"}
    return {"conditions": [ready, {"type": "Succeeded", "status": succeeded, "reason": reason}]}


RUNS: list[tuple[dict[str, Any], str]] = [
    ({}, "Pending"),
    ({"status": {}}, "Pending"),
    ({"status": status("Unknown", "Queued")}, "Pending"),
    ({"status": status("Unknown", "Running")}, "Running"),
    ({"status": status("True", "Succeeded")}, "Succeeded"),
    ({"status": status("False", "Timeout")}, "Failed"),
    ({"status": status("False", "Cancelled")}, "Cancelled"),
]


@pytest.mark.parametrize(("parts", "word"), RUNS)
def test_how_a_run_stands_is_one_word(parts: dict[str, Any], word: str) -> None:
    """By its condition Succeeded; one without any is Pending."""
    assert phase(run("r", **parts)) == word


def test_a_scrape_reads_what_is_counted_elsewhere_as_it_is_then() -> None:
    """Runs by phase, queue by kind, empty or not, and requests to the API server."""
    metrics, world = Metrics(), World()
    depth: Counter[str] = Counter({"Pool": 3})
    requests = {("GET", 200): 5, ("PATCH", 0): 1}
    metrics.watch(world, lambda: depth, lambda: requests, ["Pool", "Signature"])
    found = samples(metrics)
    assert "dspex_runs" not in found
    for number, (parts, _) in enumerate(RUNS):
        world.put(PIPELINE_RUN, run(f"r{number}", **parts))
    world.put(PIPELINE_RUN, run("r", namespace="lab"))
    depth["Signature"] = 1
    requests["GET", 200] = 6
    found = samples(metrics)
    assert found["dspex_runs"] == {
        "namespace=shop,phase=Pending": 3,
        "namespace=shop,phase=Running": 1,
        "namespace=shop,phase=Succeeded": 1,
        "namespace=shop,phase=Failed": 1,
        "namespace=shop,phase=Cancelled": 1,
        "namespace=lab,phase=Pending": 1,
    }
    assert found["dspex_queue_depth"] == {"kind=Pool": 3, "kind=Signature": 1}
    assert found["dspex_api_requests_total"] == {"code=200,verb=GET": 6, "code=none,verb=PATCH": 1}


def test_an_empty_queue_is_shown_as_zero() -> None:
    """An alert on it needs a value."""
    metrics = Metrics()
    metrics.watch(World(), Counter, dict, ["Pool"])
    assert samples(metrics)["dspex_queue_depth"] == {"kind=Pool": 0}


def test_counters_and_times_are_in_the_text() -> None:
    """Under the names that docs/operate.md and the dashboard have."""
    metrics = Metrics()
    metrics.leader.set(1)
    metrics.reconciles.labels("Pool", "ok").inc()
    metrics.seconds.labels("Pool").observe(0.03)
    metrics.writes.labels("Pool", "status").inc(2)
    metrics.ended.labels("shop", "Failed", "Timeout").inc()
    found = samples(metrics)
    assert found["dspex_leader"] == {"": 1}
    assert found["dspex_reconciles_total"] == {"kind=Pool,result=ok": 1}
    assert found["dspex_reconcile_seconds_sum"] == {"kind=Pool": 0.03}
    assert found["dspex_reconcile_seconds_bucket"]["kind=Pool,le=0.025"] == 0
    assert found["dspex_reconcile_seconds_bucket"]["kind=Pool,le=0.05"] == 1
    assert found["dspex_writes_total"] == {"kind=Pool,verb=status": 2}
    assert found["dspex_runs_ended_total"] == {"namespace=shop,reason=Timeout,state=Failed": 1}
    assert "process_resident_memory_bytes" in found


def test_two_operators_count_for_themselves() -> None:
    """Each has a registry of its own."""
    first, second = Metrics(), Metrics()
    first.leader.set(1)
    assert samples(second)["dspex_leader"] == {"": 0}
