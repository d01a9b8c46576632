"""How many executions may run at once, in a pipeline and in those around it."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext


class Slots:
    """A bound on what runs at once; one of a sub-pipeline also asks its parent's.

    Only executions that nest nothing hold a slot, and every one asks inside first, so two can't
    wait for each other.
    """

    def __init__(self, limit: int | None, parent: "Slots | None" = None) -> None:
        self._own = asyncio.Semaphore(limit) if limit is not None else None
        self._parent = parent
        self._bounded: bool = self._own is not None or (parent is not None and parent._bounded)

    def hold(self) -> AbstractAsyncContextManager[object]:
        """Wait for a slot and hold it while the context lasts."""
        return self._all() if self._bounded else nullcontext()

    def _all(self) -> AbstractAsyncContextManager[object]:
        return _Held(self._semaphores())

    def _semaphores(self) -> list[asyncio.Semaphore]:
        own = [self._own] if self._own is not None else []
        return own + (self._parent._semaphores() if self._parent is not None else [])


class _Held(AbstractAsyncContextManager[None]):
    def __init__(self, semaphores: list[asyncio.Semaphore]) -> None:
        self._semaphores = semaphores
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> None:
        async with AsyncExitStack() as stack:
            for semaphore in self._semaphores:
                await stack.enter_async_context(semaphore)
            self._stack = stack.pop_all()

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
