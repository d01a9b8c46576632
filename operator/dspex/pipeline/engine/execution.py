"""One execution of a step, of one item under forEach: inputs, attempts, fallbacks, outputs."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from dspex.api.limits import MAX_DATA
from dspex.bridge.protocol import Feedback, Usage
from dspex.errors import NativeError, PythonError, Reason, StepError
from dspex.native.validation import Validator
from dspex.pipeline.engine.interrupted import InterruptedStepError
from dspex.pipeline.engine.program import StepProgram
from dspex.pipeline.engine.progress import Progress
from dspex.pipeline.engine.run import Run
from dspex.pipeline.engine.slots import Slots
from dspex.pipeline.events import AttemptFailed, FallbackTaken
from dspex.pipeline.plan import Fallback
from dspex.pipeline.record import Fault
from dspex.pipeline.retry import delay_before_next
from dspex.pipeline.steps.base import Attempt, Executed, RunPipeline


class Execution:
    """Runs one item of one step to its outputs or its last error.

    Attributes:
        attempts: How many were started so far.
        usage: What they have cost.
    """

    def __init__(
        self,
        program: StepProgram,
        run: Run,
        *,
        path: str,
        item: int | None,
        progress: Progress,
        slots: Slots,
        deadline: float | None,
        draining: asyncio.Event,
        run_pipeline: RunPipeline,
    ) -> None:
        self._program = program
        self._run = run
        self._path = path
        self._item = item
        self._progress = progress
        self._slots = slots
        self._deadline = deadline
        self._draining = draining
        self._run_pipeline = run_pipeline
        self.usage = Usage()
        self.attempts = 0
        self._feedback: list[Feedback] = []

    async def outputs(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run until an attempt or a fallback succeeds.

        Args:
            values: The inputs as the expressions made them.

        Raises:
            StepError: Of the last alternative that was tried.
            InterruptedStepError: The step was drained or ended before an attempt began.
        """
        program = self._program
        inputs = check(program.takes, values, strict=program.step.strict, what="input")
        try:
            return await self._repeat_attempts(inputs, None)
        except StepError as error:
            last = error
        for number, fallback in enumerate(program.step.fallback):
            if self._draining.is_set():
                break
            self._run.emit(
                FallbackTaken(
                    time=self._run.clock(),
                    step=self._path,
                    item=self._item,
                    number=number,
                    reason=str(last.reason),
                )
            )
            try:
                return await self._repeat_attempts(inputs, fallback)
            except StepError as error:
                last = error
        raise last

    async def _repeat_attempts(
        self, inputs: Mapping[str, Any], fallback: Fallback | None
    ) -> Mapping[str, Any]:
        if fallback is not None and fallback.outputs is not None:
            return self._checked(fallback.outputs)
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._feedback.clear()
        number = 0
        while True:
            number += 1
            try:
                return await self._attempt(inputs, fallback)
            except StepError as error:
                delay = delay_before_next(
                    self._program.step.retry,
                    error,
                    attempt=number,
                    elapsed=loop.time() - started,
                    draw=self._run.draw,
                )
                self._note_failure(error, delay)
                if delay is None or not await self._pause(delay):
                    raise

    async def _pause(self, seconds: float) -> bool:
        """Wait before the next attempt; say False if there is to be none."""
        try:
            async with asyncio.timeout(seconds):
                await self._draining.wait()
        except TimeoutError:
            return True
        return False

    async def _attempt(
        self, inputs: Mapping[str, Any], fallback: Fallback | None
    ) -> Mapping[str, Any]:
        program, kind = self._program, self._program.kind
        if kind.nests:
            return await self._execute(inputs, fallback, program.step.timeout)
        async with self._slots.hold():
            limit = program.step.timeout
            if limit is None:
                return await self._execute(inputs, fallback, None)
            try:
                async with asyncio.timeout(limit):
                    return await self._execute(inputs, fallback, limit)
            except TimeoutError as error:
                raise NativeError(
                    Reason.TIMEOUT, f"the attempt ran longer than {limit:g} s"
                ) from error

    async def _execute(
        self, inputs: Mapping[str, Any], fallback: Fallback | None, limit: float | None
    ) -> Mapping[str, Any]:
        if self._draining.is_set():
            # The run ended while this one waited for a slot.
            raise InterruptedStepError
        self.attempts += 1
        self._progress.attempts += 1
        # Known before the call, for an attempt that fails.
        own = getattr(self._program.body, "pool", "")
        self._progress.pool = own if fallback is None else fallback.pool or own
        attempt = Attempt(
            key=self._key(),
            timeout=self._time_left(limit),
            strict=self._program.step.strict,
            fallback=fallback,
            feedback=self._feedback,
            dispatcher=self._run.dispatcher,
            run_pipeline=self._run_pipeline,
        )
        try:
            executed = await self._program.kind.execute(self._program.body, inputs, attempt)
        except (StepError, InterruptedStepError):
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody asked for it: a plug-in awaited something that had been cancelled.
            raise NativeError(Reason.INTERNAL, "the attempt cancelled itself") from error
        except Exception as error:
            # A plug-in may raise anything; whatever it is must not end the run's other steps.
            raise NativeError(Reason.INTERNAL, f"{type(error).__name__}: {error}") from error
        self._credit(executed)
        return self._checked(executed.outputs)

    def _checked(self, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        strict = self._program.step.strict
        checked = check(self._program.gives, outputs, strict=strict, what="output")
        check_size(checked)
        return checked

    def _credit(self, executed: Executed) -> None:
        self.usage += executed.usage
        self._progress.usage += executed.usage
        self._progress.pool = executed.pool
        self._progress.worker = executed.worker

    def _note_failure(self, error: StepError, delay: float | None) -> None:
        worker = ""
        if isinstance(error, PythonError):
            worker = error.worker
            self._progress.worker = worker or self._progress.worker
            self.usage += _usage(error)
            self._progress.usage += _usage(error)
            answer = error.details.get("answer")
            if error.reason is Reason.OUTPUT_INVALID and isinstance(answer, str):
                self._feedback.append(Feedback(answer=answer, errors=_violations(error)))
        self._run.emit(
            AttemptFailed(
                time=self._run.clock(),
                step=self._path,
                item=self._item,
                attempt=self.attempts,
                error=Fault.of(error),
                retry_in=delay,
                pool=self._progress.pool,
                worker=worker,
            )
        )

    def _key(self) -> str:
        item = "-" if self._item is None else str(self._item)
        return f"{self._run.identity.name}/{self._path}/{item}/{self.attempts}"

    def _time_left(self, limit: float | None) -> float | None:
        if self._deadline is None:
            return limit
        left = max(0.0, self._deadline - asyncio.get_running_loop().time())
        return left if limit is None else min(left, limit)


def check(
    validator: Validator | None, values: Mapping[str, Any], *, strict: bool, what: str
) -> Mapping[str, Any]:
    """Return the values normalised.

    Raises:
        NativeError: InputInvalid or OutputInvalid, with all violations.
    """
    if validator is None:
        return values
    result = validator.validate(values, strict=strict)
    if not result.violations:
        return result.values
    reason = Reason.INPUT_INVALID if what == "input" else Reason.OUTPUT_INVALID
    lines = [str(violation) for violation in result.violations]
    raise NativeError(
        reason, f"the {what}s do not fit: {'; '.join(lines)}", details={"violations": lines}
    )


def check_size(outputs: Mapping[str, Any]) -> None:
    """Refuse outputs that no object of a cluster could keep.

    Raises:
        NativeError: OutputTooLarge, with size and limit.
    """
    size = len(msgspec.json.encode(outputs))
    if size > MAX_DATA:
        raise NativeError(
            Reason.OUTPUT_TOO_LARGE,
            f"the outputs have {size} bytes as JSON, {MAX_DATA} may be kept; "
            "make them smaller, or put them into a store and give their address",
            details={"bytes": size, "limit": MAX_DATA},
        )


def _usage(error: PythonError) -> Usage:
    return Usage(
        calls=error.usage.get("calls", 0),
        prompt_tokens=error.usage.get("promptTokens", 0),
        completion_tokens=error.usage.get("completionTokens", 0),
    )


def _violations(error: StepError) -> list[str]:
    found = error.details.get("violations")
    return [str(line) for line in found] if isinstance(found, list) else [error.message]
