"""The operator's logs: a JSON object a line, with the object that it is about."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from dspex.controllers.key import Key
from dspex.controllers.logs import JsonFormatter, about, set_up_logs
from dspex.kube.kind import PIPELINE_RUN, SIGNATURE


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """Put the loggers that are set up back as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    others = [logging.getLogger(name) for name in ("kopf", "aiohttp.access")]
    levels = [each.level for each in others]
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for each, was in zip(others, levels, strict=True):
        each.setLevel(was)


def logged(level: str = "info") -> tuple[logging.Logger, io.StringIO]:
    """Set logs up; return a logger and what they are written to."""
    stream = io.StringIO()
    set_up_logs(level, stream)
    return logging.getLogger("dspex.some"), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines that were written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_and_message() -> None:
    """The time in UTC with milliseconds; a message of several lines stays one line."""
    logger, stream = logged()
    logger.warning("no %s:\nü", "luck")
    [line] = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "warning", "logger": "dspex.some", "message": "no luck:\nü"}
    record = logging.LogRecord("l", logging.INFO, "p", 1, "m", (), None)
    record.created = 1.5
    assert json.loads(JsonFormatter().format(record))["time"] == "1970-01-01T00:00:01.500Z"


def test_a_line_says_which_object_it_is_about() -> None:
    """Inside of `about` only; a run stands under its own name too."""
    logger, stream = logged()
    with about(Key(SIGNATURE, "shop", "a")):
        logger.info("inside")
        with about(Key(PIPELINE_RUN, "shop", "r")):
            logger.info("of a run")
        logger.info("inside again")
    logger.info("outside")
    found = [
        [line.get(name) for name in ("kind", "namespace", "name", "run")] for line in lines(stream)
    ]
    assert found == [
        ["Signature", "shop", "a", None],
        ["PipelineRun", "shop", "r", "r"],
        ["Signature", "shop", "a", None],
        [None] * 4,
    ]


def test_an_error_has_its_traceback() -> None:
    """In the same line, under `error`."""
    logger, stream = logged()
    try:
        raise ZeroDivisionError("a fault")
    except ZeroDivisionError:
        logger.exception("broken")
    [line] = lines(stream)
    assert line["level"] == "error"
    assert line["error"].startswith("Traceback")
    assert line["error"].endswith("ZeroDivisionError: a fault")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_what_is_below_the_level_is_not_written(level: str, shown: list[str]) -> None:
    """Each level of the settings."""
    logger, stream = logged(level)
    for each in ("debug", "info", "warning", "error"):
        getattr(logger, each)("x")
    assert [line["level"] for line in lines(stream)] == shown


def test_what_others_say_by_the_way_is_left_out() -> None:
    """Of each watch that ends kopf tells, and the port of each probe."""
    _, stream = logged("debug")
    for name in ("kopf.objects", "aiohttp.access"):
        logging.getLogger(name).info("as usual")
        logging.getLogger(name).warning("not as usual")
    assert [line["message"] for line in lines(stream)] == ["not as usual"] * 2


def test_others_keep_to_the_level_too() -> None:
    """An operator that is to tell of errors alone tells of no warning of kopf."""
    _, stream = logged("error")
    logging.getLogger("kopf.objects").warning("not as usual")
    assert lines(stream) == []


def test_kopf_raises_no_alarm_for_what_it_tries_again() -> None:
    """A warning; an error of its own, or of others in the same words, stays one."""
    _, stream = logged()
    words = "Request attempt #1/9 failed; will retry: GET /x"
    logging.getLogger("kopf._cogs.clients.watching").error(words)
    logging.getLogger("kopf._cogs.clients.watching").error("Watcher has failed")
    logging.getLogger("dspex.some").error(words)
    assert [line["level"] for line in lines(stream)] == ["warning", "error", "error"]


def test_what_kopf_had_not_handed_over_at_its_end_is_not_told() -> None:
    """The next operator lists it again."""
    _, stream = logged()
    words = "Unprocessed streams left for [pods]."
    logging.getLogger("kopf._core.reactor.queueing").warning(words)
    logging.getLogger("dspex.some").warning(words)
    assert [line["logger"] for line in lines(stream)] == ["dspex.some"]


def test_logs_go_to_standard_error_and_nowhere_else(capsys: pytest.CaptureFixture[str]) -> None:
    """A handler that was there before writes nothing any more."""
    before = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(before))
    set_up_logs("info")
    logging.getLogger("dspex.some").info("here")
    sys.stderr.flush()
    assert json.loads(capsys.readouterr().err)["message"] == "here"
    assert before.getvalue() == ""
