"""What is not watched: fetched when it is asked for, and looked at again as long as it is read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from dspex.controllers.fetch import AGES, Refresher, fetch
from dspex.controllers.key import Key
from dspex.controllers.world import RAW, WORKER
from dspex.kube.errors import KubeError
from dspex.kube.kind import CONFIG_MAP, SECRET, SIGNATURE
from fakes.cluster import Ask, Refusal
from fakes.controller_bench import Bench
from fakes.items import item
from fakes.virtual_time import run_virtually

READER = Key(SIGNATURE, "shop", "a")
TEXTS = Key(CONFIG_MAP, "shop", "texts")
LLM = Key(SECRET, "shop", "llm")
KEYS = Key(RAW, "", "/openid/v1/jwks")


def bench_with_readers(*keys: Key) -> Bench:
    """Make an operator's parts, in which somebody has read what is not watched."""
    bench = Bench()
    bench.cluster.answers[KEYS.name] = {"keys": []}
    for key in keys:
        bench.world.put_foreign(key, None)
    bench.world.begin()
    for key in keys:
        bench.world.read(key.kind, key.namespace, key.name)
    bench.world.end(READER)
    return bench


def asked(bench: Bench) -> list[str]:
    """Return the last parts of the paths that were asked for."""
    return [each.path.rpartition("/")[2] for each in bench.cluster.asked]


async def test_an_object_is_fetched_by_its_name() -> None:
    """One that is not there is None."""
    bench = Bench()
    made = bench.cluster.add(item(CONFIG_MAP, "texts", data={"k": "v"}))
    assert await fetch(bench.client, TEXTS) == made
    assert await fetch(bench.client, LLM) is None


async def test_a_path_is_fetched_as_its_answer() -> None:
    """One that is not there is an error: each API server has those that are asked."""
    bench = bench_with_readers()
    assert await fetch(bench.client, KEYS) == {"metadata": {}, "answer": {"keys": []}}
    with pytest.raises(KubeError):
        await fetch(bench.client, Key(RAW, "", "/never"))


@asynccontextmanager
async def worker(answer: web.Response) -> AsyncIterator[Key]:
    """Run a worker that answers so at /readyz; give the key that it is read by."""

    async def ready(_: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_get("/readyz", ready)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield Key(WORKER, "", f"{host}:{port}")
    finally:
        await runner.cleanup()


async def test_a_worker_tells_of_itself() -> None:
    """Also one that is not ready yet: its answer says why."""
    said = {"ready": False, "version": "1.2.3"}
    async with worker(web.json_response(said, status=503)) as key:
        assert await fetch(Bench().client, key) == {"metadata": {}, "answer": said}


async def test_a_worker_that_does_not_answer_is_none() -> None:
    """It speaks no JSON, or it is not there: its Pool's status goes without it."""
    async with worker(web.Response(text="a proxy's page")) as key:
        assert await fetch(Bench().client, key) is None
    assert await fetch(Bench().client, key) is None


def test_each_kind_is_looked_at_again_at_its_age() -> None:
    """ConfigMaps soon, Secrets later, the public keys once an hour; none before."""

    async def play() -> None:
        bench = bench_with_readers(TEXTS, LLM, KEYS)
        refresher = Refresher(bench.client, bench.hub)
        await refresher.refresh()
        assert asked(bench) == []
        seen: dict[str, int] = {}
        for second in range(5, 3601, 5):
            await asyncio.sleep(5.0)
            await refresher.refresh()
            seen |= {name: second for name in asked(bench) if name not in seen}
        assert seen == {"texts": AGES[CONFIG_MAP], "llm": AGES[SECRET], "jwks": AGES[RAW]}
        assert asked(bench).count("texts") == 360

    run_virtually(play())


def test_a_change_wakes_its_readers() -> None:
    """Within the age and the pause; what stayed as it was wakes nobody."""

    async def play() -> None:
        bench = bench_with_readers(TEXTS)
        refreshing = asyncio.create_task(Refresher(bench.client, bench.hub).run())
        await asyncio.sleep(60.0)
        assert bench.queue.depth() == {}
        bench.cluster.add(item(CONFIG_MAP, "texts", data={"k": "v"}))
        async with asyncio.timeout(AGES[CONFIG_MAP] + 5.0):
            assert await bench.queue.get() == READER
        assert bench.world.read(CONFIG_MAP, "shop", "texts")["texts"] is not None
        refreshing.cancel()
        await asyncio.gather(refreshing, return_exceptions=True)

    run_virtually(play())


def test_what_nobody_reads_any_more_is_left_alone() -> None:
    """It is not fetched again, and its age begins anew when somebody reads it."""

    async def play() -> None:
        bench = bench_with_readers(TEXTS)
        refresher = Refresher(bench.client, bench.hub)
        await refresher.refresh()
        bench.world.leave(READER)
        await asyncio.sleep(3600.0)
        await refresher.refresh()
        assert asked(bench) == []
        bench.world.put_foreign(TEXTS, None)
        bench.world.begin()
        bench.world.read(CONFIG_MAP, "shop", "texts")
        bench.world.end(READER)
        await refresher.refresh()
        assert asked(bench) == []

    run_virtually(play())


def test_what_can_not_be_read_again_stays_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    """The others are read, and it is tried again at its age."""

    async def play() -> None:
        bench = bench_with_readers(TEXTS, LLM)
        bench.cluster.add(item(SECRET, "llm", data={"key": "eA=="}))

        def refuse(ask: Ask) -> None:
            if "configmaps" in ask.path:
                raise Refusal(503, "Busy", "later")

        bench.cluster.refuse = refuse
        refresher = Refresher(bench.client, bench.hub)
        await refresher.refresh()
        for _ in range(3):
            await asyncio.sleep(AGES[CONFIG_MAP])
            await refresher.refresh()
        assert asked(bench) == ["texts", "texts", "texts", "llm"]
        assert bench.world.read(SECRET, "shop", "llm")["llm"] is not None

    with caplog.at_level("INFO"):
        run_virtually(play())
    assert caplog.text.count("ConfigMap shop/texts was not read again") == 3
