"""Kubernetes Events, said once: for people who look with `kubectl describe` and `get events`."""

import asyncio
import datetime
import hashlib
import logging
from collections.abc import Callable
from typing import Final

from dspex.api.conditions import timestamp
from dspex.controllers.decision import Note, Object
from dspex.kube.client import KubeClient
from dspex.kube.errors import ConflictError, KubeError
from dspex.kube.kind import EVENT

CONTROLLER: Final = "dspex.dev/operator"
"""Who says it, as Events have it."""

MAX_NOTE: Final = 1024
"""Characters of an Event's note; the API server's bound."""

WINDOW: Final = 600.0
"""Seconds in which the same is not said again of the same object."""

MAX_WAITING: Final = 1000
"""Events that wait to be written; in a flood the others are left out."""

_logger = logging.getLogger(__name__)

Clock = Callable[[], datetime.datetime]


class Recorder:
    """Writes Events in the background: nobody waits for them, and no error of theirs matters.

    Args:
        client: The API server.
        identity: Of this operator.
        clock: Returns the time of day.
    """

    def __init__(self, client: KubeClient, identity: str, clock: Clock) -> None:
        self._client = client
        self._identity = identity
        self._clock = clock
        self._waiting: asyncio.Queue[Object] = asyncio.Queue(MAX_WAITING)
        self._said: dict[str, float] = {}

    def say(self, item: Object, note: Note) -> None:
        """Note something about an object, unless it was said lately."""
        now = self._clock()
        mark = _digest(item["metadata"].get("uid", ""), note.reason, note.message)
        self._forget(now.timestamp())
        if mark in self._said or self._waiting.full():
            return
        self._said[mark] = now.timestamp()
        self._waiting.put_nowait(event(item, note, now=now, identity=self._identity))

    async def run(self) -> None:
        """Write what is noted, for ever."""
        while True:
            await self._write(await self._waiting.get())
            self._waiting.task_done()

    async def flush(self) -> None:
        """Return once all that was noted is written."""
        await self._waiting.join()

    async def _write(self, item: Object) -> None:
        try:
            await self._client.create(item)
        except ConflictError:
            return
        except KubeError as error:
            # A namespace that goes takes no Events, and nobody will look for them there.
            level = logging.DEBUG if "being terminated" in str(error) else logging.INFO
            _logger.log(level, "an event was not written: %s", error)

    def _forget(self, now: float) -> None:
        old = [mark for mark, said in self._said.items() if now - said > WINDOW]
        for mark in old:
            del self._said[mark]


def event(item: Object, note: Note, *, now: datetime.datetime, identity: str) -> Object:
    """Return the Event for a note about an object; its name is made of both and the time."""
    metadata = item["metadata"]
    moment = timestamp(now, micro=True)
    # The time comes first: `kubectl describe` shows an object's Events in the order of their names.
    micro = round(now.timestamp() * 1_000_000)
    ending = f"{micro:013x}{_digest(metadata.get('uid', ''), note.reason, note.message)[:6]}"
    message = note.message
    if len(message) > MAX_NOTE:
        message = message[: MAX_NOTE - 1] + "…"
    return {
        "apiVersion": EVENT.version,
        "kind": EVENT.name,
        "metadata": {
            "name": f"{metadata['name'][:200]}.{ending}",
            "namespace": metadata.get("namespace", "default"),
        },
        "eventTime": moment,
        "reportingController": CONTROLLER,
        "reportingInstance": identity[:128],
        "action": "Reconcile",
        "reason": note.reason,
        "type": "Warning" if note.warning else "Normal",
        "note": message,
        "regarding": {
            "apiVersion": item["apiVersion"],
            "kind": item["kind"],
            "name": metadata["name"],
            "namespace": metadata.get("namespace", ""),
            "uid": metadata.get("uid", ""),
        },
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
