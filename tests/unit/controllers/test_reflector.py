"""The reflector: what is known of a kind follows the API server's list and watch."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest

from dspex.controllers.key import Key
from dspex.controllers.reflector import MAX_PAUSE, Reflector
from dspex.kube.errors import ExpiredError, KubeError
from dspex.kube.kind import JOB, Kind
from dspex.resources.names import MANAGED
from fakes.cluster import Ask, Refusal
from fakes.cluster_client import ClusterClient
from fakes.controller_bench import Bench
from fakes.items import child
from fakes.virtual_time import run_virtually

Told = list[dict[str, Any]] | KubeError
"""What one watch tells before it ends, or how it fails."""


class Watched(ClusterClient):
    """A client whose watches tell what a test says; the last one stays silent for ever."""

    def __init__(self, bench: Bench, *watches: Told) -> None:
        super().__init__(bench.cluster)
        self.watches = deque(watches)
        self.asked: list[Mapping[str, str]] = []
        self.times: list[float] = []
        self.silent = asyncio.Event()

    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Tell what is next."""
        self.asked.append(query)
        self.times.append(asyncio.get_running_loop().time())
        told: Told = self.watches.popleft() if self.watches else []
        if isinstance(told, KubeError):
            raise told
        for each in told:
            yield json.dumps(each).encode()
        if not self.watches:
            self.silent.set()
            await asyncio.Event().wait()


def job(name: str, version: int, *, uid: str = "", namespace: str = "shop") -> dict[str, Any]:
    """Return a Job with our label."""
    return child(name, JOB, namespace=namespace, uid=uid or f"u-{name}", version=version, spec={})


def event(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return a line of a watch."""
    return {"type": kind, "object": item}


def bookmark(version: int) -> dict[str, Any]:
    """Return a line that tells of a version alone."""
    return event("BOOKMARK", {"kind": "Job", "metadata": {"resourceVersion": str(version)}})


def known(bench: Bench, kind: Kind = JOB) -> set[str]:
    """Return the names that the World knows."""
    return {key.name for key in bench.world.keys(kind)}


def reflect(bench: Bench, client: Watched, namespace: str = "") -> None:
    """Run a reflector of Jobs until its last watch is silent."""

    async def play() -> None:
        made = Reflector(client, bench.hub, JOB, namespace, MANAGED, draw=lambda: 1.0)
        running = asyncio.create_task(made.run())
        await asyncio.wait(
            [running, asyncio.create_task(client.silent.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        assert made.listed.is_set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(play())


def test_what_the_watch_tells_becomes_known() -> None:
    """New ones, changes and ends, each with the object as it is."""
    bench = Bench()
    bench.cluster.add(job("old", 1))
    told = [
        event("ADDED", job("new", 5000)),
        event("MODIFIED", {**job("new", 5001), "spec": {"suspend": True}}),
        event("DELETED", job("old", 5002)),
    ]
    reflect(bench, Watched(bench, told))
    assert known(bench) == {"new"}
    assert bench.world.known(Key(JOB, "shop", "new"))["spec"] == {"suspend": True}  # type: ignore[index]


def test_a_watch_goes_on_from_the_list_then_from_what_was_told_last() -> None:
    """A bookmark counts too: what came before it is not told twice."""
    bench = Bench()
    bench.cluster.add(job("a", 1))
    listed = str(bench.cluster.version)
    client = Watched(bench, [event("ADDED", job("b", 5000))], [bookmark(6000)], [])
    reflect(bench, client)
    assert [each["resourceVersion"] for each in client.asked] == [listed, "5000", "6000"]
    assert {each["labelSelector"] for each in client.asked} == {MANAGED}
    assert {each["allowWatchBookmarks"] for each in client.asked} == {"true"}


@pytest.mark.parametrize(
    "expired",
    [
        ExpiredError("too old", status=410),
        [event("ERROR", {"kind": "Status", "code": 410, "message": "too old"})],
    ],
)
def test_a_version_too_old_brings_a_new_list(expired: Told) -> None:
    """What has gone meanwhile is forgotten, and wakes who has read it; namesakes are others."""
    bench = Bench()
    reader = Key(JOB, "shop", "reader")
    for name in ("gone", "same", "again"):
        bench.cluster.add(job(name, 1))

    class Meanwhile(Watched):
        async def lines(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
            if not self.asked:
                bench.world.begin()
                bench.world.list(JOB, "shop")
                bench.world.end(reader)
                bench.cluster.remove(JOB, "shop", "gone")
                bench.cluster.remove(JOB, "shop", "again")
                bench.cluster.add(job("again", 1, uid="u-other"))
            async for line in super().lines(path, query):
                yield line

    reflect(bench, Meanwhile(bench, expired, []))
    assert known(bench) == {"same", "again"}
    again = bench.world.known(Key(JOB, "shop", "again"))
    assert again is not None
    assert again["metadata"]["uid"] == "u-other"


def test_another_namespace_is_left_alone_by_a_new_list() -> None:
    """Each namespace has a reflector of its own."""
    bench = Bench()
    bench.hub.put(JOB, job("elsewhere", 1, namespace="lab"))
    bench.hub.put(JOB, job("gone", 1))
    reflect(bench, Watched(bench, []), "shop")
    assert known(bench) == {"elsewhere"}


def test_an_object_made_while_the_list_is_on_its_way_stays() -> None:
    """The answer does not have it yet, and the executor has told of it already."""
    bench = Bench()

    def meanwhile(_: Ask) -> None:
        bench.hub.put(JOB, job("new", 5000))

    bench.cluster.refuse = meanwhile
    reflect(bench, Watched(bench, []))
    assert known(bench) == {"new"}


def test_pauses_grow_while_nothing_is_told_and_begin_anew_after(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The API server is neither hammered nor left for long; the log tells why nothing is seen."""
    bench = Bench()
    refused = [KubeError("no answer") for _ in range(9)]
    client = Watched(bench, *refused, [bookmark(7000)], KubeError("once more"), [])
    reflect(bench, client)
    waits = [round(b - a, 3) for a, b in zip(client.times, client.times[1:], strict=False)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, MAX_PAUSE, MAX_PAUSE, MAX_PAUSE, 0.1, 0.2]
    assert caplog.text.count("jobs are not watched: no answer") == 9


def test_a_list_that_is_refused_is_asked_for_again() -> None:
    """It is not taken for an empty one."""
    bench = Bench()
    bench.cluster.add(job("a", 1))
    left = [404, 503]

    def refuse(_: Ask) -> None:
        if left:
            raise Refusal(left.pop(), "Why", "not now")

    bench.cluster.refuse = refuse
    reflect(bench, Watched(bench, []))
    assert known(bench) == {"a"}


@pytest.mark.parametrize("line", [{"kind": "Status"}, [], {"type": "ADDED"}])
def test_a_line_that_is_no_event_ends_the_watch_alone(
    line: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log, and the watch goes on from the last version."""
    bench = Bench()
    client = Watched(bench, [bookmark(5000), line], [event("ADDED", job("a", 5001))], [])
    reflect(bench, client)
    assert known(bench) == {"a"}
    assert client.asked[1]["resourceVersion"] == "5000"
    assert "not an event of a watch" in caplog.text
