"""Logs as JSON, a line an event, with the object that they are about."""

import contextlib
import contextvars
import datetime
import json
import logging
import sys
from collections.abc import Iterator
from typing import IO, Any, Final

from dspex.controllers.key import Key
from dspex.kube.kind import PIPELINE_RUN

_KEY: Final[contextvars.ContextVar[Key | None]] = contextvars.ContextVar("key", default=None)


@contextlib.contextmanager
def about(key: Key) -> Iterator[None]:
    """Have all that is logged inside say that it is about an object."""
    token = _KEY.set(key)
    try:
        yield
    finally:
        _KEY.reset(token)


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object: time, level, logger, message, and the object's names."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        key = _KEY.get()
        if key is not None:
            line |= {"kind": key.kind.name, "namespace": key.namespace, "name": key.name}
            if key.kind is PIPELINE_RUN:
                line["run"] = key.name
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def calm(record: logging.LogRecord) -> bool:
    """Take the alarm out of what kopf tells as a matter of course.

    A request that it will make again is no error: a restart of the API server ends all watches, and
    each tells of it. What it had not handed over when it ended, the next operator lists again.
    """
    if not record.name.startswith("kopf."):
        return True
    message = record.getMessage()
    if "; will retry: " in message:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return not message.startswith("Unprocessed streams left for ")


def set_up_logs(level: str, stream: IO[str] | None = None) -> None:
    """Write all logs of the process as JSON.

    Args:
        level: debug, info, warning or error.
        stream: Where to; standard error if not given.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.setLevel(level.upper())
    handler.addFilter(calm)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # kopf speaks of each watch that the API server ends, which is every few minutes by design.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
