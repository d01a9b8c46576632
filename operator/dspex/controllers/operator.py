"""The operator's life: its ports, the election, and work as long as it leads."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from dspex.controllers.health import health_app, serve
from dspex.controllers.kinds import registrations
from dspex.controllers.leadership import Leadership
from dspex.controllers.metrics import Metrics
from dspex.controllers.registration import Registration
from dspex.controllers.settings import Settings
from dspex.controllers.webhook import Webhook
from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.kind import Kind
from dspex.kube.lease import Election
from dspex.resources.names import OPERATOR_MANAGER

_logger = logging.getLogger(__name__)


class Operator:
    """One operator process.

    Args:
        settings: What it was told.
        config: Where the API server is.
        kinds: The controllers by kind; those of `dspex.controllers.kinds` if not given.
    """

    def __init__(
        self,
        settings: Settings,
        config: ClusterConfig,
        kinds: Mapping[Kind, Registration] | None = None,
    ) -> None:
        self._settings = settings
        self._config = config
        self._kinds = registrations(settings) if kinds is None else kinds
        self._leadership: Leadership | None = None
        self.metrics = Metrics()
        self.stop = asyncio.Event()
        """Set it to end the operator."""
        self.address: tuple[str, int] = ("", 0)
        """Host and port of /healthz, /readyz and /metrics, once they are open."""
        self.webhook = Webhook(settings, self.metrics)

    @property
    def ready(self) -> bool:
        """Whether it works, or stands by; not while it begins to lead."""
        return self._leadership is None or self._leadership.listed.is_set()

    async def run(self) -> int:
        """Run until told to stop, or until leadership is lost; return the exit code."""
        app = health_app(self.metrics, lambda: self.ready)
        runner = await serve(app, self._settings.host, self._settings.port)
        self.address = runner.addresses[0][:2]
        try:
            # The Service asks standbys too, so the webhook does not wait for the Lease.
            async with (
                self.webhook,
                KubeClient(self._config, manager=OPERATOR_MANAGER) as client,
            ):
                return await self._elected(client)
        finally:
            await runner.cleanup()

    async def _elected(self, client: KubeClient) -> int:
        settings = self._settings
        if not settings.elect:
            return await self._lead(client, asyncio.Event().wait())
        election = Election(client, settings.namespace, settings.lease, settings.identity)
        _logger.info("stands by for the lease %s/%s", settings.namespace, settings.lease)
        acquiring = asyncio.create_task(election.acquire())
        stopped = asyncio.create_task(self.stop.wait())
        await asyncio.wait([acquiring, stopped], return_when=asyncio.FIRST_COMPLETED)
        try:
            if self.stop.is_set():
                return 0
            acquiring.result()
            return await self._lead(client, election.hold())
        finally:
            await _cancel(acquiring, stopped)
            await election.release()

    async def _lead(self, client: KubeClient, hold: Coroutine[Any, Any, Any]) -> int:
        _logger.info("leads as %s", self._settings.identity)
        self._leadership = Leadership(
            self._settings, self._config, client, self._kinds, self.metrics
        )
        self.metrics.leader.set(1)
        try:
            return await self._leadership.run(hold, self.stop)
        finally:
            self.metrics.leader.set(0)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
