"""The loop: take an object from the queue, have it looked at, do what follows."""

import asyncio
import datetime
import logging
import time
from collections.abc import Callable
from typing import Final

from dspex.api import conditions
from dspex.api.conditions import timestamp
from dspex.api.limits import MAX_DESCRIPTION
from dspex.controllers.decision import Decision, Object
from dspex.controllers.execute import Executor, own_status
from dspex.controllers.fetch import fetch
from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.controllers.logs import about
from dspex.controllers.metrics import Metrics
from dspex.controllers.outcome import carried_over
from dspex.controllers.registration import Registration
from dspex.controllers.world import Unread
from dspex.errors import ConditionReason
from dspex.kube.client import KubeClient
from dspex.kube.errors import ConflictError, KubeError
from dspex.kube.kind import NAMESPACE, Kind

WORKERS: Final = 16
"""Objects that are worked on at the same time; they mostly wait for the API server."""

MAX_ROUNDS: Final = 50
"""How often a controller may ask for what is not watched before it has all."""

_logger = logging.getLogger(__name__)

Clock = Callable[[], datetime.datetime]


class Reconciler:
    """Works the queue off.

    Args:
        client: The API server, for what is not watched.
        hub: World, queue and registrations.
        executor: Does what was decided.
        metrics: Counts and times.
        clock: Returns the time of day, with time zone.
    """

    def __init__(
        self,
        client: KubeClient,
        hub: Hub,
        executor: Executor,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._client = client
        self._hub = hub
        self._executor = executor
        self._metrics = metrics
        self._clock = clock

    async def run(self, begin: asyncio.Event, workers: int = WORKERS) -> None:
        """Work, once told to begin, until the queue is closed.

        What is being worked on then is finished.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(begin))

    async def _work(self, begin: asyncio.Event) -> None:
        await begin.wait()
        while (key := await self._hub.queue.get()) is not None:
            await self.reconcile(key)

    async def reconcile(self, key: Key) -> None:
        """Look at one object and do what follows; an error is logged and tried again later."""
        began = time.perf_counter()
        with about(key):
            result = await self._attempt(key)
        self._metrics.reconciles.labels(key.kind.name, result).inc()
        self._metrics.seconds.labels(key.kind.name).observe(time.perf_counter() - began)

    async def _attempt(self, key: Key) -> str:
        queue = self._hub.queue
        registration = self._hub.registrations[key.kind]
        item = _item(self._hub, key)
        try:
            requeue = None
            if item is not None:
                requeue = await self._settle(key, registration, item)
            elif self._hub.world.known(key) is None:
                self._hub.world.leave(key)
        except ConflictError as error:
            _logger.debug("again: %s", error)
            queue.failed(key)
            return "ok"
        except KubeError as error:
            if "being terminated" in str(error):
                queue.done(key)
                return "ok"
            _logger.warning("%s", error)
            await self._tell(key, registration, item, error)
            queue.failed(key)
            return "error"
        except Exception:  # the others must go on, and this one be tried again
            _logger.exception("a fault of the operator")
            queue.failed(key)
            return "error"
        queue.done(key)
        if requeue is not None:
            queue.add(key, requeue)
        return "ok"

    async def _settle(self, key: Key, registration: Registration, item: Object) -> float | None:
        decision = await self._decide(key, registration, item)
        await self._executor.execute(key, registration, item, decision)
        return decision.requeue

    async def _decide(self, key: Key, registration: Registration, item: Object) -> Decision:
        world = self._hub.world
        for _ in range(MAX_ROUNDS):
            world.begin()
            try:
                decision = registration.decide(item, world, self._clock())
                for made in decision.apply:
                    # Counts as read: whoever edits or deletes it by hand wakes the object.
                    world.get(
                        Kind.of(made), made["metadata"]["namespace"], made["metadata"]["name"]
                    )
                return decision
            except Unread as lacking:
                missing = lacking.keys
            finally:
                world.end(key)
            for each in missing:
                world.put_foreign(each, await fetch(self._client, each))
        raise RuntimeError(f"{key}: still lacks something after {MAX_ROUNDS} rounds")

    async def _tell(
        self, key: Key, registration: Registration, item: Object | None, error: KubeError
    ) -> None:
        """Say in the object's conditions what the API server did not take."""
        if error.transient or item is None or key.kind is NAMESPACE:
            return
        try:
            status = refused(registration, item, str(error), self._clock())
            await self._executor.write_status(key, registration, item, status)
        except KubeError as again:
            _logger.warning("%s", again)


def refused(
    registration: Registration, item: Object, message: str, now: datetime.datetime
) -> Object:
    """Return the status of an object of which something can't be made; the rest stays as it is."""
    make = conditions.run_active if registration.run else conditions.reconciling
    after = make(
        ConditionReason.REFUSED,
        message[:MAX_DESCRIPTION],
        now=timestamp(now),
        generation=item["metadata"].get("generation"),
    )
    kept = own_status(item, registration.owned)
    return {**kept, "conditions": carried_over(item, after)}


def _item(hub: Hub, key: Key) -> Object | None:
    """Return the object of a key; a namespace is looked after without being watched."""
    if key.kind is NAMESPACE:
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key.name}}
    item = hub.world.known(key)
    if item is None or hub.registrations[key.kind].done(item):
        return None
    return item
