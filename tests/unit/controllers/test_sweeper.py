"""The sweeper: what went while nobody watched is noticed."""

import asyncio

import pytest

from dspex.controllers.key import Key
from dspex.controllers.sweep import PAUSE, Sweeper
from dspex.kube.kind import PIPELINE, SIGNATURE, Kind
from fakes.cluster import Ask, Refusal
from fakes.controller_bench import Bench
from fakes.items import signature
from fakes.virtual_time import run_virtually

READER = Key(SIGNATURE, "shop", "reader")


def sweeper(bench: Bench, *namespaces: str) -> Sweeper:
    """Make one for some namespaces; none for all."""
    return Sweeper(bench.client, bench.hub, namespaces)


def names(bench: Bench, kind: Kind) -> set[str]:
    """Return what the World knows of a kind."""
    return {key.name for key in bench.world.keys(kind)}


async def test_what_is_gone_is_forgotten_and_wakes_its_readers() -> None:
    """What is there stays; only names are asked for."""
    bench = Bench()
    for name in ("a", "b"):
        bench.add(signature(name))
        await bench.queue.get()
    bench.world.begin()
    bench.world.list(SIGNATURE, "shop")
    bench.world.end(READER)
    bench.cluster.remove(SIGNATURE, "shop", "a")
    await sweeper(bench).sweep(SIGNATURE)
    assert names(bench, SIGNATURE) == {"b"}
    assert await bench.queue.get() == READER
    [asked] = bench.cluster.asked
    assert "PartialObjectMetadataList" in asked.accept


async def test_of_a_kind_without_objects_all_are_gone() -> None:
    """The API server's list of them is null then, not empty."""
    bench = Bench()
    bench.add(signature("a"))
    bench.cluster.remove(SIGNATURE, "shop", "a")
    await sweeper(bench).sweep(SIGNATURE)
    assert names(bench, SIGNATURE) == set()


async def test_names_are_asked_for_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of runs are not one answer."""
    monkeypatch.setattr("dspex.kube.client.PAGE", 2)
    bench = Bench()
    for name in ("a", "b", "c"):
        bench.add(signature(name))
    await sweeper(bench).sweep(SIGNATURE)
    assert names(bench, SIGNATURE) == {"a", "b", "c"}
    assert [each.query["limit"] for each in bench.cluster.asked] == ["2", "2"]


async def test_a_namesake_that_came_since_is_not_the_same() -> None:
    """The old one is forgotten; the watch shows the new one."""
    bench = Bench()
    bench.add(signature("a", uid="u-1"))
    bench.cluster.remove(SIGNATURE, "shop", "a")
    bench.cluster.add(signature("a", uid="u-2"))
    await sweeper(bench).sweep(SIGNATURE)
    assert names(bench, SIGNATURE) == set()


async def test_what_comes_while_names_are_asked_for_stays() -> None:
    """Neither a new object nor a namesake is taken for one that is gone."""
    bench = Bench()
    bench.add(signature("a", uid="u-1"))
    old = bench.cluster.item(SIGNATURE, "shop", "a")
    assert old is not None

    def meanwhile(_: Ask) -> None:
        # The answer that is on its way still has the old one, and not what follows.
        bench.hub.drop(Key(SIGNATURE, "shop", "a"), "u-1")
        bench.hub.put(SIGNATURE, signature("a", uid="u-2", version=5000))
        bench.hub.put(SIGNATURE, signature("b", uid="u-3", version=5001))

    bench.cluster.refuse = meanwhile
    await sweeper(bench).sweep(SIGNATURE)
    assert names(bench, SIGNATURE) == {"a", "b"}


async def test_only_the_namespaces_that_are_watched_are_compared() -> None:
    """What is elsewhere is not asked for."""
    bench = Bench()
    for space in ("shop", "lab"):
        bench.add(signature("a", namespace=space))
    bench.cluster.remove(SIGNATURE, "shop", "a")
    await sweeper(bench, "shop", "lab").sweep(SIGNATURE)
    assert bench.world.keys(SIGNATURE) == (Key(SIGNATURE, "lab", "a"),)
    assert [each.path for each in bench.cluster.asked] == [
        SIGNATURE.path("shop"),
        SIGNATURE.path("lab"),
    ]


def test_a_kind_is_compared_once_for_several_requests() -> None:
    """After a pause: a list is followed by many objects."""

    async def play() -> None:
        bench = Bench()
        made = sweeper(bench)
        sweeping = asyncio.create_task(made.run())
        await asyncio.sleep(100.0)
        assert bench.cluster.asked == []
        for _ in range(3):
            made.ask(SIGNATURE)
        made.ask(PIPELINE)
        await asyncio.sleep(PAUSE / 2)
        assert bench.cluster.asked == []
        await asyncio.sleep(100.0)
        assert {each.path for each in bench.cluster.asked} == {SIGNATURE.path(), PIPELINE.path()}
        assert len(bench.cluster.asked) == 2
        made.ask(PIPELINE)
        await asyncio.sleep(100.0)
        assert len(bench.cluster.asked) == 3
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)

    run_virtually(play())


def test_a_kind_that_could_not_be_compared_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until it was: what is gone must not stay for ever."""

    async def play() -> None:
        bench = Bench()
        bench.add(signature("a"))
        bench.cluster.remove(SIGNATURE, "shop", "a")
        left = [503, 500]

        def refuse(_: Ask) -> None:
            if left:
                raise Refusal(left.pop(), "Busy", "later")

        bench.cluster.refuse = refuse
        made = sweeper(bench)
        sweeping = asyncio.create_task(made.run())
        made.ask(SIGNATURE)
        await asyncio.sleep(2.5 * PAUSE)
        assert names(bench, SIGNATURE) == {"a"}
        await asyncio.sleep(PAUSE)
        assert names(bench, SIGNATURE) == set()
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)

    with caplog.at_level("INFO"):
        run_virtually(play())
    assert caplog.text.count("signatures were not compared") == 2
