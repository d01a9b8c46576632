"""The way to the workers of a run's Pools: by their Services, with a token for each."""

from types import TracebackType
from typing import Final, Self

from dspex.bridge.client import PoolClient, Pools, ServiceResolver, TokenFile
from dspex.bridge.protocol import Answer, Call
from dspex.runner.order import Order
from dspex.runner.settings import Settings

CONNECT_TIMEOUT: Final = 3.0
"""Seconds within which a pod must accept a connection: one that is gone may not even refuse it."""


class Workers:
    """A dispatcher for the Pools of an order; use it as an async context manager."""

    def __init__(self, order: Order, settings: Settings) -> None:
        self._resolvers = {
            name: ServiceResolver(pool.host, pool.port) for name, pool in order.pools.items()
        }
        self._pools = Pools(
            {
                name: PoolClient(
                    resolver,
                    pool=name,
                    token=TokenFile(settings.root / "tokens" / name),
                    patient=True,
                    connect_timeout=CONNECT_TIMEOUT,
                )
                for name, resolver in self._resolvers.items()
            }
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pools.close()
        for resolver in self._resolvers.values():
            await resolver.close()

    async def execute(self, pool: str, call: Call) -> Answer:
        """Run one call on some worker of the pool (the engine's `Dispatcher`)."""
        return await self._pools.execute(pool, call)
