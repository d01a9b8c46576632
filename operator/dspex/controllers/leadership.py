"""All that runs while an operator leads, from the first list to the last write."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Collection, Coroutine, Mapping
from typing import Any, Final

from dspex.controllers.events import Recorder
from dspex.controllers.execute import Executor
from dspex.controllers.fetch import Refresher
from dspex.controllers.hub import Hub
from dspex.controllers.metrics import Metrics
from dspex.controllers.queue import WorkQueue
from dspex.controllers.reconcile import Reconciler
from dspex.controllers.reflector import Reflector
from dspex.controllers.registration import Registration
from dspex.controllers.settings import Settings
from dspex.controllers.sweep import Sweeper
from dspex.controllers.watch import CHILDREN, REFLECTED, WRITTEN, watch
from dspex.controllers.world import World
from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.errors import KubeError
from dspex.kube.kind import Kind
from dspex.kube.lease import utc_now
from dspex.resources.names import MANAGED

GRACE: Final = 10.0
"""Seconds in which what is being worked on may finish."""

PAUSE: Final = 1.0
"""Seconds between two looks for the kinds, as long as they are not there."""

_logger = logging.getLogger(__name__)


class Leadership:
    """World, queue, watch and work of one leader; good for one run.

    Args:
        settings: What the operator was told.
        config: Where the API server is.
        client: The API server.
        kinds: The controllers by kind.
        metrics: Counts and times.
    """

    def __init__(
        self,
        settings: Settings,
        config: ClusterConfig,
        client: KubeClient,
        kinds: Mapping[Kind, Registration],
        metrics: Metrics,
    ) -> None:
        self._spaces = settings.namespaces
        self._config = config
        self._client = client
        self.world = World()
        self._queue = WorkQueue()
        self._hub = Hub(self.world, self._queue, kinds)
        self._recorder = Recorder(client, settings.identity, utc_now)
        self._executor = Executor(client, self._hub, self._recorder, metrics)
        self._reconciler = Reconciler(client, self._hub, self._executor, metrics, utc_now)
        self._sweeper = Sweeper(client, self._hub, self._spaces)
        self._reflectors = [
            Reflector(client, self._hub, kind, space, MANAGED if kind in CHILDREN else "")
            for kind in REFLECTED
            for space in self._spaces or ("",)
        ]
        names = [kind.name for kind in kinds]
        metrics.watch(self.world, self._queue.depth, lambda: client.requests, names)
        self.listed = asyncio.Event()
        """Set once all kinds are listed, which is when work begins."""

    async def run(self, hold: Coroutine[Any, Any, Any], stop: asyncio.Event) -> int:
        """Lead until told to stop, or until leadership is lost.

        Args:
            hold: Ends when leadership is lost.
            stop: Set to end in good order.

        Returns:
            The exit code: 0 where it was told to stop.
        """
        unwatched = asyncio.Event()
        tasks = {
            "the lease was lost": asyncio.create_task(hold),
            "it was told to stop": asyncio.create_task(stop.wait()),
            "the work ended": asyncio.create_task(self._reconciler.run(self.listed)),
            "events ended": asyncio.create_task(self._recorder.run()),
            "reading ended": asyncio.create_task(Refresher(self._client, self._hub).run()),
            "comparing ended": asyncio.create_task(self._sweeper.run()),
            "reflecting ended": asyncio.create_task(self._reflect()),
            "the watch ended": asyncio.create_task(self._watch(stop, unwatched)),
        }
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            for why, task in tasks.items():
                if task.done():
                    error = None if task.cancelled() else task.exception()
                    _logger.error("ends, for %s", why, exc_info=error)
            # Another may lead already: nothing more is written.
            await _cancel(tasks.values())
            return 1
        _logger.info("ends, as it was told to")
        await self._finish(tasks["the work ended"], tasks["the lease was lost"])
        unwatched.set()
        await asyncio.wait([tasks["the watch ended"]], timeout=GRACE)
        await _cancel(tasks.values())
        return 0

    async def _finish(self, work: asyncio.Task[Any], hold: asyncio.Task[Any]) -> None:
        """Let what is being worked on come to its end, and its Events be written."""
        self._queue.close()
        self.listed.set()
        await asyncio.wait([work, hold], timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
        if hold.done():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._recorder.flush()

    async def _reflect(self) -> None:
        async with asyncio.TaskGroup() as group:
            for each in self._reflectors:
                group.create_task(each.run())

    async def _watch(self, stop: asyncio.Event, unwatched: asyncio.Event) -> None:
        await self._list()
        for each in self._reflectors:
            await each.listed.wait()
        self.listed.set()
        await watch(
            self._hub,
            self._config,
            self._spaces,
            # Else a signal would end the watch first, and let the work go on without it.
            began=lambda: take_signals(stop),
            relisted=self._sweeper.ask,
            stop=unwatched,
        )

    async def _list(self) -> None:
        """Take in what kopf is to watch, before anything is decided; it lists it once more.

        Without the kinds of dspex.dev it waits for them: kopf looks for them once, when it starts.
        """
        while True:
            try:
                await self._take_in()
            except KubeError as error:
                _logger.warning("waits for the kinds of dspex.dev: %s", error)
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _take_in(self) -> None:
        for space in self._spaces or ("",):
            for kind in WRITTEN:
                async for page in self._client.pages(kind, space):
                    for item in page.items:
                        self._hub.put(kind, item)


def take_signals(stop: asyncio.Event) -> None:
    """Have SIGTERM and SIGINT set an event, in place of whatever they did before."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
