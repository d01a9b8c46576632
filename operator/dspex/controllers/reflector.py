"""Keeps what is known of one kind as the API server has it: lists it, then watches it.

The name is that of Kubernetes' own Go client for the same. kopf watches the kinds that people
write, this those of which a run brings dozens of events: see docs/decisions/0024-reflectors.md.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, Final

from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.kube.client import KubeClient
from dspex.kube.errors import ExpiredError, KubeError
from dspex.kube.kind import Kind
from dspex.kube.watch import BOOKMARK, DELETED, Change, changes

FIRST_PAUSE: Final = 0.1
"""Seconds between the end of one watch and the next; they double while none tells of anything."""

MAX_PAUSE: Final = 5.0
"""Seconds at most."""

_logger = logging.getLogger(__name__)


class Reflector:
    """Hands over to the hub all that is seen of a kind in a namespace.

    Args:
        client: The API server.
        hub: Takes in what is seen.
        kind: What is watched.
        namespace: Where; empty for everywhere.
        selector: Labels of what is watched; empty for all.
        draw: Draws a number from 0 to 1 for the jitter.
    """

    def __init__(
        self,
        client: KubeClient,
        hub: Hub,
        kind: Kind,
        namespace: str = "",
        selector: str = "",
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._hub = hub
        self._kind = kind
        self._space = namespace
        self._selector = selector
        self._draw = draw
        self._version = ""
        self._errors = 0
        self.listed = asyncio.Event()
        """Set once all that there was has been handed over."""

    async def run(self) -> None:
        """List and watch for ever, after errors ever later."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._follow()
            except ExpiredError as error:
                self._version = ""
                _logger.info("%s are listed anew: %s", self._kind.plural, error)
            except KubeError as error:
                _logger.warning("%s are not watched: %s", self._kind.plural, error)
            await asyncio.sleep(self._pause())
            self._errors += 1

    async def _list(self) -> None:
        """Take in all that there is, and forget what is not there any more."""
        world = self._hub.world
        before = {key: _uid(world.known(key)) for key in world.keys(self._kind)}
        there, version = {}, ""
        async for page in self._client.pages(self._kind, self._space, self._selector):
            version = page.version
            for item in page.items:
                self._hub.put(self._kind, item)
                there[self._key(item)] = _uid(item)
        for key, uid in before.items():
            if self._space in ("", key.namespace) and there.get(key) != uid:
                self._hub.drop(key, uid)
        self._version = version
        self.listed.set()

    async def _follow(self) -> None:
        """Watch until the watch ends."""
        told = changes(self._client, self._kind, self._space, self._selector, self._version)
        async with aclosing(told):
            async for change in told:
                self._take(change)
                self._version, self._errors = change.version, 0

    def _take(self, change: Change) -> None:
        item = change.item
        if change.type == BOOKMARK:
            return
        if change.type == DELETED:
            self._hub.drop(self._key(item), _uid(item), int(change.version))
            return
        self._hub.put(self._kind, item)

    def _key(self, item: dict[str, Any]) -> Key:
        metadata = item["metadata"]
        return Key(self._kind, metadata.get("namespace", ""), metadata["name"])

    def _pause(self) -> float:
        bound = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** min(self._errors, 20))
        return bound * (0.5 + self._draw() / 2)


def _uid(item: dict[str, Any] | None) -> str:
    return "" if item is None else str(item["metadata"].get("uid", ""))
