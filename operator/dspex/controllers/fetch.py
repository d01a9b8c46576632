"""Reads what is not watched, and looks at it again from time to time."""

import asyncio
import logging
from typing import Final

import aiohttp

from dspex.controllers.decision import Object
from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.controllers.world import RAW, WORKER
from dspex.kube.client import KubeClient
from dspex.kube.errors import KubeError
from dspex.kube.kind import CONFIG_MAP, SECRET, Kind

AGES: Final[dict[Kind, float]] = {CONFIG_MAP: 10.0, SECRET: 30.0, WORKER: 30.0, RAW: 3600.0}
"""Seconds after which each is looked at again; the public keys change once in a while, if ever."""

WORKER_TIMEOUT: Final = 1.0
"""Seconds within which a worker must answer; nothing waits for it but its Pool's status."""

_logger = logging.getLogger(__name__)


async def fetch(client: KubeClient, key: Key) -> Object | None:
    """Return an object, or what a path answers; None if it is not there.

    Raises:
        KubeError: The API server refused.
    """
    if key.kind is WORKER:
        return await _ask_worker(key.name)
    if key.kind is RAW:
        return {"metadata": {}, "answer": await client.raw(key.name)}
    return await client.find(key.kind, key.namespace, key.name)


async def _ask_worker(address: str) -> Object | None:
    timeout = aiohttp.ClientTimeout(total=WORKER_TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"http://{address}/readyz") as reply,
        ):
            return {"metadata": {}, "answer": await reply.json()}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


class Refresher:
    """Looks again at what controllers have read and nobody watches."""

    def __init__(self, client: KubeClient, hub: Hub, pause: float = 5.0) -> None:
        """Look so often whether something is to be looked at.

        Args:
            client: The API server.
            hub: Hears of what has changed.
            pause: Seconds.
        """
        self._client = client
        self._hub = hub
        self._pause = pause
        self._seen: dict[Key, float] = {}

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(self._pause)
            await self.refresh()

    async def refresh(self) -> None:
        """Fetch once what is old enough; one first seen here was fetched just before."""
        now = asyncio.get_running_loop().time()
        wanted = self._hub.world.foreign()
        self._seen = {key: self._seen.get(key, now) for key in wanted}
        for key in wanted:
            if now - self._seen[key] < AGES[key.kind]:
                continue
            self._seen[key] = now
            try:
                self._hub.put_foreign(key, await fetch(self._client, key))
            except KubeError as error:
                _logger.info("%s was not read again: %s", key, error)
