"""The hub: what is seen goes into the World and wakes whom it concerns."""

import asyncio

import pytest

from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.controllers.queue import WorkQueue
from dspex.controllers.registration import Registration
from dspex.controllers.world import World
from dspex.kube.kind import (
    CONFIG_MAP,
    JOB,
    NAMESPACE,
    PIPELINE,
    PIPELINE_RUN,
    POOL,
    SIGNATURE,
    Kind,
)
from fakes.controller_bench import Script
from fakes.items import item, run, signature
from fakes.virtual_time import run_virtually

A = Key(SIGNATURE, "shop", "a")
MAIN = Key(PIPELINE, "shop", "main")


def finished(made: dict[str, object]) -> bool:
    """Say that a run which has a status is done."""
    return "status" in made


def hub() -> Hub:
    """Make a hub with a few controllers that do nothing."""
    kinds = (
        Registration(kind=SIGNATURE, decide=Script()),
        Registration(kind=PIPELINE, decide=Script(), lag=5.0),
        Registration(kind=PIPELINE_RUN, decide=Script(), done=finished),
        Registration(kind=NAMESPACE, decide=Script(), lag=1.0),
    )
    return Hub(World(), WorkQueue(), {each.kind: each for each in kinds})


async def woken(made: Hub) -> list[tuple[float, Key]]:
    """Take what is queued, with the seconds until it was due."""
    began = asyncio.get_running_loop().time()
    found = []
    try:
        while True:
            async with asyncio.timeout(100):
                key = await made.queue.get()
            assert key is not None
            made.queue.done(key)
            found.append((round(asyncio.get_running_loop().time() - began, 3), key))
    except TimeoutError:
        return found


def reads(made: Hub, reader: Key, *names: str) -> None:
    """Have a reader read Signatures."""
    made.world.begin()
    for name in names:
        made.world.get(SIGNATURE, "shop", name)
    made.world.end(reader)


def test_an_object_is_looked_at_when_it_changes() -> None:
    """Once for each version, and not at all where nothing is new."""

    async def play() -> None:
        made = hub()
        made.put(SIGNATURE, signature("a"))
        assert await woken(made) == [(0.0, A)]
        made.put(SIGNATURE, signature("a"))
        assert await woken(made) == []
        made.put(SIGNATURE, signature("a", version=2))
        assert await woken(made) == [(0.0, A)]

    run_virtually(play())


def test_readers_are_looked_at_after_their_lag() -> None:
    """A burst of changes is answered once; the object itself is not put off."""

    async def play() -> None:
        made = hub()
        reads(made, MAIN, "a", "b")
        made.put(SIGNATURE, signature("a"))
        made.put(SIGNATURE, signature("b"))
        assert await woken(made) == [(0.0, A), (0.0, Key(SIGNATURE, "shop", "b")), (5.0, MAIN)]

    run_virtually(play())


def test_whoever_reads_itself_is_looked_at_once_and_at_once() -> None:
    """Its own lag is for changes of others."""

    async def play() -> None:
        made = hub()
        made.world.begin()
        made.world.get(PIPELINE, "shop", "main")
        made.world.end(MAIN)
        made.put(PIPELINE, item(PIPELINE, "main"))
        assert await woken(made) == [(0.0, MAIN)]

    run_virtually(play())


def test_whoever_wrote_an_object_is_not_woken_by_it() -> None:
    """It knows; the others are."""

    async def play() -> None:
        made = hub()
        reads(made, A, "a", "b")
        reads(made, MAIN, "a")
        made.put(SIGNATURE, signature("a"), but=A)
        assert await woken(made) == [(5.0, MAIN)]
        made.put(SIGNATURE, signature("b"), but=A)
        assert await woken(made) == [(0.0, Key(SIGNATURE, "shop", "b"))]

    run_virtually(play())


def test_what_is_done_is_not_looked_at() -> None:
    """Five thousand finished runs cost nothing; who reads them is woken nevertheless."""

    async def play() -> None:
        made = hub()
        made.world.begin()
        made.world.list(PIPELINE_RUN, "shop")
        made.world.end(MAIN)
        made.put(PIPELINE_RUN, run("r", status={}))
        found = [key for _, key in await woken(made)]
        assert found == [Key(NAMESPACE, "", "shop"), MAIN]

    run_virtually(play())


@pytest.mark.parametrize("kind", [POOL, PIPELINE_RUN])
def test_a_namespace_is_looked_after_once_it_has_a_pool_or_a_run(kind: Kind) -> None:
    """With the first one; later ones wake it by what it reads."""

    async def play() -> None:
        made = hub()
        made.put(kind, item(kind, "a", spec={}, status={}))
        made.put(kind, item(kind, "b", spec={}, status={}))
        assert await woken(made) == [(0.0, Key(NAMESPACE, "", "shop"))]
        made.put(kind, item(kind, "c", spec={}, status={}))
        assert await woken(made) == []

    run_virtually(play())


def test_what_has_no_controller_is_never_queued() -> None:
    """Nor a namespace, where nobody looks after those."""

    async def play() -> None:
        made = Hub(World(), WorkQueue(), {})
        made.put(POOL, item(POOL, "a"))
        made.put(SIGNATURE, signature("a"))
        assert await woken(made) == []

    run_virtually(play())


def test_children_wake_their_readers_alone() -> None:
    """A kind without a controller is never looked at itself."""

    async def play() -> None:
        made = hub()
        made.world.begin()
        made.world.get(JOB, "shop", "j")
        made.world.end(A)
        made.put(JOB, item(JOB, "j"))
        assert await woken(made) == [(0.0, A)]
        made.wake([Key(JOB, "shop", "j")])
        assert await woken(made) == []

    run_virtually(play())


def test_the_end_of_an_object_wakes_its_readers_and_ends_its_reading() -> None:
    """Nothing is left of it: what it had read wakes it no more."""

    async def play() -> None:
        made = hub()
        made.put(SIGNATURE, signature("a"))
        reads(made, A, "a", "b")
        reads(made, MAIN, "a")
        await woken(made)
        made.drop(A)
        assert await woken(made) == [(5.0, MAIN)]
        assert made.world.known(A) is None
        made.put(SIGNATURE, signature("b"))
        assert await woken(made) == [(0.0, Key(SIGNATURE, "shop", "b"))]

    run_virtually(play())


def test_the_end_of_what_is_not_there_is_nothing() -> None:
    """Nor that of a namesake that was there before."""

    async def play() -> None:
        made = hub()
        made.drop(A)
        made.put(SIGNATURE, signature("a", uid="u-2"))
        reads(made, MAIN, "a")
        await woken(made)
        made.drop(A, "u-1")
        assert await woken(made) == []
        assert made.world.known(A) is not None

    run_virtually(play())


def test_the_version_of_an_end_is_kept() -> None:
    """So that a late answer about the object does not bring it back."""

    async def play() -> None:
        made = hub()
        made.put(SIGNATURE, signature("a", uid="u-1"))
        made.drop(A, "u-1", 9)
        made.put(SIGNATURE, signature("a", uid="u-1", version=8))
        assert made.world.known(A) is None

    run_virtually(play())


def test_what_is_not_watched_wakes_its_readers() -> None:
    """When it was fetched and is another than before."""

    async def play() -> None:
        made = hub()
        key = Key(CONFIG_MAP, "shop", "texts")
        made.world.put_foreign(key, None)
        made.world.begin()
        made.world.read(CONFIG_MAP, "shop", "texts")
        made.world.end(MAIN)
        made.put_foreign(key, None)
        assert await woken(made) == []
        made.put_foreign(key, item(CONFIG_MAP, "texts"))
        assert await woken(made) == [(5.0, MAIN)]

    run_virtually(play())
