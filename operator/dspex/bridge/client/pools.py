"""The workers of several pools behind the one method that the engine knows."""

from collections.abc import Mapping

from dspex.bridge.client.pool_client import PoolClient
from dspex.bridge.protocol import Answer, Call
from dspex.errors import PythonError, Reason


class Pools:
    """A `Dispatcher` over one client for each pool."""

    def __init__(self, clients: Mapping[str, PoolClient]) -> None:
        self._clients = dict(clients)

    async def execute(self, pool: str, call: Call) -> Answer:
        """Run one call on some worker of the pool.

        Raises:
            PythonError: As `PoolClient.execute`; RequestRefused for a pool that is not there.
        """
        client = self._clients.get(pool)
        if client is None:
            known = ", ".join(sorted(self._clients)) or "none"
            message = f"there is no pool {pool!r} here (there is: {known})"
            raise PythonError(Reason.REQUEST_REFUSED, message)
        return await client.execute(call)

    async def close(self) -> None:
        """Close the connections of all pools."""
        for client in self._clients.values():
            await client.close()
