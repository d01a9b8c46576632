"""The recorder: Events said once, cut to their bound, and never waited for."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dspex.controllers.decision import Note
from dspex.controllers.events import MAX_NOTE, MAX_WAITING, WINDOW, event
from dspex.kube.kind import EVENT
from fakes.cluster import Ask, Object, Refusal
from fakes.controller_bench import NOW, Bench
from fakes.items import item, signature

NOTE = Note("Parsed", "it is right")
OWNER = signature("a", uid="u-1")


@asynccontextmanager
async def recording(bench: Bench) -> AsyncIterator[None]:
    """Have what is noted written, and wait for it at the end."""
    writing = asyncio.create_task(bench.recorder.run())
    try:
        yield
        await bench.recorder.flush()
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def events(bench: Bench) -> list[Object]:
    """Return the Events that are there, in the order in which they were made."""
    found = [each for (kind, _, _), each in bench.cluster.objects.items() if kind == EVENT]
    return sorted(found, key=lambda each: int(each["metadata"]["resourceVersion"]))


async def test_an_event_tells_what_and_about_whom() -> None:
    """As `kubectl describe` and `kubectl events` look for it."""
    bench = Bench()
    async with recording(bench):
        bench.recorder.say(OWNER, NOTE)
        bench.recorder.say(OWNER, Note("Invalid", "it is wrong", warning=True))
    [first, second] = events(bench)
    assert first["metadata"]["name"].startswith("a.")
    assert first["metadata"]["namespace"] == "shop"
    assert first["regarding"] == {
        "apiVersion": "dspex.dev/v1alpha1",
        "kind": "Signature",
        "name": "a",
        "namespace": "shop",
        "uid": "u-1",
    }
    assert (first["type"], first["reason"], first["note"]) == ("Normal", "Parsed", "it is right")
    assert (second["type"], second["reason"]) == ("Warning", "Invalid")
    assert first["eventTime"] == "2026-01-01T00:00:00.000000Z"
    assert first["reportingController"] == "dspex.dev/operator"
    assert (first["reportingInstance"], first["action"]) == ("pod-1", "Reconcile")


async def test_an_event_about_a_namespace_stands_in_default() -> None:
    """Where Kubernetes keeps those about what has no namespace itself."""
    made = event(item(EVENT, "shop", ""), NOTE, now=NOW, identity="x" * 200)
    assert made["metadata"]["namespace"] == "default"
    assert made["regarding"]["namespace"] == ""
    assert len(made["reportingInstance"]) == 128


@pytest.mark.parametrize("size", [MAX_NOTE - 1, MAX_NOTE, MAX_NOTE + 1, 9999])
def test_a_long_note_is_cut_to_its_bound(size: int) -> None:
    """The API server would refuse it; an ellipsis says that something is missing."""
    text = event(OWNER, Note("Parsed", "x" * size), now=NOW, identity="i")["note"]
    assert len(text) == min(size, MAX_NOTE)
    assert text.endswith("…") is (size > MAX_NOTE)


def test_the_name_of_an_event_fits_however_long_the_objects_is() -> None:
    """253 characters are allowed; the ending tells it from others of the object."""
    made = event(signature("a" * 253), NOTE, now=NOW, identity="i")
    assert len(made["metadata"]["name"]) <= 253


def test_the_names_of_events_tell_their_order() -> None:
    """`kubectl describe` shows them by name, and a run's story must not begin with its end."""
    reasons = ("Started", "Running", "Succeeded", "Again", "Again")
    moments = [NOW + datetime.timedelta(microseconds=number) for number in range(len(reasons))]
    names = [
        event(OWNER, Note(reason, "x"), now=now, identity="i")["metadata"]["name"]
        for reason, now in zip(reasons, moments, strict=True)
    ]
    assert names == sorted(names)
    assert len(set(names)) == len(names)


async def test_the_same_is_said_once_in_a_while() -> None:
    """Of the same object, with the same reason and words; all else is said."""
    bench = Bench()
    async with recording(bench):
        for _ in range(3):
            bench.recorder.say(OWNER, NOTE)
        bench.recorder.say(OWNER, Note("Parsed", "in other words"))
        bench.recorder.say(OWNER, Note("Other", "it is right"))
        bench.recorder.say(signature("a", uid="u-2"), NOTE)
        bench.clock.pass_(WINDOW)
        bench.recorder.say(OWNER, NOTE)
        await bench.recorder.flush()
        assert len(events(bench)) == 4
        bench.clock.pass_(1)
        bench.recorder.say(OWNER, NOTE)
    assert len(events(bench)) == 5


async def test_a_flood_is_bounded() -> None:
    """What is too much is left out, and may be said later; nobody waits."""
    bench = Bench()
    for number in range(MAX_WAITING + 10):
        bench.recorder.say(OWNER, Note("Flood", str(number)))
    async with recording(bench):
        await bench.recorder.flush()
        bench.recorder.say(OWNER, Note("Flood", str(MAX_WAITING)))
        bench.recorder.say(OWNER, Note("Flood", "0"))
    assert [each["note"] for each in events(bench)] == [str(n) for n in range(MAX_WAITING + 1)]


@pytest.mark.parametrize("status", [403, 409, 500])
async def test_an_event_that_is_refused_matters_to_nobody(status: int) -> None:
    """The next ones are written nevertheless."""
    bench = Bench()
    left = [status]

    def refuse(_: Ask) -> None:
        if left:
            raise Refusal(left.pop(), "Why", "no")

    bench.cluster.refuse = refuse
    async with recording(bench):
        bench.recorder.say(OWNER, NOTE)
        bench.recorder.say(OWNER, Note("Second", "is written"))
    assert [each["reason"] for each in events(bench)] == ["Second"]


async def test_nothing_waits_where_nothing_was_said() -> None:
    """Flushing returns at once."""
    await asyncio.wait_for(Bench().recorder.flush(), 1)
