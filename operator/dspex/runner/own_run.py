"""The run as this pod may touch it: read, claim, write, all fenced by the epoch."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from dspex.kube.client import KubeClient, Object
from dspex.kube.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KubeError,
    NotFoundError,
)
from dspex.kube.kind import PIPELINE_RUN
from dspex.resources.names import RUNNER_FINISHED
from dspex.runner.failure import FinishedRunError, LostRunError
from dspex.runner.log import logger
from dspex.runner.settings import Settings

T = TypeVar("T")

FIRST_BACKOFF: Final = 0.2
"""Seconds until a request is repeated that the API server did not take; doubled each time."""

LONGEST_BACKOFF: Final = 10.0
"""Seconds between two tries at most."""

RUNNING: Final = "Running"


class OwnRun:
    """One run and this pod's hold on it.

    Every method raises `LostRunError` once another pod has claimed the run, or the run is gone.

    Args:
        client: The API server.
        settings: Which run, and which pod this is.
    """

    def __init__(self, client: KubeClient, settings: Settings) -> None:
        self.epoch = 0
        self.started = ""
        self._client = client
        self._settings = settings
        self._version = ""

    @property
    def owner(self) -> dict[str, str]:
        """The owner reference of what belongs to the run."""
        return {
            "apiVersion": PIPELINE_RUN.version,
            "kind": PIPELINE_RUN.name,
            "name": self._settings.run,
            "uid": self._settings.uid,
        }

    @property
    def runner(self) -> dict[str, Any]:
        """`status.runner` of a run under way."""
        return {
            "epoch": self.epoch,
            "podUID": self._settings.pod_uid,
            "podName": self._settings.pod_name,
            "phase": RUNNING,
            "startTime": self.started,
        }

    async def read(self) -> Object:
        """Return the run as it stands: an empty patch reads, which is all that a runner may."""
        return await self._patch({})

    async def claim(self, now: str) -> Object:
        """Take the run over from whoever had it; a former process' start stays its start.

        Args:
            now: When the run starts, if it has not.

        Raises:
            FinishedRunError: Its last word is said.
        """
        while True:
            run = await self.persist(self.read, "read the run")
            runner = run.get("status", {}).get("runner") or {}
            if runner.get("phase") == RUNNER_FINISHED:
                raise FinishedRunError
            epoch = int(runner.get("epoch", 0)) + 1
            self.started = runner.get("startTime") or now
            claim = {
                "metadata": {"resourceVersion": run["metadata"]["resourceVersion"]},
                "status": {"runner": {**self.runner, "epoch": epoch}},
            }
            try:
                take = functools.partial(self._patch, claim)
                claimed = await self.persist(take, "claim the run")
            except ConflictError:
                continue
            self.epoch = epoch
            return self._checked(claimed)

    async def write(self, status: Mapping[str, Any]) -> Object:
        """Write the runner's part of the status, whole; gives the run back as it stands.

        The version that was seen last goes with it: a write that was given up for lost and comes
        late must not undo what was written after it.
        """
        while True:
            item = {
                "apiVersion": PIPELINE_RUN.version,
                "kind": PIPELINE_RUN.name,
                "metadata": {
                    "name": self._settings.run,
                    "namespace": self._settings.namespace,
                    "uid": self._settings.uid,
                    "resourceVersion": self._version,
                },
                "status": dict(status),
            }
            try:
                return self._checked(await self._client.apply(item, subresource="status"))
            except ConflictError:
                await self.read()

    async def persist(self, request: Callable[[], Awaitable[T]], what: str) -> T:
        """Repeat a request until the API server takes it, however long that is.

        Args:
            request: Makes it.
            what: It does, for the log.

        Raises:
            ConflictError: The object is another by now, or there already.
            InvalidError: The API server will never take it.
        """
        delay = FIRST_BACKOFF
        while True:
            try:
                return await request()
            except (ConflictError, InvalidError):
                raise
            except NotFoundError as error:
                raise LostRunError("the run is gone") from error
            except KubeError as error:
                if error.status in (400, 413):
                    raise InvalidError(
                        str(error), status=error.status, reason=error.reason
                    ) from error
                logger.warning("could not %s: %s", what, error)
                if isinstance(error, ForbiddenError) and self.epoch:
                    await self._verify()
            # Jitter needs no secrecy.
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(LONGEST_BACKOFF, delay * 2)

    async def _verify(self) -> None:
        """Look whether a refusal means that another pod has the run."""
        try:
            await self.read()
        except NotFoundError as error:
            raise LostRunError("the run is gone") from error
        except KubeError as error:
            logger.warning("could not read the run: %s", error)

    async def _patch(self, patch: Mapping[str, Any]) -> Object:
        settings = self._settings
        run = await self._client.merge(
            PIPELINE_RUN, settings.namespace, settings.run, patch, "status"
        )
        return self._checked(run)

    def _checked(self, run: Object) -> Object:
        if run["metadata"].get("uid") != self._settings.uid:
            raise LostRunError("another run has taken the name")
        runner = run.get("status", {}).get("runner") or {}
        if self.epoch and (
            runner.get("epoch") != self.epoch or runner.get("podUID") != self._settings.pod_uid
        ):
            raise LostRunError(
                f"pod {runner.get('podName')} has claimed the run (epoch {runner.get('epoch')}, "
                f"this is {self.epoch})"
            )
        self._version = run["metadata"].get("resourceVersion", "")
        return run
