"""Keeps the worker processes of one pool running, and knows which are ready."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspex.bridge.client import Endpoint
from dspex.errors import DspexError, PythonError, Reason
from dspex.local.events import OnWorkerEvent, WorkerDied, WorkerEvent, WorkerReady, WorkerStarting
from dspex.local.process import WORKER_COMMAND, Launch, WorkerProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient a supervisor is; all in seconds.

    Attributes:
        ready: Within which a worker must be ready; a first start may download a model.
        first_backoff: Pause before a dead worker's first restart, doubled with each that follows.
        longest_backoff: Pause before a restart at most.
        stable: Time ready after which a death counts as the first again.
        answer: Within which a worker that was reported must answer, or it is killed.
        grace: Between SIGTERM and SIGKILL.
    """

    ready: float = 300.0
    first_backoff: float = 0.2
    longest_backoff: float = 10.0
    stable: float = 10.0
    answer: float = 10.0
    grace: float = 5.0


TIMING: Final = Timing()

MAX_FAILED_STARTS: Final = 5
"""Restarts in a row that never got ready, after which a worker is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLaunch:
    """What a pool's workers are started with.

    Attributes:
        pool: The Pool's name; workers are `<pool>-0`, `<pool>-1`, …
        replicas: How many.
        config: The configuration file of all.
        environment: Their whole environment.
        directory: Their current directory.
        logs: Folder for their logs, `<worker>.log`.
        command: What starts one.
    """

    pool: str
    replicas: int
    config: Path
    environment: Mapping[str, str]
    directory: Path
    logs: Path
    command: Sequence[str] = WORKER_COMMAND

    @property
    def workers(self) -> list[Launch]:
        """How to start each of the workers."""
        return [self.worker(index) for index in range(self.replicas)]

    def worker(self, index: int) -> Launch:
        """Return how to start one of the workers."""
        name = f"{self.pool}-{index}"
        return Launch(
            name=name,
            config=self.config,
            environment=self.environment,
            directory=self.directory,
            log=self.logs / f"{name}.log",
            command=self.command,
        )


class _Slot:
    """The place of one worker: the process that fills it changes, its name does not."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.process: WorkerProcess | None = None
        self.endpoint: Endpoint | None = None
        self.ready = False
        self.was_ready = False
        self.suspected = asyncio.Event()
        self.problem: DspexError | None = None
        """Why it was given up."""


class Supervisor:
    """Starts a pool's workers, restarts the dead, and resolves to the ready ones.

    A `bridge.client.Resolver`. Every process it started is gone when `stop` returns.
    """

    def __init__(
        self, launch: PoolLaunch, on_event: OnWorkerEvent, *, timing: Timing = TIMING
    ) -> None:
        self._pool = launch.pool
        self._on_event = on_event
        self._timing = timing
        self._slots = [_Slot(worker) for worker in launch.workers]
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Start all workers and wait until they are ready.

        The first worker that can't be made ready ends the start; the others are stopped.

        Raises:
            ConfigurationError: What the worker found wrong about its configuration.
            PythonError: With WorkerUnavailable and the worker's last lines.
        """
        self._tasks = [self._fill(slot) for slot in self._slots]
        try:
            while not all(slot.was_ready for slot in self._slots):
                if self._problems:
                    raise self._problems[0]
                await self._changed.wait()
        except BaseException:
            await self.stop()
            raise

    async def workers(self) -> Sequence[Endpoint]:
        """Return the ready workers; waits while all are being restarted.

        Raises:
            PythonError: With WorkerUnavailable, where all were given up.
        """
        while True:
            ready = [slot.endpoint for slot in self._slots if slot.ready and slot.endpoint]
            if ready:
                return ready
            if len(self._problems) == len(self._slots):
                message = f"all workers of pool {self._pool!r} were given up: {self._problems[0]}"
                raise PythonError(Reason.WORKER_UNAVAILABLE, message)
            await self._changed.wait()

    def report(self, endpoint: Endpoint) -> None:
        """Look whether a worker still answers; until then it is left out."""
        for slot in self._slots:
            if slot.endpoint == endpoint and slot.ready:
                slot.ready = False
                slot.suspected.set()

    async def stop(self) -> None:
        """End all processes and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self) -> None:
        """Send SIGKILL to all processes now, for a person who will not wait; `stop` follows."""
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()

    def _fill(self, slot: _Slot) -> asyncio.Task[None]:
        task = asyncio.create_task(self._keep(slot), name=f"worker {slot.launch.name}")

        def ended(task: asyncio.Task[None]) -> None:
            # A fault of this class must not leave its callers waiting for ever.
            if not task.cancelled() and (error := task.exception()) is not None:
                slot.problem = PythonError(Reason.INTERNAL, f"{task.get_name()}: {error!r}")
                self._announce_change()

        task.add_done_callback(ended)
        return task

    async def _keep(self, slot: _Slot) -> None:
        """Fill a slot with one process after the other until it is hopeless or cancelled."""
        deaths = failed_starts = 0
        while True:
            began, slot.ready = time.monotonic(), False
            try:
                why = await self._live(slot)
                failed_starts = 0
            except DspexError as error:
                failed_starts += 1
                if not slot.was_ready or failed_starts >= MAX_FAILED_STARTS:
                    slot.problem = error
                    self._emit(self._death(slot, "never got ready", None))
                    return
                why = "did not get ready"
            stable = time.monotonic() - began > self._timing.stable
            deaths = 1 if stable else deaths + 1
            pause = self._backoff(deaths)
            self._emit(self._death(slot, why, pause))
            await asyncio.sleep(pause)

    async def _live(self, slot: _Slot) -> str:
        """Run one process of a slot from its start to its end, and say how it ended."""
        process = await WorkerProcess.start(slot.launch)
        slot.process = process
        try:
            name, log = slot.launch.name, str(slot.launch.log)
            self._emit(WorkerStarting(pool=self._pool, worker=name, pid=process.pid, log=log))
            slot.endpoint = await process.until_ready(self._timing.ready)
            seconds = time.monotonic() - process.started
            self._set_ready(slot)
            self._emit(WorkerReady(pool=self._pool, worker=name, seconds=seconds))
            return await self._watch(slot, process, slot.endpoint)
        finally:
            slot.ready, slot.endpoint = False, None
            await process.stop(self._timing.grace)
            slot.process = None

    async def _watch(self, slot: _Slot, process: WorkerProcess, endpoint: Endpoint) -> str:
        """Wait until the process ends, or is found deaf after somebody reported it."""
        ended = asyncio.create_task(process.wait())
        try:
            while await _happened_first(slot.suspected, ended):
                slot.suspected.clear()
                if not await process.answers(endpoint.address, self._timing.answer):
                    break
                self._set_ready(slot)
            if process.exit_status is not None:
                return process.describe_end()
            process.kill()
            return f"did not answer within {self._timing.answer:g} s and was killed"
        finally:
            ended.cancel()

    def _set_ready(self, slot: _Slot) -> None:
        slot.ready = slot.was_ready = True
        self._announce_change()

    def _backoff(self, deaths: int) -> float:
        seconds = self._timing.first_backoff * 2.0 ** min(deaths - 1, 30)
        return min(self._timing.longest_backoff, seconds)

    def _death(self, slot: _Slot, why: str, pause: float | None) -> WorkerEvent:
        return WorkerDied(
            pool=self._pool,
            worker=slot.launch.name,
            why=why,
            restart_in=pause,
            last_lines=slot.launch.last_lines(),
        )

    @property
    def _problems(self) -> list[DspexError]:
        """Why workers were given up."""
        return [slot.problem for slot in self._slots if slot.problem is not None]

    def _emit(self, event: WorkerEvent) -> None:
        self._on_event(event)
        self._announce_change()

    def _announce_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _happened_first(event: asyncio.Event, ended: "asyncio.Task[str]") -> bool:
    """Wait for an event or a task's end, and say whether the task still goes on."""
    happened = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({happened, ended}, return_when=asyncio.FIRST_COMPLETED)
        return not ended.done()
    finally:
        happened.cancel()
