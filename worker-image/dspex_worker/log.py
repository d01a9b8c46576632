"""Logs: one JSON object a line on standard error, without inputs, outputs or keys."""

import json
import logging
import sys
import time
from typing import Any, Final

logger: Final = logging.getLogger("dspex.worker")

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Writes a record and its `extra` fields as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "time": f"{_utc(record.created)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in record.__dict__.items() if key not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def configure(level: str = "INFO") -> None:
    """Send all logs of the process to standard error as JSON.

    DSPy's own loggers put prompts and answers into some warnings, so only their errors are shown,
    unless the level asks for everything.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    logging.captureWarnings(True)
    quiet = logging.DEBUG if level == "DEBUG" else logging.ERROR
    for name in ("dspy", "aiohttp.access", "httpx2"):
        logging.getLogger(name).setLevel(quiet)
    # MCP's SDK puts what servers send into its errors.
    logging.getLogger("mcp").setLevel(logging.DEBUG if level == "DEBUG" else logging.CRITICAL)


def adopt_dspy() -> None:
    """Take DSPy's own handler away, which it adds when it is imported."""
    dspy_logger = logging.getLogger("dspy")
    dspy_logger.handlers.clear()
    dspy_logger.propagate = True
    quiet = logging.DEBUG if logging.root.level == logging.DEBUG else logging.ERROR
    dspy_logger.setLevel(quiet)
