"""The door to the engine: one object a run."""

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from dspex.bridge.dispatch import Dispatcher
from dspex.errors import Reason
from dspex.pipeline.engine.clock import Clock, system_clock
from dspex.pipeline.engine.level import Level
from dspex.pipeline.engine.pending import pending_steps
from dspex.pipeline.engine.program import Program
from dspex.pipeline.engine.run import Resume, Run, RunIdentity
from dspex.pipeline.events import Event, Listener, RunFinished, RunStarted
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import RunRecord


class Engine:
    """Runs a plan once.

    `stop` and `cancel` may be called at any moment, from the loop that runs it, also before
    `run`. Cancelling the task that awaits `run` is the same as `cancel`.
    """

    def __init__(
        self,
        plan: Plan,
        dispatcher: Dispatcher,
        identity: RunIdentity,
        *,
        on_event: Listener | None = None,
        timeout: float | None = None,
        clock: Clock = system_clock,
        draw: random.Random | None = None,
        resume: Resume | None = None,
        started: datetime | None = None,
    ) -> None:
        """Make ready to run.

        Args:
            plan: What to run.
            dispatcher: The way to the workers.
            identity: Name and namespace of the run.
            on_event: Hears every event; see `dspex.pipeline.events`.
            timeout: Seconds for the whole run, in place of the plan's `timeouts.total`.
            clock: Stamps the records.
            draw: Source of the retries' jitter.
            resume: What a former process of the same run had finished.
            started: When that process began, by `clock`: its time counts. None begins now.
        """
        self._program = Program.of(_with_total(plan, timeout))
        self._plan = plan
        self._ending: Reason | None = None
        self._level: Level | None = None
        self._run = Run(
            identity=identity,
            dispatcher=dispatcher,
            listener=on_event or _ignore,
            clock=clock,
            # Jitter needs no secrecy.
            draw=draw or random.Random(),
            resume=resume,
            started=started,
        )

    async def run(self, inputs: Mapping[str, Any]) -> RunRecord:
        """Run to the end.

        Args:
            inputs: Values in wire form by input name.

        Raises:
            asyncio.CancelledError: The awaiting task was cancelled; RunFinished was emitted.
        """
        now = self._run.clock()
        started = self._run.started = self._run.started or now
        self._run.emit(
            RunStarted(
                time=started,
                run=self._run.identity.name,
                pipeline=self._plan.pipeline,
                digest=self._plan.digest,
                steps=tuple(pending_steps(self._plan, self._plan.pipelines)),
            )
        )
        elapsed = max(0.0, (now - started).total_seconds())
        level = Level(self._program, self._run, pipelines=self._program.pipelines, elapsed=elapsed)
        self._level = level
        if self._ending is not None:
            level.end(self._ending)
        try:
            record = await level.execute(inputs)
        except asyncio.CancelledError:
            self._finish(level.record)
            raise
        self._finish(record)
        return record

    def stop(self) -> None:
        """End the steps now; finally steps still run."""
        self._end(Reason.STOPPED)

    def cancel(self) -> None:
        """End everything now, finally steps too."""
        self._end(Reason.CANCELLED)

    def _end(self, reason: Reason) -> None:
        self._ending = reason
        if self._level is not None:
            self._level.end(reason)

    def _finish(self, record: RunRecord) -> None:
        self._run.emit(RunFinished(time=self._run.clock(), record=record))


def _with_total(plan: Plan, timeout: float | None) -> Plan:
    if timeout is None:
        return plan
    timeouts = msgspec.structs.replace(plan.timeouts, total=timeout)
    return msgspec.structs.replace(plan, timeouts=timeouts)


def _ignore(event: Event) -> None:
    del event
