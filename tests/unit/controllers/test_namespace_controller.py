"""Namespaces: what runners and workers need stands there as long as a Pool or a run does."""

import json

import pytest

from dspex.controllers.decision import Decision
from dspex.controllers.key import Key
from dspex.controllers.namespace import decide
from dspex.controllers.settings import Settings
from dspex.controllers.world import RAW, Unread, World
from dspex.kube.kind import NAMESPACE, PIPELINE_RUN, POOL, Kind
from dspex.resources.names import MANAGED_BY, MANAGED_BY_LABEL
from fakes.controller_bench import NOW, Bench
from fakes.items import Object, item

SPACE: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
KEY = Key(NAMESPACE, "", "shop")
JWKS = Key(RAW, "", "/openid/v1/jwks")
CONFIGURATION = Key(RAW, "", "/.well-known/openid-configuration")
SETTINGS = Settings(runner_role="release-runner")


def ask(world: World) -> Decision:
    """Look at the namespace."""
    world.begin()
    try:
        return decide(SETTINGS, SPACE, world, NOW)
    finally:
        world.end(KEY)


@pytest.fixture
def world() -> World:
    """Make a World that knows the cluster's keys."""
    made = World()
    made.put_foreign(JWKS, {"metadata": {}, "answer": {"keys": [{"kid": "k1"}]}})
    made.put_foreign(CONFIGURATION, {"metadata": {}, "answer": {"issuer": "https://me"}})
    return made


@pytest.mark.parametrize("kind", [POOL, PIPELINE_RUN])
def test_a_namespace_with_a_pool_or_a_run_gets_what_they_need(world: World, kind: Kind) -> None:
    """The runners' account, its right by the chart's role, and the cluster's public keys."""
    world.put(kind, item(kind, "a", spec={}))
    decision = ask(world)
    assert decision.delete == ()
    made = {each["kind"]: each for each in decision.apply}
    assert sorted(made) == ["ConfigMap", "RoleBinding", "ServiceAccount"]
    for each in made.values():
        assert each["metadata"]["namespace"] == "shop"
        assert each["metadata"]["labels"][MANAGED_BY_LABEL] == MANAGED_BY
    role, account = made["RoleBinding"], made["ServiceAccount"]["metadata"]["name"]
    assert account == "dspex-runner"
    assert role["roleRef"]["kind"] == "ClusterRole"
    assert role["roleRef"]["name"] == "release-runner"
    assert role["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "shop"}]
    keys = made["ConfigMap"]
    assert keys["metadata"]["name"] == "dspex-keys"
    assert json.loads(keys["data"]["jwks.json"]) == {"keys": [{"kid": "k1"}]}
    assert keys["data"]["issuer"] == "https://me"


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_namespace_without_them_loses_it(world: World, elsewhere: bool) -> None:
    """Those of other namespaces do not count."""
    if elsewhere:
        world.put(POOL, item(POOL, "a", "lab"))
    decision = ask(world)
    assert decision.apply == ()
    gone = {(ref.kind.name, ref.namespace, ref.name) for ref in decision.delete}
    assert gone == {
        ("RoleBinding", "shop", "dspex-runner"),
        ("ServiceAccount", "shop", "dspex-runner"),
        ("ConfigMap", "shop", "dspex-keys"),
    }


def test_the_first_and_the_last_of_them_wake_the_namespace(world: World) -> None:
    """Whichever kind was there when it was looked at."""
    ask(world)
    for kind in (POOL, PIPELINE_RUN):
        assert world.put(kind, item(kind, "a", spec={})) == {KEY}
        ask(world)
    for kind in (POOL, PIPELINE_RUN):
        assert world.drop(Key(kind, "shop", "a")) == {KEY}
        ask(world)


def test_new_keys_of_the_cluster_wake_the_namespace(world: World) -> None:
    """They are what workers verify by; the issuer too."""
    world.put(POOL, item(POOL, "a"))
    ask(world)
    assert world.put_foreign(JWKS, {"metadata": {}, "answer": {"keys": []}}) == {KEY}
    assert world.put_foreign(CONFIGURATION, {"metadata": {}, "answer": {"issuer": "x"}}) == {KEY}


def test_the_keys_are_asked_for_where_they_are_needed() -> None:
    """Not for a namespace that has nothing."""
    world = World()
    ask(world)
    world.put(POOL, item(POOL, "a"))
    with pytest.raises(Unread):
        ask(world)


async def test_what_was_made_goes_with_the_last_run() -> None:
    """Applied once, and deleted once."""
    bench = Bench()
    bench.cluster.answers[JWKS.name] = {"keys": []}
    bench.cluster.answers[CONFIGURATION.name] = {"issuer": "https://me"}
    for key in (JWKS, CONFIGURATION):
        answer = bench.cluster.answers[key.name]
        bench.world.put_foreign(key, {"metadata": {}, "answer": answer})
    bench.world.put(PIPELINE_RUN, item(PIPELINE_RUN, "r", spec={}))
    for _ in range(2):
        await bench.executor.execute(KEY, bench.registration, SPACE, ask(bench.world))
    assert len(bench.written()) == 3
    bench.world.drop(Key(PIPELINE_RUN, "shop", "r"))
    await bench.executor.execute(KEY, bench.registration, SPACE, ask(bench.world))
    assert bench.written()[3:] == [
        "DELETE rolebindings/dspex-runner",
        "DELETE serviceaccounts/dspex-runner",
        "DELETE configmaps/dspex-keys",
    ]
    assert bench.cluster.objects == {}
