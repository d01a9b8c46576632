"""What passes by itself is not logged as if somebody had to do something about it."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from dspex.controllers.decision import Note
from dspex.controllers.logs import set_up_logs
from fakes.cluster import Ask, Refusal
from fakes.controller_bench import Bench
from fakes.items import signature

WATCHING = "kopf._cogs.clients.watching"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give what the operator's logs are written to."""
    root, kopf = logging.getLogger(), logging.getLogger("kopf")
    access = logging.getLogger("aiohttp.access")
    handlers, levels = root.handlers[:], [each.level for each in (root, kopf, access)]
    written = io.StringIO()
    set_up_logs("info", written)
    yield written
    root.handlers[:] = handlers
    for each, level in zip((root, kopf, access), levels, strict=True):
        each.setLevel(level)


def lines(stream: io.StringIO) -> list[tuple[str, str]]:
    """Return level and message of each line."""
    found = map(json.loads, stream.getvalue().splitlines())
    return [(each["level"], each["message"]) for each in found]


@pytest.mark.parametrize(
    ("name", "message", "level"),
    [
        (WATCHING, "Request attempt #1/9 failed; will retry: GET x -> refused", "warning"),
        (WATCHING, "Request attempt #9/9 failed; escalating: GET x -> refused", "error"),
        ("dspex.some", "this failed; will retry: it is ours", "error"),
    ],
)
def test_a_watch_that_is_begun_again_is_no_error(
    stream: io.StringIO, name: str, message: str, level: str
) -> None:
    """Thirteen of them end with each restart of the API server; giving up is one."""
    logging.getLogger(name).error(message)
    assert lines(stream) == [(level, message)]


def test_what_an_ended_watch_leaves_undone_is_not_told(stream: io.StringIO) -> None:
    """The next operator lists every object of it, and nothing is lost."""
    logger = logging.getLogger("kopf._core.reactor.queueing")
    logger.warning("Unprocessed streams left for [(pods.v1, 'u-1')].")
    logger.warning("Unprocessed otherwise")
    assert lines(stream) == [("warning", "Unprocessed otherwise")]


@pytest.mark.parametrize(
    ("words", "logged"),
    [
        ("events is forbidden: unable to create new content because it is being terminated", 0),
        ("events is forbidden", 1),
    ],
)
async def test_an_event_for_a_namespace_that_goes_is_not_missed(
    stream: io.StringIO, words: str, logged: int
) -> None:
    """Another refusal is told of, once for each Event."""
    bench = Bench()

    def refuse(_: Ask) -> None:
        raise Refusal(403, "Forbidden", words)

    bench.cluster.refuse = refuse
    bench.recorder.say(signature("a"), Note("Parsed", "it is right"))
    writing = asyncio.create_task(bench.recorder.run())
    await bench.recorder.flush()
    writing.cancel()
    assert len(lines(stream)) == logged
