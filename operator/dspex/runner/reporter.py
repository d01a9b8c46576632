"""Tells the API server how the run goes, and hears from it what is wanted of the run."""

import asyncio
import contextlib
import functools
from collections.abc import Callable
from typing import Any, Final

from dspex.kube.client import KubeClient, Object
from dspex.kube.errors import ConflictError, InvalidError, KubeError
from dspex.kube.kind import RUN_DATA
from dspex.pipeline.events import AttemptFailed, Event, StepFinished
from dspex.pipeline.progress import OUTPUTS, RunProgress, child_name, too_large
from dspex.runner.journal import Journal
from dspex.runner.log import logger
from dspex.runner.own_run import OwnRun
from dspex.runner.redactor import Redactor
from dspex.runner.settings import Settings
from dspex.runner.status import fits, smaller, status_of

FIRST_WRITE: Final = 0.25
"""Seconds before the first progress is written: many a run has ended by then."""

GAP: Final = 0.5
"""Seconds between two writes at least."""

LOOK: Final = 5.0
"""Seconds after which the run is read, if nothing was written."""


class Reporter:
    """Hears the engine's events and writes them, coalesced.

    Args:
        client: The API server.
        own_run: The run.
        settings: Its names.
        journal: Written before the status, so that what the status says is done stays done.
        redactor: Keeps sensitive values out.
        heed: Hears the run each time that it is seen.
    """

    def __init__(
        self,
        client: KubeClient,
        own_run: OwnRun,
        settings: Settings,
        journal: Journal,
        redactor: Redactor,
        heed: Callable[[Object], None],
    ) -> None:
        self._client = client
        self._own_run = own_run
        self._settings = settings
        self._journal = journal
        self._redactor = redactor
        self._heed = heed
        self._progress = RunProgress()
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._muted = False
        self._writing = asyncio.Lock()

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        if self._muted:
            return
        self._progress(event)
        self._journal(event)
        self._log(event)
        self._changed.set()

    def mute(self) -> None:
        """Hear nothing more: this process gives the run up, and the next one goes on with it."""
        self._muted = True

    def close(self) -> None:
        """Let `run` end when it has written what it is about to write."""
        self._closing.set()

    async def run(self) -> None:
        """Write progress and read the run until `close`.

        Raises:
            LostRunError: The run is another pod's, or is no more.
        """
        await self._unless_closing(FIRST_WRITE)
        while not self._closing.is_set():
            if await self._something_changed():
                await self.write_progress()
                await self._unless_closing(GAP)
            elif not self._closing.is_set():
                await self._look()

    async def write_progress(self) -> None:
        """Write checkpoints and status; returns when the API server has both."""
        self._changed.clear()
        await self._journal.write()
        await self._write(self._status())

    async def write_last(self) -> None:
        """Say the run's last word; returns when the API server has it."""
        outputs = self._progress.outputs
        name = None
        if outputs is not None and too_large(outputs):
            name = await self._write_outputs(outputs)
        await self._write(self._status(name))

    def _status(self, outputs_ref: str | None = None) -> dict[str, Any]:
        return status_of(
            self._progress,
            self._own_run.runner,
            self._redactor,
            outputs=self._progress.outputs,
            outputs_ref=outputs_ref,
        )

    async def _write(self, status: dict[str, Any]) -> None:
        refused: Exception | None = None
        for less in smaller(status):
            if not fits(less):
                continue
            try:
                run = await self._own_run.persist(
                    functools.partial(self._own_run.write, less), "write the status"
                )
            except InvalidError as error:
                logger.error("the API server refuses the status, less is tried: %s", error)
                refused = error
                continue
            self._heed(run)
            return
        raise refused or AssertionError("the least status fits")

    async def _write_outputs(self, outputs: dict[str, Any]) -> str:
        """Write outputs that have no place in the status; gives the object's name.

        A former run of the same name may have left one that is not collected yet; then the Job's
        name, which no other run has, is taken.
        """
        shown = self._redactor.shown(outputs)
        for name in (child_name(self._settings.run, OUTPUTS), f"{self._settings.job}-{OUTPUTS}"):
            item = {
                "apiVersion": RUN_DATA.version,
                "kind": RUN_DATA.name,
                "metadata": {
                    "name": name,
                    "namespace": self._settings.namespace,
                    "ownerReferences": [self._own_run.owner],
                },
                "spec": {"runRef": {"name": self._settings.run}, "outputs": shown},
            }
            try:
                await self._own_run.persist(
                    functools.partial(self._client.create, item), "write the outputs"
                )
            except ConflictError:
                if await self._is_own(name, item):
                    return name
                continue
            return name
        raise AssertionError("nobody else has the Job's name")

    async def _is_own(self, name: str, item: Object) -> bool:
        """Say whether outputs that are there are this run's, and write them anew if so."""
        with contextlib.suppress(KubeError):
            await self._client.merge(
                RUN_DATA, self._settings.namespace, name, {"spec": item["spec"]}
            )
            return True
        return False

    async def _something_changed(self) -> bool:
        """Wait for an event, or for the time to look; say whether there was one."""
        waits = [asyncio.ensure_future(each.wait()) for each in (self._changed, self._closing)]
        try:
            await asyncio.wait(waits, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._changed.is_set() and not self._closing.is_set()

    async def _unless_closing(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _look(self) -> None:
        try:
            self._heed(await self._own_run.read())
        except KubeError as error:
            logger.warning("could not read the run: %s", error)

    def _log(self, event: Event) -> None:
        match event:
            case StepFinished(record=record):
                logger.info(
                    "step ended",
                    extra={
                        "step": record.name,
                        "attempt": record.attempts,
                        "state": str(record.state),
                        "reason": record.reason,
                        "pool": record.pool,
                        "worker": record.worker,
                    },
                )
            case AttemptFailed(error=fault):
                logger.warning(
                    "attempt failed",
                    extra={
                        "step": event.step,
                        "item": event.item,
                        "attempt": event.attempt,
                        "reason": fault.reason,
                        "error": fault.message,
                        "retry_in": event.retry_in,
                        "worker": event.worker,
                    },
                )
