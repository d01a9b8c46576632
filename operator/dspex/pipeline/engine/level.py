"""One plan under way: the run's own, or a sub-pipeline's. Steps, finally steps, outputs."""

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dspex.bridge.protocol import Usage
from dspex.errors import Reason, StepError
from dspex.native.expressions import AbsentValue
from dspex.pipeline import graph, scope
from dspex.pipeline.engine.execution import check, check_size
from dspex.pipeline.engine.interrupted import InterruptedStepError
from dspex.pipeline.engine.pending import pending_steps
from dspex.pipeline.engine.program import Program, StepProgram
from dspex.pipeline.engine.run import Run
from dspex.pipeline.engine.slots import Slots
from dspex.pipeline.engine.step_run import StepRun
from dspex.pipeline.events import FinallyStarted, StepFinished
from dspex.pipeline.record import (
    SUCCEEDED_REASON,
    Fault,
    RunRecord,
    State,
    StepRecord,
    quoted,
    run_state,
)

MAX_ERRORS: Final = 5
"""Errors that a run's message quotes; all of them come back in its record."""

_RANK = {Reason.CANCELLED: 3, Reason.RUN_TIMEOUT: 2, Reason.STOPPED: 1}
"""Which reason to end stands when several are given: Cancel, then timeout, then Stop."""


class Level:
    """Runs one plan once.

    It ends by itself, by `end` with a reason, or by cancelling the task that awaits `execute`,
    which counts as Cancel; `record` says how. However it ends, no task of it is left.
    """

    def __init__(
        self,
        program: Program,
        run: Run,
        *,
        pipelines: Mapping[str, Program],
        prefix: str = "",
        quiet: bool = False,
        parent_slots: Slots | None = None,
        deadline: float | None = None,
        inherited: bool = False,
        elapsed: float = 0.0,
    ) -> None:
        """Make a level.

        Args:
            program: What to run.
            run: What all levels share.
            pipelines: The programs of all sub-pipelines.
            prefix: Path of the outer step with a slash, empty for the run's own level.
            quiet: Whether to emit no events: items of a forEach would drown the others.
            parent_slots: The bound of the level around.
            deadline: When it must have ended, finally steps included, on the loop's clock.
            inherited: Whether that is the run's own bound, which no step may catch.
            elapsed: Seconds that a former process has taken of the time for the steps.
        """
        self.run = run
        self.quiet = quiet
        self.bindings: dict[str, Any] = {}
        self.slots = Slots(program.plan.concurrency, parent_slots)
        self.records: dict[str, StepRecord] = {}
        self.record = RunRecord(state=State.PENDING, reason="", message="", outputs=None)
        self._program = program
        self._pipelines = pipelines
        self._prefix = prefix
        self._hard_deadline = deadline
        self._inherited = inherited
        self._elapsed = elapsed
        self._deadline = deadline
        self._running: dict[asyncio.Task[StepRecord], StepRun] = {}
        self._ended: asyncio.Queue[asyncio.Task[StepRecord]] = asyncio.Queue()
        self._ending: Reason | None = None
        self._closed = False
        self._in_finally = False
        self._errors: list[tuple[str, Fault]] = []
        self._usage = Usage()

    @property
    def deadline(self) -> float | None:
        """When the present phase must have ended, on the loop's clock."""
        return self._deadline

    @property
    def ending(self) -> Reason | None:
        """Why it was told to end, None if it was not."""
        return self._ending

    @property
    def out_of_time(self) -> bool:
        """Whether it ended because the run's own time is up, and not its own or its step's."""
        return self._inherited and self._ending is Reason.RUN_TIMEOUT

    def end(self, reason: Reason) -> None:
        """Ask it to end: Cancelled, RunTimeout or Stopped. A lower one after a higher is ignored.

        Cancelled also ends finally steps; the others leave those their time.
        """
        if self._ending is not None and _RANK[reason] <= _RANK[self._ending]:
            return
        self._ending = reason
        if not self._in_finally or reason is Reason.CANCELLED:
            self._closed = True
            self._interrupt(reason)

    def drain(self) -> None:
        """Start no further step, except finally steps; what runs may finish."""
        if self._in_finally:
            return
        self._closed = True
        for step_run in self._running.values():
            step_run.drain()

    async def execute(self, values: Mapping[str, Any]) -> RunRecord:
        """Run all phases.

        Raises:
            asyncio.CancelledError: The awaiting task was cancelled; all is wound up by then.
        """
        cancelled = False
        try:
            inputs = check(self._program.takes, values, strict=False, what="input")
        except StepError as error:
            return self._refused(error)
        self._bind(inputs)
        steps_seconds, finally_seconds = self._seconds()
        cancelled |= await self._phase(self._program.steps, steps_seconds, Reason.RUN_TIMEOUT)
        self._skip_rest(self._program.steps)
        reason = self._reason()
        if self._program.finally_:
            if self._ending is not Reason.CANCELLED:
                cancelled |= await self._finally(reason, finally_seconds)
            self._skip_rest(self._program.finally_)
            reason = self._reason()
        self.record = self._finish(reason)
        if cancelled:
            raise asyncio.CancelledError
        return self.record

    def nested(self, pipeline: str, path: str, item: int | None, timeout: float | None) -> "Level":
        """Make the level of a sub-pipeline (as `Surroundings` has it)."""
        deadline = self._deadline
        if timeout is not None:
            limit = asyncio.get_running_loop().time() + timeout
            if deadline is None or limit < deadline:
                return self._inside(pipeline, path, item, limit, inherited=False)
        return self._inside(pipeline, path, item, deadline, inherited=deadline is not None)

    def _inside(
        self, pipeline: str, path: str, item: int | None, deadline: float | None, *, inherited: bool
    ) -> "Level":
        inside = f"{path}/" if item is None else f"{path}[{item}]/"
        return Level(
            self._pipelines[pipeline],
            self.run,
            pipelines=self._pipelines,
            prefix=inside,
            quiet=self.quiet or item is not None,
            parent_slots=self.slots,
            deadline=deadline,
            inherited=inherited,
        )

    # phases

    async def _finally(self, reason: str, seconds: float) -> bool:
        self._in_finally = True
        self._closed = False
        self.bindings["run.reason"] = reason
        self.bindings["run.state"] = str(run_state(reason))
        if not self.quiet and not self._prefix:
            self.run.emit(FinallyStarted(time=self.run.clock(), reason=reason))
        return await self._phase(self._program.finally_, seconds, Reason.RUN_TIMEOUT)

    async def _phase(
        self, steps: Sequence[StepProgram], seconds: float | None, reason: Reason
    ) -> bool:
        """Run some steps to their ends; say whether the awaiting task was cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        timer = None
        self._deadline = None
        if seconds is not None:
            self._deadline = loop.time() + seconds
            timer = loop.call_at(self._deadline, self._time_out, reason)
        try:
            return await self._schedule(steps)
        finally:
            if timer is not None:
                timer.cancel()

    async def _schedule(self, steps: Sequence[StepProgram]) -> bool:
        programs = {program.step.name: program for program in steps}
        needs = {
            name: [need for need in program.step.needs if need in programs]
            for name, program in programs.items()
        }
        waiting = {name: len(set(before)) for name, before in needs.items()}
        after = graph.dependants(needs)
        for name, count in waiting.items():
            if count == 0:
                self._begin(programs[name])
        cancelled = False
        while self._running:
            try:
                task = await self._ended.get()
            except asyncio.CancelledError:
                cancelled = True
                self.end(Reason.CANCELLED)
                continue
            name = self._settle(task)
            for follower in after[name]:
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    self._begin(programs[follower])
        return cancelled

    def _begin(self, program: StepProgram) -> None:
        if self._closed:
            return
        path = self._prefix + program.step.name
        step_run = StepRun(program, path, self)
        task = asyncio.get_running_loop().create_task(self._resumed_or_run(step_run), name=path)
        self._running[task] = step_run
        task.add_done_callback(self._ended.put_nowait)

    async def _resumed_or_run(self, step_run: StepRun) -> StepRecord:
        resume = self.run.resume
        record = resume.step(step_run.path) if resume is not None and not self.quiet else None
        return record if record is not None else await step_run.run()

    def _settle(self, task: "asyncio.Task[StepRecord]") -> str:
        """Take in a step that ended; give its name."""
        step_run = self._running.pop(task)
        step = step_run.program.step
        self._errors.extend(step_run.inner_errors)
        if task.cancelled() or isinstance(task.exception(), InterruptedStepError):
            record = step_run.interrupted(self._ending or Reason.RUN_ENDED)
        else:
            record = task.result()
        self._keep(step_run.program, record, entered=step_run.entered)
        if record.state is State.FAILED and step.on_error != "Continue":
            self.drain()
        return step.name

    def _keep(self, program: StepProgram, record: StepRecord, *, entered: bool = False) -> None:
        self.records[program.step.name] = record
        self.bindings |= scope.bind_record(program.step, record)
        self._usage += record.usage
        if record.error is not None:
            self._errors.append((record.name, record.error))
        if not self.quiet:
            if not entered:
                self._skip_inner(program, record)
            self.run.emit(StepFinished(time=self.run.clock(), record=record))

    def _skip_inner(self, program: StepProgram, outer: StepRecord) -> None:
        """Report the steps of a sub-pipeline that was never entered: none may stay Pending."""
        name = program.step.sub_pipeline
        if name is None:
            return
        skipped = outer.state is State.SKIPPED
        plans = {name: inner.plan for name, inner in self._pipelines.items()}
        prefix = f"{self._prefix}{program.step.name}/"
        for pending in pending_steps(plans[name], plans, prefix):
            kept = self.run.resume.step(pending.name) if self.run.resume is not None else None
            record = kept or dataclasses.replace(
                pending,
                state=State.SKIPPED,
                reason=outer.reason if skipped else str(Reason.DEPENDENCY_SKIPPED),
                message="the sub-pipeline was not entered",
            )
            self.run.emit(StepFinished(time=self.run.clock(), record=record))

    def _skip_rest(self, programs: Iterable[StepProgram]) -> None:
        for program in programs:
            if program.step.name not in self.records:
                record = StepRecord(
                    name=self._prefix + program.step.name,
                    kind=program.kind.name,
                    state=State.SKIPPED,
                    reason=str(Reason.RUN_ENDED),
                    message="the run ended before it could start",
                )
                self._keep(program, record)

    # ends

    def _time_out(self, reason: Reason) -> None:
        if self._in_finally:
            self._ending = max(self._ending or reason, reason, key=_RANK.__getitem__)
            self._closed = True
            self._interrupt(reason)
        else:
            self.end(reason)

    def _interrupt(self, reason: Reason) -> None:
        for task, step_run in tuple(self._running.items()):
            step_run.end(reason, task)

    def _reason(self) -> str:
        if self._ending is not None:
            return str(self._ending)
        failed = any(
            record.state is State.FAILED and program.step.on_error != "Continue"
            for program, record in self._ended_steps()
        )
        if failed:
            return str(Reason.STEPS_FAILED)
        cut_short = any(record.reason == Reason.RUN_ENDED for record in self.records.values())
        return str(Reason.RUN_ENDED) if cut_short else SUCCEEDED_REASON

    def _ended_steps(self) -> Iterable[tuple[StepProgram, StepRecord]]:
        for program in (*self._program.steps, *self._program.finally_):
            record = self.records.get(program.step.name)
            if record is not None:
                yield program, record

    def _seconds(self) -> tuple[float | None, float]:
        """Return how long the steps and then the finally steps may take, within the total."""
        timeouts = self._program.plan.timeouts
        total = timeouts.total
        if self._hard_deadline is not None:
            left = max(0.0, self._hard_deadline - asyncio.get_running_loop().time())
            own = _least(total, timeouts.steps)
            self._inherited = self._inherited and (own is None or left <= own)
            total = _least(total, left)
        finally_ = timeouts.for_finally(total) if self._program.finally_ else 0.0
        before = None if total is None else total - finally_
        steps = _least(timeouts.steps, before)
        return None if steps is None else max(0.0, steps - self._elapsed), finally_

    def _bind(self, inputs: Mapping[str, Any]) -> None:
        run = self.run
        self.bindings = scope.bind_inputs(self._program.plan.input_fields, inputs)
        self.bindings["run.name"] = run.identity.name
        self.bindings["run.namespace"] = run.identity.namespace
        self.bindings["run.pipeline"] = self._program.plan.pipeline
        self.bindings["run.startTime"] = (run.started or run.clock()).isoformat()

    def _finish(self, reason: str) -> RunRecord:
        outputs = None
        message = self._message(reason)
        if reason == SUCCEEDED_REASON:
            try:
                outputs = self._make_outputs()
            except StepError as error:
                reason = str(error.reason)
                message = f"outputs: {error.message}"
                self._errors.append(("outputs", Fault.of(error)))
        return RunRecord(
            state=run_state(reason),
            reason=reason,
            message=message,
            outputs=outputs,
            errors=tuple(self._errors),
            usage=self._usage,
        )

    def _make_outputs(self) -> Mapping[str, Any]:
        values = {}
        for output in self._program.outputs:
            try:
                values[output.field.name] = output.value.evaluate(self.bindings)
            except AbsentValue:
                # The compiler lets this through only where the output's type has None.
                values[output.field.name] = None
        outputs = check(self._program.gives, values, strict=False, what="output")
        check_size(outputs)
        return outputs

    def _refused(self, error: StepError) -> RunRecord:
        self._skip_rest((*self._program.steps, *self._program.finally_))
        return RunRecord(
            state=State.FAILED,
            reason=str(error.reason),
            message=error.message,
            outputs=None,
            errors=(("inputs", Fault.of(error)),),
        )

    def _message(self, reason: str) -> str:
        ended = dict.fromkeys(State, 0)
        for record in self.records.values():
            ended[record.state] += 1
        counts = ", ".join(
            f"{count} {state.value.lower()}" for state, count in ended.items() if count
        )
        noun = "step" if len(self.records) == 1 else "steps"
        steps = f"{len(self.records)} {noun}: {counts}" if counts else "no steps"
        if reason == SUCCEEDED_REASON or not self._errors:
            return steps
        shown = [
            f"{name} ({fault.reason}: {quoted(fault.message)})"
            for name, fault in self._errors[:MAX_ERRORS]
        ]
        more = len(self._errors) - len(shown)
        rest = [f"and {more} more"] if more else []
        return f"{steps}. {'; '.join([*shown, *rest])}"


def _least(*seconds: float | None) -> float | None:
    given = [value for value in seconds if value is not None]
    return min(given) if given else None
