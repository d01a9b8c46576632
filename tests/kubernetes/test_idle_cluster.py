"""A cluster in which nothing happens: the operator writes nothing but its Lease."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stage.kubectl import Kubectl, Object, eventually, has_ended, is_reason, is_true
from stage.manifests import chain, resource, run
from stage.release import Release
from stage.space import staffed

WINDOW = timedelta(seconds=10)
TRIES = 12
RENEWALS = 10
"""Renewals of a Lease that may fall into a window: one each two seconds, and some to spare."""

OWN = "sig,dpool,dpipe,drun,drundata"
CHILDREN = "deployments,jobs,services,configmaps,serviceaccounts,rolebindings,networkpolicies,pdb"
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Look(NamedTuple):
    """What has been written so far.

    Attributes:
        writes: By the operator, as it counts them by kind and verb.
        requests: To the API server, by method.
        versions: resourceVersion of all objects of ours, by namespace and name.
    """

    writes: Mapping[str, float]
    requests: Mapping[str, float]
    versions: Mapping[tuple[str, str], str]


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield a namespace in which all is done, or waits for something that does not come."""
    with staffed(release) as kubectl:
        kubectl.apply(
            resource("Signature", "ask", signature="question -> answer"),
            chain("done", 1),
            chain("waiting", 1, pool="absent"),
            run("done", "ended", inputs={"question": "x"}),
            run("done", "held", inputs={"question": "x"}, suspend=True),
            run("waiting", "patient", inputs={"question": "x"}),
            resource("Pool", "stalled", model={"name": "openai/stub"}, nodeSelector={"no": "node"}),
        )
        kubectl.until("drun", "ended", has_ended)
        # The Job's own controller may write for a while yet.
        finished = "--for=condition=Complete"
        kubectl("wait", "job", "-l", "dspex.dev/run=ended", finished, "--timeout=60s")
        kubectl.until("drun", "held", is_reason("Succeeded", "Suspended"))
        kubectl.until("drun", "patient", is_reason("Succeeded", "MissingReference"))
        kubectl.until("sig", "ask", is_true("Ready"))
        kubectl.until("dpool", "stalled", is_reason("Ready", "Unschedulable"))
        counted = {"active": 1, "succeeded": 1, "failed": 0}
        kubectl.until("dpipe", "done", lambda item: _counts(item) == counted)
        yield kubectl


def test_an_idle_cluster_sees_no_write_but_leases(shop: Kubectl, release: Release) -> None:
    """For ten seconds no object of ours changes, and the operator sends nothing but its Lease."""
    for _ in range(TRIES):
        before = look(release)
        pass_(release)
        after = look(release)
        if _elsewhere(before, shop.namespace) == _elsewhere(after, shop.namespace):
            break
        # Somebody works in another namespace; what a former test left behind is deleted.
    else:
        pytest.fail(f"there was no idle window of {WINDOW} in {TRIES}")
    assert after.versions == before.versions
    assert after.writes == before.writes
    sent = {verb: after.requests[verb] - before.requests[verb] for verb in WRITES}
    renewals = sent.pop("PUT")
    assert sent == {"POST": 0, "PATCH": 0, "DELETE": 0}
    assert 1 <= renewals <= RENEWALS, "a Lease is renewed by PUT, and nothing else is"


def look(release: Release) -> Look:
    """Read the leader's counts, and the versions of all objects of ours."""
    path = f"/api/v1/namespaces/{release.namespace}/pods/{release.leader()}:8080/proxy/metrics"
    writes: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for family in text_string_to_metric_families(release.kubectl("get", "--raw", path)):
        for sample in family.samples:
            if sample.name == "dspex_writes_total":
                writes[f"{sample.labels['verb']} {sample.labels['kind']}"] += int(sample.value)
            if sample.name == "dspex_api_requests_total":
                requests[sample.labels["verb"]] += int(sample.value)
    return Look(writes, requests, {**_versions(release, OWN), **_versions(release, CHILDREN)})


def pass_(release: Release) -> None:
    """Let the window pass, by the time that the leader writes into its Lease."""

    def time() -> datetime:
        lease = release.inside.get("lease", release.name)
        return datetime.fromisoformat(lease["spec"]["renewTime"])

    end = time() + WINDOW
    eventually(lambda: time() >= end or None, 60)


def _versions(release: Release, kinds: str) -> dict[tuple[str, str], str]:
    chosen = [] if kinds == OWN else ["-l", "app.kubernetes.io/managed-by=dspex"]
    printed = release.kubectl("get", kinds, "--all-namespaces", *chosen, "-o", "json")
    found = {}
    for each in json.loads(printed)["items"]:
        metadata = each["metadata"]
        place = (metadata["namespace"], f"{each['kind']}/{metadata['name']}")
        found[place] = metadata["resourceVersion"]
    return found


def _elsewhere(looked: Look, namespace: str) -> dict[tuple[str, str], str]:
    return {place: version for place, version in looked.versions.items() if place[0] != namespace}


def _counts(item: Object) -> Object:
    counts = dict(item["status"].get("runs", {}))
    counts.pop("time", None)
    return counts
