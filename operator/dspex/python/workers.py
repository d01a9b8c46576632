"""The warm workers of a process: started for the first call of a Pool, shared by all, kept."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dspex.bridge.protocol import Answer, Call
from dspex.errors import PythonError, Reason
from dspex.local import LocalPools, PoolPlan, WorkerDied, WorkerEvent


@dataclass(slots=True, eq=False)
class _Warm:
    """The workers of one Pool.

    Attributes:
        pools: They.
        start: Ends when they are ready, or with the error that keeps them from it.
        waiting: How many calls wait for that.
        spent: Whether one was given up, so that the next call starts them anew.
    """

    pools: LocalPools | None = None
    start: "asyncio.Task[LocalPools] | None" = None
    waiting: int = 0
    spent: bool = False

    def hear(self, event: WorkerEvent) -> None:
        """Note a worker that will not be started again."""
        if isinstance(event, WorkerDied) and event.restart_in is None:
            self.spent = True


class WarmWorkers:
    """Workers by what they are configured with; used in one event loop."""

    def __init__(self) -> None:
        self._warm: dict[str, _Warm] = {}

    async def of(self, plans: Sequence[PoolPlan], most: int) -> "WarmPools":
        """Return a dispatcher for some Pools whose workers are ready; starts those that are not.

        Args:
            plans: The Pools.
            most: Worker processes of one Pool at most.

        Raises:
            ConfigurationError: A worker found its configuration wrong.
            PythonError: The workers could not be started.
        """
        starts = [asyncio.ensure_future(self._ready(plan, most)) for plan in plans]
        try:
            ready = await asyncio.gather(*starts)
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
        return WarmPools({plan.name: each for plan, each in zip(plans, ready, strict=True)})

    async def close(self) -> None:
        """End all workers and wait for their end."""
        warm, self._warm = list(self._warm.values()), {}
        await asyncio.gather(*map(_end, warm))

    def kill(self) -> None:
        """Send SIGKILL to all workers now, for a person who will not wait."""
        for each in list(self._warm.values()):
            if each.pools is not None:
                each.pools.kill()

    async def _ready(self, plan: PoolPlan, most: int) -> LocalPools:
        key = _key(plan, most)
        found = self._warm.get(key)
        if found is not None and found.spent:
            del self._warm[key]
            await _end(found)
            found = self._warm.get(key)
        if found is None or found.start is None:
            found = self._warm[key] = _Warm()
            found.pools = LocalPools([plan], found.hear, max_workers=most)
            found.start = asyncio.create_task(found.pools.__aenter__())
        return await self._wait(key, found, found.start)

    async def _wait(self, key: str, warm: _Warm, start: "asyncio.Task[LocalPools]") -> LocalPools:
        """Wait for a start that others may wait for too: the last to give it up cancels it."""
        warm.waiting += 1
        try:
            return await asyncio.shield(start)
        except BaseException:
            if warm.waiting == 1 and not start.done():
                start.cancel()
                await asyncio.wait({start})
            if start.done() and self._warm.get(key) is warm and _failed(start):
                del self._warm[key]
            raise
        finally:
            warm.waiting -= 1


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


def _failed(start: "asyncio.Task[LocalPools]") -> bool:
    return start.cancelled() or start.exception() is not None


async def _end(warm: _Warm) -> None:
    start = warm.start
    if start is None:
        return
    start.cancel()
    await asyncio.wait({start})
    if warm.pools is not None and not _failed(start):
        await warm.pools.__aexit__(None, None, None)


def _key(plan: PoolPlan, most: int) -> str:
    """Return what workers differ by: their Pool, what it takes from elsewhere, and the folder."""
    parts = [plan.name, plan.pool.spec.to_json(), plan.api_key, plan.env, most, str(Path.cwd())]
    return json.dumps(parts, sort_keys=True)
