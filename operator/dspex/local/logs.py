"""Workers' logs: JSON lines in a file for each, made readable, followed, and asked for errors."""

import asyncio
import contextlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from dspex.errors import Diagnostic

OnLogLine: TypeAlias = Callable[[str, str], None]
"""Hears the worker's name and one line, made readable."""

_LONGEST_TAIL: Final = 32 * 1024
_POLL: Final = 0.2
_KNOWN: Final = frozenset({"time", "level", "logger", "message", "exception", "worker"})


def read_tail(file: Path, count: int) -> tuple[str, ...]:
    """Return the last lines of a log, made readable; none where it can't be read."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, io.SEEK_END) - _LONGEST_TAIL))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ()
    lines = [part for line in text.splitlines() for part in readable(line).splitlines()]
    return tuple(lines[-count:])


def readable(line: str) -> str:
    """Return a log line for a person: JSON becomes `level message (name: value, …)`."""
    record = _record(line)
    if record is None:
        return line.rstrip()
    facts = ", ".join(
        f"{name}: {value}"
        for name, value in record.items()
        if name not in _KNOWN and value not in (None, "", [])
    )
    text = f"{record.get('level', 'info')}: {record['message']}" + (f" ({facts})" if facts else "")
    return f"{text}\n{record['exception']}" if record.get("exception") else text


def read_findings(file: Path, begin: int = 0) -> tuple[Diagnostic, ...]:
    """Return the findings that a worker logged about its configuration before it ended.

    Args:
        file: Its log.
        begin: Bytes of the log that are a former process's.
    """
    try:
        lines = file.read_bytes()[begin:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    records = [record for record in map(_record, lines) if record is not None]
    return tuple(
        Diagnostic(
            code=str(record["code"]),
            message=str(record["message"]),
            expected=record.get("expected"),
            found=record.get("found"),
            remedy=record.get("remedy"),
        )
        for record in records
        if record.get("level") == "error" and record.get("code")
    )


class LogFollower:
    """Passes on what workers log while they run.

    It polls: no event tells of a file's growth on every system, and only `-v` asks for it.
    """

    def __init__(self, on_line: OnLogLine) -> None:
        self._on_line = on_line
        self._places: dict[Path, int] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, files: Iterable[Path]) -> None:
        """Begin to follow some files, which need not be there yet."""
        self._places = dict.fromkeys(files, 0)
        self._task = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Pass on what is left and end."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._read()

    async def _poll(self) -> None:
        while True:
            self._read()
            await asyncio.sleep(_POLL)

    def _read(self) -> None:
        for file, place in self._places.items():
            for line in self._new_lines(file, place):
                for part in readable(line).splitlines():
                    self._on_line(file.stem, part)

    def _new_lines(self, file: Path, place: int) -> Sequence[str]:
        """Return the whole lines behind a place; a begun one waits for its end."""
        try:
            with file.open("rb") as log:
                log.seek(place)
                text = log.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._places[file] = place + len(whole)
        return whole.decode("utf-8", "replace").splitlines()


def _record(line: str) -> dict[str, Any] | None:
    """Read a JSON log line; None for any other text."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "message" in record else None
