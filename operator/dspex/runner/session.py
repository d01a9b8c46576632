"""One process' part of a run: from the claim to the last word, or to a checkpoint for the next."""

import asyncio
import contextlib
import enum
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from dspex.kube.client import KubeClient, Object
from dspex.kube.errors import KubeError
from dspex.pipeline.engine import Clock, Engine, RunIdentity, system_clock
from dspex.pipeline.events import RunFinished
from dspex.pipeline.plan import Plan
from dspex.pipeline.progress import timestamp
from dspex.pipeline.record import RunRecord, State
from dspex.runner.certificates import load_bundle
from dspex.runner.failure import FinishedRunError, UnfitError
from dspex.runner.inputs import Inputs, read_inputs
from dspex.runner.journal import Journal, read_journal
from dspex.runner.kept import Kept, paths
from dspex.runner.log import logger
from dspex.runner.order import Order, read_order
from dspex.runner.own_run import OwnRun
from dspex.runner.redactor import Redactor
from dspex.runner.reporter import Reporter
from dspex.runner.settings import Settings
from dspex.runner.uptime import uptime
from dspex.runner.workers import Workers

LAST_LOOK: Final = 5.0
"""Seconds that a pod which is told to end takes to ask whether Cancel is the reason."""

LAST_CHECKPOINT: Final = 15.0
"""Seconds that it takes to write what is done; the Job's grace is 30."""

SUSPENDED_WAIT: Final = 30.0
"""Seconds that a suspended run waits for the operator to take its pod away. A pod that ends by
itself would count as a failure of the Job."""


class Result(enum.IntEnum):
    """Exit statuses of a runner; the Job starts another pod after all but the first."""

    DONE = 0
    FAULT = 1
    CHECKPOINTED = 3
    LOST = 4


class Session:
    """Runs the run of this pod.

    Args:
        client: The API server.
        settings: Which run.
        on_secrets: Told what is sensitive as soon as it is known, for the logs.
        clock: Stamps the records.
    """

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        *,
        on_secrets: Callable[[Redactor], None] = lambda _: None,
        clock: Clock = system_clock,
    ) -> None:
        self._client = client
        self._settings = settings
        self._on_secrets = on_secrets
        self._clock = clock
        self._own_run = OwnRun(client, settings)
        self._redactor = Redactor({}, salt=settings.uid)
        self._engine: Engine | None = None
        self._terminated = asyncio.Event()
        self._suspended = asyncio.Event()
        self._shutdown = ""

    def terminate(self) -> None:
        """Ask for the end of this process (SIGTERM): the run goes on in another."""
        self._terminated.set()

    async def run(self) -> Result:
        """Claim the run and bring it to its end, or as far as this pod may.

        Raises:
            LostRunError: The run is another pod's, or is no more; nothing may be written.
        """
        try:
            run = await self._own_run.claim(timestamp(self._clock()))
        except FinishedRunError:
            logger.info("the run has ended already")
            return Result.DONE
        logger.info("claimed", extra={"epoch": self._own_run.epoch, "uptime": round(uptime(), 3)})
        try:
            plan, order = read_order(self._settings.root / "plan")
            inputs = read_inputs(plan, order, self._settings.root / "inputs")
        except UnfitError as error:
            return await self._refuse(error)
        self._redactor = Redactor(inputs.sensitive, salt=self._settings.uid)
        self._on_secrets(self._redactor)
        return await self._run_plan(run, plan, order, inputs)

    async def _run_plan(self, run: Object, plan: Plan, order: Order, inputs: Inputs) -> Result:
        kept, chunks = Kept(), 0
        if self._own_run.epoch > 1:
            kept, chunks = await read_journal(
                self._client, self._own_run, self._settings, self._redactor
            )
            logger.info("goes on", extra={"checkpoints": len(kept)})
        if any(step.kind == "native" for _, step in paths(plan, plan)):
            load_bundle()
        journal = Journal(
            self._client, self._own_run, self._settings, plan, self._redactor, first=chunks
        )
        reporter = self._reporter(journal)
        async with Workers(order, self._settings) as workers:
            self._engine = Engine(
                plan,
                workers,
                RunIdentity(self._settings.run, self._settings.namespace),
                on_event=reporter,
                timeout=order.timeout,
                clock=self._clock,
                resume=kept,
                started=_moment(self._own_run.started),
            )
            self._heed(run)
            return await self._supervise(self._engine, reporter, inputs)

    async def _supervise(self, engine: Engine, reporter: Reporter, inputs: Inputs) -> Result:
        work = asyncio.create_task(engine.run(inputs.values))
        report = asyncio.create_task(reporter.run())
        try:
            await self._until_leaving(work, report)
            if not work.done() and await self._may_leave(engine):
                reporter.mute()
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
                return await self._leave(reporter, report)
            await self._either(work, report)
            record = work.result()
            reporter.close()
            await report
            await reporter.write_last()
            logger.info("ended", extra={"state": str(record.state), "reason": record.reason})
            return Result.DONE
        finally:
            for task in (work, report):
                task.cancel()
            await asyncio.gather(work, report, return_exceptions=True)

    async def _until_leaving(
        self, work: "asyncio.Task[RunRecord]", report: "asyncio.Task[None]"
    ) -> None:
        """Wait until the run has ended, or this pod is to leave it."""
        waits = [
            asyncio.ensure_future(event.wait()) for event in (self._terminated, self._suspended)
        ]
        try:
            await self._either(work, report, *waits)
        finally:
            for wait in waits:
                wait.cancel()

    async def _either(
        self,
        work: "asyncio.Task[RunRecord]",
        report: "asyncio.Task[None]",
        *others: "asyncio.Future[Any]",
    ) -> None:
        """Wait for the work or something else; what ends the reporter ends this."""
        done, _ = await asyncio.wait({work, report, *others}, return_when=asyncio.FIRST_COMPLETED)
        if report in done:
            report.result()

    async def _may_leave(self, engine: Engine) -> bool:
        """Say whether another pod is to go on; a run that is cancelled ends here."""
        if self._terminated.is_set():
            try:
                async with asyncio.timeout(LAST_LOOK):
                    self._heed(await self._own_run.persist(self._own_run.read, "read the run"))
            except (TimeoutError, KubeError) as error:
                logger.warning("could not read the run: %s", error)
        if self._shutdown == "Cancel":
            engine.cancel()
            return False
        return True

    async def _leave(self, reporter: Reporter, report: "asyncio.Task[None]") -> Result:
        reporter.close()
        try:
            async with asyncio.timeout(LAST_CHECKPOINT):
                await report
                await reporter.write_progress()
            logger.info("checkpointed; another pod goes on")
        except (TimeoutError, KubeError) as error:
            logger.warning("left without its last checkpoint: %s", error)
        if not self._terminated.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SUSPENDED_WAIT):
                    await self._terminated.wait()
        return Result.CHECKPOINTED

    async def _refuse(self, error: UnfitError) -> Result:
        """End a run that can't be started, with the reason as its last word."""
        logger.error("the run can't be started: %s", error, extra={"reason": error.reason})
        record = RunRecord(
            state=State.FAILED, reason=error.reason, message=str(error), outputs=None
        )
        empty = Plan(pipeline="")
        journal = Journal(self._client, self._own_run, self._settings, empty, self._redactor)
        reporter = self._reporter(journal)
        reporter(RunFinished(time=self._clock(), record=record))
        await reporter.write_last()
        return Result.DONE

    def _reporter(self, journal: Journal) -> Reporter:
        return Reporter(
            self._client, self._own_run, self._settings, journal, self._redactor, self._heed
        )

    def _heed(self, run: Object) -> None:
        """Do what the run's spec asks for by now."""
        spec = run.get("spec", {})
        shutdown = str(spec.get("shutdown") or "")
        if shutdown != self._shutdown and self._engine is not None:
            logger.info("asked to end", extra={"shutdown": shutdown})
            self._shutdown = shutdown
            if shutdown == "Stop":
                self._engine.stop()
            elif shutdown == "Cancel":
                self._engine.cancel()
        if spec.get("suspend") and shutdown != "Cancel":
            self._suspended.set()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
