"""Finds what has gone while nobody watched: a watch that broke off tells of no deletion."""

import asyncio
import logging
from typing import Final

from dspex.controllers.decision import Object
from dspex.controllers.hub import Hub
from dspex.kube.client import KubeClient
from dspex.kube.errors import KubeError
from dspex.kube.kind import Kind

PAUSE: Final = 1.0
"""Seconds between a kind's new list and the sweep; a list brings many objects at once."""

_logger = logging.getLogger(__name__)


class Sweeper:
    """Compares the World with the API server's names.

    Args:
        client: The API server.
        hub: Hears of what is gone.
        namespaces: Those that are watched; empty for all.
        pause: Seconds to wait for further lists.
    """

    def __init__(
        self,
        client: KubeClient,
        hub: Hub,
        namespaces: tuple[str, ...],
        pause: float = PAUSE,
    ) -> None:
        self._client = client
        self._hub = hub
        self._spaces = namespaces or ("",)
        self._pause = pause
        self._wanted: set[Kind] = set()
        self._asked = asyncio.Event()

    def ask(self, kind: Kind) -> None:
        """Have a kind swept soon."""
        self._wanted.add(kind)
        self._asked.set()

    async def run(self) -> None:
        """Sweep what is asked for, for ever."""
        while True:
            await self._asked.wait()
            await asyncio.sleep(self._pause)
            self._asked.clear()
            wanted, self._wanted = self._wanted, set()
            for kind in wanted:
                try:
                    await self.sweep(kind)
                except KubeError as error:
                    _logger.info("%s were not compared: %s", kind.plural, error)
                    self.ask(kind)

    async def sweep(self, kind: Kind) -> None:
        """Forget the objects of a kind that are not there any more."""
        world = self._hub.world
        before = {key: _uid(world.known(key)) for key in world.keys(kind)}
        there: dict[tuple[str, str], str] = {}
        for space in self._spaces:
            there |= await self._client.names(kind, space)
        for key, uid in before.items():
            if there.get((key.namespace, key.name)) != uid:
                self._hub.drop(key, uid)


def _uid(item: Object | None) -> str:
    return "" if item is None else str(item["metadata"].get("uid", ""))
