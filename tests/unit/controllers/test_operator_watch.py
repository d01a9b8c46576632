"""The operator on a cluster that it lists and watches, over HTTP as it does in earnest."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dspex.controllers.decision import Decision
from dspex.controllers.registration import Registration
from dspex.controllers.watch import CHILDREN, REFLECTED, WRITTEN
from dspex.controllers.world import World
from dspex.kube import client
from dspex.kube.config import ClusterConfig
from dspex.kube.kind import (
    CONFIG_MAP,
    DISRUPTION_BUDGET,
    KINDS,
    LEASE,
    PIPELINE,
    POOL,
    SIGNATURE,
    Kind,
)
from dspex.resources.names import MANAGED
from fakes.asks import lists, names, watches
from fakes.cluster import CRD, OURS, Cluster, Object
from fakes.cluster_server import ClusterServer
from fakes.items import child, item, signature
from fakes.operator_thread import OperatorThread

pytestmark = pytest.mark.slow

WATCHED = (*WRITTEN, *REFLECTED)


@pytest.fixture
def server() -> Iterator[ClusterServer]:
    """Serve an empty cluster."""
    cluster = Cluster()
    cluster.answers["/openid/v1/jwks"] = {"keys": []}
    cluster.answers["/.well-known/openid-configuration"] = {"issuer": "https://me"}
    with ClusterServer(cluster) as made:
        yield made


def tells(text: str = "seen") -> Callable[..., Decision]:
    """Return a controller that writes a digest into the status, with the object's text."""

    def decide(found: Object, _: World, __: Any) -> Decision:
        return Decision(status={"digest": f"{text} {found['spec']['signature']}"})

    return decide


def keeps(name: str) -> Callable[..., Decision]:
    """Return a controller that keeps a ConfigMap."""

    def decide(found: Object, world: World, _: Any) -> Decision:
        world.get(CONFIG_MAP, "shop", name)
        return Decision(apply=(child(name),), status={"digest": "kept"})

    return decide


def kinds(decide: Callable[..., Decision]) -> dict[Kind, Registration]:
    """Return the registration of a controller for Signatures."""
    return {SIGNATURE: Registration(kind=SIGNATURE, decide=decide)}


def digest(cluster: Cluster, name: str = "a", namespace: str = "shop") -> str:
    """Return what the status of a Signature says."""
    found = cluster.item(SIGNATURE, namespace, name) or {}
    return str(found.get("status", {}).get("digest", ""))


def uid(cluster: Cluster, kind: Kind, name: str) -> str:
    """Return the uid of an object; empty where it is not there."""
    found = cluster.item(kind, "shop", name)
    return "" if found is None else str(found["metadata"]["uid"])


# The first list.


def test_work_begins_when_all_kinds_are_listed(server: ClusterServer) -> None:
    """The first look sees everything that was there, however late a list comes; then it is ready."""
    cluster = server.cluster
    for kind in WATCHED:
        cluster.add(child("x", kind, spec={"signature": "a -> b"}))
    views: list[set[Kind]] = []

    def decide(_: Object, world: World, __: Any) -> Decision:
        views.append({kind for kind in WATCHED if world.keys(kind)})
        return Decision(status={"digest": "seen"})

    server.hold(lists(DISRUPTION_BUDGET))
    with OperatorThread(server.config, kinds(decide)) as operator:
        cluster.until(lambda: bool(server.waiting))
        assert operator.get("/readyz") == (503, "the kinds are not listed yet\n")
        assert operator.get("/healthz")[0] == 200
        assert views == []
        server.release()
        cluster.until(lambda: digest(cluster, "x"))
        assert views[0] == set(WATCHED)
        assert operator.get("/readyz")[0] == 200


def test_the_first_list_comes_in_pages(
    server: ClusterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them is left out of the first look, and a page holds no more than it should."""
    monkeypatch.setattr(client, "PAGE", 2)
    made = {f"s{number}" for number in range(5)}
    for name in made:
        server.cluster.add(signature(name))
    views: list[set[str]] = []

    def decide(_: Object, world: World, __: Any) -> Decision:
        views.append({key.name for key in world.keys(SIGNATURE)})
        return Decision(status={"digest": "seen"})

    with OperatorThread(server.config, kinds(decide)) as operator:
        operator.lead()
        server.cluster.until(lambda: len(views) >= len(made))
    assert views[0] == made
    pages = [each for each in server.cluster.asked if lists(SIGNATURE)(each)]
    assert [each.query.get("continue", "") for each in pages[:3]] == ["", "2", "4"]


def test_an_empty_cluster_becomes_ready(server: ClusterServer) -> None:
    """Nothing has to be there; what comes first is looked at."""
    with OperatorThread(server.config, kinds(tells())) as operator:
        operator.lead()
        server.cluster.add(signature("a"))
        server.cluster.until(lambda: digest(server.cluster) == "seen question -> answer")


def test_kinds_that_come_later_are_waited_for() -> None:
    """An operator that starts before its CRDs is alive, not ready, and works once they are there."""
    ours = {kind for kind in KINDS if kind.version == OURS}
    cluster = Cluster(served={*KINDS, CRD} - ours)
    with (
        ClusterServer(cluster) as server,
        OperatorThread(server.config, kinds(tells())) as operator,
    ):
        cluster.until(lambda: [each for each in cluster.asked if each.status == 404][1:])
        operator.until(lambda: operator.get("/readyz")[0] == 503)
        with cluster.changed:
            cluster.served |= ours
        cluster.add(signature("a"))
        cluster.until(lambda: digest(cluster))
        assert operator.get("/readyz")[0] == 200


def test_only_the_objects_with_our_label_are_asked_for(server: ClusterServer) -> None:
    """Of the children; all of our own kinds. Lists and watches ask alike."""
    with OperatorThread(server.config, kinds(tells())) as operator:
        operator.lead()
        server.cluster.until(lambda: server.streams == len(WATCHED))
    for kind in WATCHED:
        asked = [each for each in server.cluster.asked if each.path.endswith(f"/{kind.plural}")]
        selectors = {each.query.get("labelSelector", "") for each in asked}
        assert selectors == {MANAGED if kind in CHILDREN else ""}
        assert {each.path for each in asked} == {kind.path()}
        assert any(map(watches, asked))


def test_only_the_namespaces_that_it_is_given_are_asked_for(server: ClusterServer) -> None:
    """What is elsewhere is left alone."""
    cluster = server.cluster
    for namespace in ("shop", "lab", "other"):
        cluster.add(signature("a", namespace=namespace))
    with OperatorThread(server.config, kinds(tells()), namespaces=("shop", "lab")) as operator:
        cluster.until(lambda: digest(cluster) and digest(cluster, "a", "lab"))
        operator.lead()
    spaces = {kind.path(space) for kind in WATCHED for space in ("shop", "lab")}
    asked = {each.path for each in cluster.asked if lists(_named(each.path))(each)}
    assert spaces <= asked
    assert not [path for path in asked if path in {kind.path() for kind in WATCHED}]
    assert digest(cluster, "a", "other") == ""


def _named(path: str) -> Kind:
    """Return the kind that a path ends with; any for another path."""
    return next((kind for kind in KINDS if path.endswith(f"/{kind.plural}")), LEASE)


def test_every_request_says_who_asks(server: ClusterServer) -> None:
    """Those of kopf too."""
    server.cluster.add(signature("a"))
    config = ClusterConfig(server.address, token="t-1")
    with OperatorThread(config, kinds(tells())):
        server.cluster.until(lambda: digest(server.cluster))
        server.cluster.until(lambda: server.streams == len(WATCHED))
    assert {each.token for each in server.cluster.asked} == {"Bearer t-1"}


# What is seen.


def test_changes_are_seen_and_children_put_back(server: ClusterServer) -> None:
    """An edit of an object, an edit of a child, and a child's end."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with OperatorThread(server.config, kinds(keeps("c"))):
        cluster.until(lambda: digest(cluster))
        cluster.edit(CONFIG_MAP, "shop", "c", {"data": {"k": "by hand"}})
        cluster.until(lambda: (cluster.item(CONFIG_MAP, "shop", "c") or {})["data"] == {"k": "v"})
        before = uid(cluster, CONFIG_MAP, "c")
        cluster.remove(CONFIG_MAP, "shop", "c")
        cluster.until(lambda: uid(cluster, CONFIG_MAP, "c") not in ("", before))
        cluster.edit(CONFIG_MAP, "shop", "c", {"metadata": {"labels": None}})
        cluster.until(
            lambda: (cluster.item(CONFIG_MAP, "shop", "c") or {})["metadata"].get("labels")
        )


def test_nothing_of_ours_is_written_by_kopf(server: ClusterServer) -> None:
    """No annotation, no finalizer, no Event and no CRD: all writes are the controller's."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with OperatorThread(server.config, kinds(tells())):
        cluster.until(lambda: digest(cluster))
        cluster.edit(SIGNATURE, "shop", "a", {"spec": {"signature": "x -> y"}})
        cluster.until(lambda: digest(cluster) == "seen x -> y")
        cluster.remove(SIGNATURE, "shop", "a")
    asked = [
        (each.method, each.path.rpartition("/namespaces/")[2])
        for each in cluster.writes(but=[LEASE])
    ]
    assert asked == [("PATCH", "shop/signatures/a/status")] * 2


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("compacted", [True, False])
def test_a_deletion_during_a_broken_watch_is_noticed(
    server: ClusterServer, compacted: bool, left: bool
) -> None:
    """Whether the watch can go on from where it was, or lists anew, and finds others or nothing."""
    cluster = server.cluster
    cluster.add(signature("a"))
    if left:
        cluster.add(child("other"))
    with OperatorThread(server.config, kinds(keeps("c"))):
        cluster.until(lambda: digest(cluster) and server.streams == len(WATCHED))
        before = uid(cluster, CONFIG_MAP, "c")
        server.hold(watches)
        server.break_watches()
        cluster.until(lambda: len(server.waiting) == len(WATCHED))
        cluster.remove(CONFIG_MAP, "shop", "c")
        if compacted:
            cluster.compact()
        server.release()
        cluster.until(lambda: uid(cluster, CONFIG_MAP, "c") not in ("", before))
    asked = [each for each in cluster.asked if lists(CONFIG_MAP)(each)]
    assert len(asked) == (2 if compacted else 1)


@pytest.mark.parametrize("compacted", [True, False])
def test_what_people_delete_during_a_broken_watch_is_noticed(
    server: ClusterServer, compacted: bool
) -> None:
    """What reads it is looked at again; kopf tells of no deletion where it lists anew."""
    cluster = server.cluster
    cluster.add(signature("a"))
    cluster.add(signature("b"))

    def decide(_: Object, world: World, __: Any) -> Decision:
        return Decision(status={"digest": f"{len(world.list(SIGNATURE, 'shop'))} there"})

    with OperatorThread(server.config, kinds(decide)):
        cluster.until(lambda: digest(cluster) == "2 there" and server.streams == len(WATCHED))
        server.hold(watches)
        server.break_watches()
        cluster.until(lambda: len(server.waiting) == len(WATCHED))
        cluster.remove(SIGNATURE, "shop", "b")
        if compacted:
            cluster.compact()
        server.release()
        cluster.until(lambda: digest(cluster) == "1 there")
    compared = [each for each in cluster.asked if names(SIGNATURE)(each)]
    assert bool(compared) is compacted


def test_a_label_lost_during_a_broken_watch_is_noticed(server: ClusterServer) -> None:
    """The child is there, but would not be watched any more: it is put back as it was."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with OperatorThread(server.config, kinds(keeps("c"))):
        cluster.until(lambda: digest(cluster) and server.streams == len(WATCHED))
        server.hold(watches)
        server.break_watches()
        cluster.until(lambda: len(server.waiting) == len(WATCHED))
        cluster.edit(CONFIG_MAP, "shop", "c", {"metadata": {"labels": None}})
        cluster.compact()
        server.release()
        cluster.until(
            lambda: (cluster.item(CONFIG_MAP, "shop", "c") or {})["metadata"].get("labels")
        )


def test_what_comes_and_changes_during_a_broken_watch_is_seen(server: ClusterServer) -> None:
    """By the list that follows."""
    cluster = server.cluster
    cluster.add(signature("a"))
    with OperatorThread(server.config, kinds(tells())):
        cluster.until(lambda: digest(cluster) and server.streams == len(WATCHED))
        server.hold(watches)
        server.break_watches()
        cluster.until(lambda: len(server.waiting) == len(WATCHED))
        cluster.edit(SIGNATURE, "shop", "a", {"spec": {"signature": "x -> y"}})
        cluster.add(signature("b"))
        cluster.compact()
        server.release()
        cluster.until(lambda: digest(cluster) == "seen x -> y" and digest(cluster, "b"))


# Doing nothing.


def quiet(cluster: Cluster, seconds: float, windows: int = 6) -> None:
    """Wait for some seconds in which nothing is written but Leases.

    Raises:
        AssertionError: Something is written again and again.
    """
    for _ in range(windows):
        before = cluster.writes(but=[LEASE])
        try:
            cluster.until(functools.partial(_wrote_more, cluster, len(before)), seconds)
        except TimeoutError:
            return
    raise AssertionError([f"{each.method} {each.path}" for each in cluster.writes(but=[LEASE])])


def _wrote_more(cluster: Cluster, count: int) -> bool:
    return len(cluster.writes(but=[LEASE])) > count


def test_an_idle_operator_writes_nothing_but_its_lease(server: ClusterServer) -> None:
    """The real controllers, on objects that are ready, wait and are wrong; nor is all listed again."""
    cluster = server.cluster
    step = {"name": "s", "template": {"source": "Hello"}}
    source = {"sourceFrom": {"configMapRef": {"name": "no", "key": "k"}}}
    made = [
        signature("good"),
        signature("wrong", "a -> b: strr"),
        item(PIPELINE, "good", spec={"steps": [step]}),
        item(PIPELINE, "waits", spec={"steps": [{"name": "m", "template": source}]}),
        item(POOL, "small", spec={"model": {"name": "openai/x"}}),
    ]
    for each in made:
        cluster.add(each)
    with OperatorThread(server.config) as operator:
        operator.lead()
        for each in made:
            kind, name = Kind.of(each), each["metadata"]["name"]
            cluster.until(functools.partial(cluster.condition, kind, "shop", name, "Ready"))
        cluster.until(functools.partial(cluster.item, CONFIG_MAP, "shop", "dspex-keys"))
        quiet(cluster, 5.0)
        assert len(cluster.writes()) - len(cluster.writes(but=[LEASE])) >= 3
    assert cluster.condition(SIGNATURE, "shop", "good", "Ready")["status"] == "True"
    assert cluster.condition(SIGNATURE, "shop", "wrong", "Stalled")["status"] == "True"
    assert cluster.condition(PIPELINE, "shop", "waits", "Reconciling")["status"] == "True"
    swept = [each.path for each in cluster.asked for kind in WATCHED if names(kind)(each)]
    assert len(swept) == len(set(swept)), "names are compared once, after kopf's own first list"
