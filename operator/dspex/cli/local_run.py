"""One run on this machine: workers up, engine on, workers down, however it ends."""

import asyncio
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dspex.api.pipelinerun import PipelineRun, Shutdown
from dspex.cli.interrupts import Interrupts
from dspex.cli.progress import Progress
from dspex.local import DEFAULT_WORKERS, LocalPools, OnLogLine, PoolPlan
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import Event, RunFinished, RunStarted
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import RunRecord
from dspex.pipeline.status import StatusWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRun:
    """What is to be run.

    Attributes:
        run: The PipelineRun, as it would be in the cluster.
        plan: The compiled pipeline.
        pools: The pools that the plan needs.
        inputs: Checked inputs.
        sensitive: Those that may be shown nowhere, by name.
        timeout: Seconds for the whole run; None: the pipeline's.
        max_workers: Worker processes of one pool at most.
        verbose: Whether the workers' logs are shown.
    """

    run: PipelineRun
    plan: Plan
    pools: Sequence[PoolPlan]
    inputs: Mapping[str, Any]
    sensitive: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    max_workers: int = DEFAULT_WORKERS
    verbose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended.

    Attributes:
        record: The engine's last word.
        status: The PipelineRun's status.
        data: The PipelineRunData with its outputs, where they are too large for the status.
        seconds: From the run's start to its end.
        interrupted: Whether Ctrl-C or SIGTERM ended it.
    """

    record: RunRecord
    status: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] | None = None
    seconds: float = 0.0
    interrupted: bool = False


async def execute(work: LocalRun, progress: Progress) -> Outcome:
    """Start the workers, run the plan, end the workers.

    The first Ctrl-C or SIGTERM cancels the run, the second also kills the workers.

    Raises:
        ConfigurationError: A worker found its configuration wrong.
        PythonError: The workers could not be started.
    """
    return await _Execution(work, progress).run()


class _Phase(enum.Enum):
    STARTING = enum.auto()
    RUNNING = enum.auto()
    ENDING = enum.auto()


class _Execution:
    """One run from its first worker to its last."""

    def __init__(self, work: LocalRun, progress: Progress) -> None:
        self._work = work
        self._progress = progress
        self._writer = StatusWriter(work.run.name)
        self._phase = _Phase.STARTING
        self._began: datetime | None = None
        self._seconds = 0.0
        on_log: OnLogLine | None = progress.on_log if work.verbose else None
        self._pools = LocalPools(
            work.pools, progress.on_worker, max_workers=work.max_workers, on_log=on_log
        )
        metadata = work.run.metadata
        self._engine = Engine(
            work.plan,
            self._pools,
            RunIdentity(metadata.name, metadata.namespace or "default"),
            on_event=self._hear,
            timeout=work.timeout,
        )

    async def run(self) -> Outcome:
        interrupted = False
        task = asyncio.create_task(self._with_workers())
        with Interrupts(lambda: self._ask(task), self._pools.kill) as interrupts:
            try:
                record = await task
            except asyncio.CancelledError:
                if self._phase is not _Phase.STARTING:
                    raise
                # Cancelled before a step could begin: the engine itself says what was not done.
                # A Ctrl-C that came before our handlers stood cancels this very task, unasked.
                interrupted = True
                await asyncio.wait({task})
                self._engine.cancel()
                record = await self._engine.run(self._work.inputs)
        return Outcome(
            record=record,
            status=self._writer.status,
            data=self._writer.data,
            seconds=self._seconds,
            interrupted=interrupted or interrupts.count > 0,
        )

    async def _with_workers(self) -> RunRecord:
        async with self._pools:
            self._phase = _Phase.RUNNING
            self._heed_shutdown()
            record = await self._engine.run(self._work.inputs)
            self._phase = _Phase.ENDING
        return record

    def _heed_shutdown(self) -> None:
        shutdown = self._work.run.spec.shutdown
        if shutdown is Shutdown.STOP:
            self._engine.stop()
        elif shutdown is Shutdown.CANCEL:
            self._engine.cancel()

    def _ask(self, task: "asyncio.Task[RunRecord]") -> None:
        """Cancel what there is to cancel; when the run has ended only the workers are left."""
        if self._phase is _Phase.ENDING:
            self._pools.kill()
            return
        self._progress.say("cancelling (once more to kill the workers)")
        self._engine.cancel()
        if self._phase is _Phase.STARTING:
            task.cancel()

    def _hear(self, event: Event) -> None:
        self._writer(event)
        if isinstance(event, RunStarted):
            self._began = event.time
        elif isinstance(event, RunFinished) and self._began is not None:
            self._seconds = (event.time - self._began).total_seconds()
        self._progress.on_event(event)
