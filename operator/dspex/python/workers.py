"""The warm workers of a process: started for the first call of a Pool, shared by all, kept."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from dspex.bridge.protocol import Answer, Call
from dspex.errors import PythonError, Reason
from dspex.local import LocalPools, PoolPlan, WorkerDied, WorkerEvent


class WarmPool:
    """The workers of one Pool; made in the loop that they live in.

    Attributes:
        pools: They.
        start: Ends when they are ready, or with the error that keeps them from it.
        users: How many runs wait for them or use them.
        spent: Whether one was given up, so that the next run starts them anew.
    """

    def __init__(self, plan: PoolPlan, most: int) -> None:
        self.pools = LocalPools([plan], self.hear, max_workers=most)
        self.start = asyncio.create_task(self.pools.__aenter__())
        self.users = 0
        self.spent = False

    def hear(self, event: WorkerEvent) -> None:
        """Note a worker that will not be started again."""
        if isinstance(event, WorkerDied) and event.restart_in is None:
            self.spent = True

    @property
    def failed(self) -> bool:
        """Whether they could not be started."""
        return self.start.done() and (self.start.cancelled() or self.start.exception() is not None)

    async def ready(self) -> None:
        """Wait for a start that others may wait for too: the last to give it up cancels it."""
        try:
            await asyncio.shield(self.start)
        except asyncio.CancelledError:
            if self.users == 1 and not self.start.done():
                self.start.cancel()
                await asyncio.wait({self.start})
            raise

    async def end(self) -> None:
        """End all processes and wait for their end."""
        self.start.cancel()
        await asyncio.wait({self.start})
        if not self.failed:
            await self.pools.__aexit__(None, None, None)


class WarmWorkers:
    """Workers by what they are configured with; used in one event loop."""

    def __init__(self) -> None:
        self._warm: dict[str, WarmPool] = {}
        self._retired: list[WarmPool] = []

    @contextlib.asynccontextmanager
    async def of(self, plans: Sequence[PoolPlan], most: int) -> AsyncIterator["WarmPools"]:
        """Give a dispatcher for some Pools whose workers are ready; start those that are not.

        Args:
            plans: The Pools.
            most: Worker processes of one Pool at most.

        Raises:
            ConfigurationError: A worker found its configuration wrong.
            PythonError: The workers could not be started.
        """
        await self._end_idle()
        used = {plan.name: (_key(plan, most), self._find(plan, most)) for plan in plans}
        for _, pool in used.values():
            pool.users += 1
        try:
            await _all_ready([pool for _, pool in used.values()])
            yield WarmPools({name: pool.pools for name, (_, pool) in used.items()})
        finally:
            for key, pool in used.values():
                pool.users -= 1
                if pool.failed and self._warm.get(key) is pool:
                    del self._warm[key]

    async def close(self) -> None:
        """End all workers and wait for their end."""
        warm = [*self._warm.values(), *self._retired]
        self._warm, self._retired = {}, []
        await asyncio.gather(*(pool.end() for pool in warm))

    def kill(self) -> None:
        """Send SIGKILL to all workers now, for a person who will not wait."""
        for pool in (*self._warm.values(), *self._retired):
            pool.pools.kill()

    def _find(self, plan: PoolPlan, most: int) -> WarmPool:
        """Return a Pool's workers, begun now where there are none, or where some are past help."""
        key = _key(plan, most)
        found = self._warm.get(key)
        if found is not None and (found.spent or found.failed):
            self._retired.append(found)
            found = None
        if found is None:
            found = self._warm[key] = WarmPool(plan, most)
        return found

    async def _end_idle(self) -> None:
        """End the retired workers that no run uses any more."""
        idle = [pool for pool in self._retired if not pool.users]
        self._retired = [pool for pool in self._retired if pool.users]
        await asyncio.gather(*(pool.end() for pool in idle))


class WarmPools:
    """A `Dispatcher` over the workers of some Pools."""

    def __init__(self, pools: Mapping[str, LocalPools]) -> None:
        self._pools = pools

    async def execute(self, pool: str, call: Call) -> Answer:
        """Run one call on some worker of the pool; as `bridge.dispatch.Dispatcher`."""
        if pool not in self._pools:
            known = ", ".join(self._pools) or "none"
            message = f"there is no pool {pool!r} here (there is: {known})"
            raise PythonError(Reason.REQUEST_REFUSED, message)
        return await self._pools[pool].execute(pool, call)


async def _all_ready(pools: Sequence[WarmPool]) -> None:
    """Wait for all; the first error ends the wait for the rest, and is raised itself."""
    waits = [asyncio.create_task(pool.ready()) for pool in pools]
    try:
        await asyncio.gather(*waits)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _key(plan: PoolPlan, most: int) -> str:
    """Return what workers differ by: their Pool, what it takes from elsewhere, and the folder."""
    parts = [plan.name, plan.pool.spec.to_json(), plan.api_key, plan.env, most, str(Path.cwd())]
    return json.dumps(parts, sort_keys=True)
