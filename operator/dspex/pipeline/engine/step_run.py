"""One step's life in a run: `if`, then forEach, repeat or a single execution, then onError."""

import asyncio
import dataclasses
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from dspex.errors import NativeError, Reason, StepError
from dspex.native.expressions import AbsentValue, CompiledValue
from dspex.pipeline import scope as names
from dspex.pipeline.engine.execution import Execution, check
from dspex.pipeline.engine.interrupted import InterruptedStepError
from dspex.pipeline.engine.program import StepProgram
from dspex.pipeline.engine.progress import Progress
from dspex.pipeline.engine.run import Run
from dspex.pipeline.engine.slots import Slots
from dspex.pipeline.events import ItemFinished, StepStarted
from dspex.pipeline.plan import ForEach, Repeat
from dspex.pipeline.record import Fault, ItemRecord, RunRecord, State, StepRecord, quoted
from dspex.pipeline.steps.base import Executed

MAX_ITEM_FAULTS = 20
"""How many items' errors a step's error keeps; the counts are always whole."""


class Nested(Protocol):
    """A sub-pipeline under way."""

    async def execute(self, values: Mapping[str, Any]) -> RunRecord:
        """Run it to its end."""
        ...

    def end(self, reason: Reason) -> None:
        """Ask it to end."""
        ...

    def drain(self) -> None:
        """Ask it to start nothing more."""
        ...

    @property
    def out_of_time(self) -> bool:
        """Whether it ended because the run's own time is up."""
        ...


class Surroundings(Protocol):
    """What a step sees of the level that runs it."""

    run: Run
    bindings: dict[str, Any]
    slots: Slots
    quiet: bool

    @property
    def deadline(self) -> float | None:
        """When the level's present phase must have ended, on the loop's clock."""
        ...

    def drain(self) -> None:
        """Start nothing more: the run has failed."""
        ...

    def end(self, reason: Reason) -> None:
        """End: the run's time is up."""
        ...

    def nested(self, pipeline: str, path: str, item: int | None, timeout: float | None) -> Nested:
        """Make the level of a sub-pipeline."""
        ...


@dataclasses.dataclass(slots=True)
class _Collected:
    """What the items of a forEach have given so far."""

    outputs: dict[int, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    faults: dict[int, Fault] = dataclasses.field(default_factory=dict)
    failed: int = 0
    defaulted: int = 0
    interrupted: bool = False

    def keep_fault(self, index: int, fault: Fault) -> None:
        """Keep the first ones only: each may hold a model's whole answer."""
        self.faults[index] = fault
        if len(self.faults) > MAX_ITEM_FAULTS:
            del self.faults[max(self.faults)]


class StepRun:
    """Runs one step once, to a record; or is cancelled, or raises InterruptedStepError.

    `entered` says whether its sub-pipeline began, and so reported its own steps.
    """

    def __init__(self, program: StepProgram, path: str, around: Surroundings) -> None:
        self.program = program
        self.path = path
        self.progress = Progress()
        self.entered = False
        self._around = around
        self._draining = asyncio.Event()
        self._nested: set[Nested] = set()
        self._errors: list[tuple[str, Fault]] = []
        self._executions: dict[int, Execution] = {}

    @property
    def inner_errors(self) -> list[tuple[str, Fault]]:
        """Errors of the steps of its sub-pipelines."""
        return self._errors

    def drain(self) -> None:
        """Start no further item, iteration or attempt; what runs may finish."""
        self._draining.set()
        for nested in self._nested:
            nested.drain()

    def end(self, reason: Reason, task: "asyncio.Task[StepRecord]") -> None:
        """End now; a sub-pipeline gets the reason, so that its own finally steps can run."""
        self._draining.set()
        if not self._nested:
            task.cancel()
        for nested in tuple(self._nested):
            nested.end(reason)

    async def run(self) -> StepRecord:
        """Run to a record that is final.

        Raises:
            InterruptedStepError: It was drained or ended before it had a result.
        """
        record = await self._run()
        if record.state is State.FAILED and self.program.step.on_error != "Continue":
            # Before the loop turns: the slot that it left must not begin another's attempt.
            self._around.drain()
        return record

    async def _run(self) -> StepRecord:
        program = self.program
        try:
            if program.condition is not None and not self._holds(program.condition):
                return self._skipped(Reason.CONDITION_FALSE, "its if was false")
            self._need_outer_reads()
            if program.items is not None and program.step.for_each is not None:
                items = self._list_items(program.items, program.step.for_each.max_items)
                return await self._for_each(items, program.step.for_each)
            self._start(None)
            if program.until is not None and program.step.repeat is not None:
                return self._succeeded(await self._repeat(program.step.repeat, program.until))
            return self._succeeded(await self._once({}, None))
        except AbsentValue as absent:
            return self._skipped(Reason.DEPENDENCY_SKIPPED, str(absent))
        except StepError as error:
            return self._failed(error)

    def _holds(self, condition: CompiledValue) -> bool:
        return condition.evaluate(self._around.bindings) is True

    def _need_outer_reads(self) -> None:
        absent = self.program.outer_reads - self._around.bindings.keys()
        if absent:
            raise AbsentValue(tuple(sorted(absent)))

    def _start(self, items: int | None) -> None:
        now = self._around.run.clock()
        self.progress.start_time = now
        self.progress.total = items
        if not self._around.quiet:
            self._around.run.emit(StepStarted(time=now, step=self.path, items=items))

    async def _once(self, overlay: Mapping[str, Any], item: int | None) -> Mapping[str, Any]:
        bindings = ChainMap(dict(overlay), self._around.bindings)
        values = self.program.inputs.evaluate(bindings)
        execution = Execution(
            self.program,
            self._around.run,
            path=self.path,
            item=item,
            progress=self.progress,
            slots=self._around.slots,
            deadline=self._around.deadline,
            draining=self._draining,
            run_pipeline=lambda name, inputs, timeout: self._run_pipeline(
                name, inputs, timeout, item
            ),
        )
        if item is not None and self.program.items is not None:
            self._executions[item] = execution
        return await execution.outputs(values)

    async def _repeat(self, repeat: Repeat, until: CompiledValue) -> Mapping[str, Any]:
        own: dict[str, Any] = {}
        for iteration in range(repeat.max_iterations):
            if self._draining.is_set():
                raise InterruptedStepError
            overlay = {names.INDEX: iteration, **own}
            outputs = await self._once(overlay, iteration)
            own = names.bind_outputs(self.program.step, outputs)
            if until.evaluate(ChainMap({names.INDEX: iteration, **own}, self._around.bindings)):
                return outputs
            await asyncio.sleep(0)
        raise NativeError(
            Reason.REPEAT_EXHAUSTED,
            f"until was still false after {repeat.max_iterations} iterations",
        )

    # forEach

    def _list_items(self, value: CompiledValue, limit: int) -> list[Any]:
        items = value.evaluate(self._around.bindings)
        if not isinstance(items, list):
            raise NativeError(
                Reason.INPUT_INVALID,
                f"forEach.items gave {type(items).__name__}, expected a list",
            )
        if len(items) > limit:
            raise NativeError(
                Reason.TOO_MANY_ITEMS,
                f"forEach.items gave {len(items)} items, maxItems allows {limit}",
                details={"items": len(items), "maxItems": limit},
            )
        return items

    async def _for_each(self, items: list[Any], for_each: ForEach) -> StepRecord:
        self._start(len(items))
        collected = _Collected()
        queue = iter(list(enumerate(items)))
        async with asyncio.TaskGroup() as group:
            for _ in range(min(for_each.concurrency, len(items))):
                group.create_task(self._work(queue, collected, for_each.max_failures))
        if collected.failed > for_each.max_failures:
            return self._failed_items(collected, for_each.max_failures)
        if collected.interrupted or next(queue, None) is not None:
            raise InterruptedStepError
        return self._succeeded_items(collected)

    async def _work(
        self, queue: Iterator[tuple[int, Any]], collected: _Collected, max_failures: int
    ) -> None:
        for index, item in queue:
            try:
                await self._item(index, item, collected)
            except InterruptedStepError:
                # Raised out of the group it would cancel the other items, whose finally steps
                # may run after Stop.
                collected.interrupted = True
                return
            if collected.failed > max_failures or self._draining.is_set():
                return
            # Items that never wait would keep the loop from timeouts and from Ctrl-C.
            await asyncio.sleep(0)

    async def _item(self, index: int, item: Any, collected: _Collected) -> None:
        overlay = names.bind_item(self.program.item_type, index, item)
        resume = self._around.run.resume
        fault = None
        state = State.SUCCEEDED
        outputs: Mapping[str, Any] | None = None
        former = resume.item(self.path, index) if resume else None
        if former is not None:
            outputs = former.outputs
            self.progress.attempts += former.attempts
            self.progress.usage += former.usage
        else:
            try:
                outputs = await self._once(overlay, index)
            except AbsentValue:
                state = State.SKIPPED
            except StepError as error:
                fault, outputs = Fault.of(error), self._default(overlay)
                state = State.FAILED if outputs is None else State.SUCCEEDED
                collected.keep_fault(index, fault)
                collected.failed += outputs is None
                collected.defaulted += outputs is not None
        if outputs is not None:
            collected.outputs[index] = outputs
        self._end_item(index, state, fault, outputs)

    def _end_item(
        self, index: int, state: State, fault: Fault | None, outputs: Mapping[str, Any] | None
    ) -> None:
        self.progress.end_item(state)
        execution = self._executions.pop(index, None)
        if self._around.quiet:
            return
        kept = None
        if outputs is not None and execution is not None:
            kept = ItemRecord(outputs=outputs, attempts=execution.attempts, usage=execution.usage)
        self._around.run.emit(
            ItemFinished(
                time=self._around.run.clock(),
                step=self.path,
                item=index,
                state=state,
                error=fault,
                kept=kept,
            )
        )

    def _succeeded_items(self, collected: _Collected) -> StepRecord:
        kept = sorted(collected.outputs)
        outputs = {
            field.name: [collected.outputs[index].get(field.name) for index in kept]
            for field in self.program.step.outputs
        }
        record = dataclasses.replace(
            self._record(State.SUCCEEDED), outputs=outputs, indices=tuple(kept)
        )
        if not collected.faults:
            return record
        defaults = collected.defaulted
        return dataclasses.replace(
            record,
            error=self._items_fault(collected),
            reason=str(Reason.DEFAULT_USED) if defaults else "",
            message=f"default outputs were used for {defaults} items" if defaults else "",
        )

    def _failed_items(self, collected: _Collected, max_failures: int) -> StepRecord:
        fault = self._items_fault(collected)
        if max_failures > 0:
            fault = dataclasses.replace(
                fault,
                reason=str(Reason.TOO_MANY_FAILURES),
                message=f"{collected.failed} items failed, maxFailures allows {max_failures}; "
                f"first {fault.message}",
            )
        record = self._record(State.FAILED)
        return dataclasses.replace(record, reason=fault.reason, message=fault.message, error=fault)

    def _items_fault(self, collected: _Collected) -> Fault:
        first = min(collected.faults)
        fault = collected.faults[first]
        items = [
            {"index": index, "reason": one.reason, "message": one.message}
            for index, one in sorted(collected.faults.items())
        ]
        return dataclasses.replace(
            fault, message=f"item {first}: {fault.message}", details={"items": items}
        )

    # sub-pipelines

    async def _run_pipeline(
        self, name: str, inputs: Mapping[str, Any], timeout: float | None, item: int | None
    ) -> Executed:
        self.entered = True
        nested = self._around.nested(name, self.path, item, timeout)
        self._nested.add(nested)
        try:
            record = await nested.execute(inputs)
        finally:
            self._nested.discard(nested)
        self._errors.extend(record.errors)
        if record.state is State.SUCCEEDED:
            return Executed(outputs=record.outputs or {}, usage=record.usage)
        self.progress.usage += record.usage
        if nested.out_of_time:
            # The sub-pipeline kept time for its finally; no step may catch the run's timeout.
            self._around.end(Reason.RUN_TIMEOUT)
        if self._draining.is_set():
            raise InterruptedStepError
        reason = Reason.TIMEOUT if record.reason == Reason.RUN_TIMEOUT else _reason(record.reason)
        # Its errors come back on their own: quoting them all would double at each level.
        first = f": {record.errors[0][1].message}" if record.errors else ""
        raise NativeError(reason, f"pipeline {name} ended {record.reason}{quoted(first)}")

    # records

    def _default(self, overlay: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the default outputs, None where there are none or they can't be made."""
        if self.program.default is None:
            return None
        try:
            values = self.program.default.evaluate(ChainMap(dict(overlay), self._around.bindings))
            return check(self.program.gives, values, strict=self.program.step.strict, what="output")
        except (AbsentValue, StepError):
            return None

    def _record(self, state: State) -> StepRecord:
        progress = self.progress
        return StepRecord(
            name=self.path,
            kind=self.program.kind.name,
            state=state,
            attempts=progress.attempts,
            start_time=progress.start_time,
            completion_time=self._around.run.clock(),
            pool=progress.pool,
            worker=progress.worker,
            usage=progress.usage,
            items=progress.items,
        )

    def _succeeded(self, outputs: Mapping[str, Any]) -> StepRecord:
        return dataclasses.replace(self._record(State.SUCCEEDED), outputs=outputs)

    def _skipped(self, reason: Reason, message: str) -> StepRecord:
        return dataclasses.replace(self._record(State.SKIPPED), reason=str(reason), message=message)

    def _failed(self, error: StepError) -> StepRecord:
        fault = Fault.of(error)
        # Under forEach the default is an item's: it can't stand in for the lists of all items.
        outputs = self._default({}) if self.program.items is None else None
        if outputs is not None:
            return dataclasses.replace(
                self._record(State.SUCCEEDED),
                reason=str(Reason.DEFAULT_USED),
                message=f"default outputs were used after {error.reason}: {error.message}",
                outputs=outputs,
                error=fault,
            )
        return dataclasses.replace(
            self._record(State.FAILED), reason=fault.reason, message=fault.message, error=fault
        )

    def interrupted(self, reason: Reason) -> StepRecord:
        """Return the record of a step that was ended before it had a result."""
        return dataclasses.replace(
            self._record(State.CANCELLED), reason=str(reason), message="it was interrupted"
        )


def _reason(name: str) -> Reason:
    return next((reason for reason in Reason if reason == name), Reason.STEPS_FAILED)
