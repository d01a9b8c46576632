"""Logs: one JSON object a line on standard error, with run, step and attempt, without values."""

import json
import logging
import sys
import time
from typing import Any, Final

from dspex.runner.redactor import Redactor

logger: Final = logging.getLogger("dspex.runner")

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Writes a record and its `extra` fields as JSON.

    Attributes:
        redactor: Takes sensitive inputs out of every text; None before they are known.
    """

    def __init__(self, **fields: str) -> None:
        """Make a formatter that adds some fields to each line."""
        super().__init__()
        self.redactor: Redactor | None = None
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {"message": record.getMessage()}
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if self.redactor is not None:
            line = self.redactor.shown(line)
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._fields,
        }
        return json.dumps(head | line, ensure_ascii=False, default=str)


def configure(level: str, **fields: str) -> JsonFormatter:
    """Send all logs of the process to standard error as JSON; gives the formatter back."""
    formatter = JsonFormatter(**fields)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    logging.captureWarnings(True)
    return formatter
