"""What calls give back: outputs as attributes and as a mapping, and what is known beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dspex.bridge.protocol import Usage
from dspex.errors import PipelineError, PythonError, Reason, StepError
from dspex.native.field import Field
from dspex.native.wire import from_wire
from dspex.pipeline.record import Fault, RunRecord, State, StepRecord

_REASONS: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}


class Outputs(Mapping[str, Any]):
    """Values by name, as attributes too; in Python's form: dates are dates, sets are sets."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        # What has no outputs yet (while it is copied, say) has none to look for.
        values = object.__getattribute__(self, "_values")
        if name not in values:
            known = ", ".join(values) or "none"
            raise AttributeError(f"there is no output {name!r}; there is: {known}")
        return values[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"{type(self).__name__}({shown})"


class Prediction(Outputs):
    """What one call of a module gave.

    An output that is called as one of the attributes is found as an item, `prediction["usage"]`.

    Attributes:
        usage: Model calls and tokens, those of failed attempts too.
        attempts: How many attempts there were.
        worker: The worker that answered.
        seconds: From its start to its end.
    """

    __slots__ = ("attempts", "seconds", "usage", "worker")

    def __init__(self, outputs: Mapping[str, Any], step: StepRecord) -> None:
        super().__init__(outputs)
        self.usage: Usage = step.usage
        self.attempts: int = step.attempts
        self.worker: str = step.worker
        self.seconds: float = _seconds(step)


class Result(Outputs):
    """How a run ended, and what it gave; without outputs where it did not succeed.

    An output that is called as one of the attributes is found as an item, `result["state"]`.

    Attributes:
        name: The run's name.
        state: Succeeded, Failed or Cancelled.
        reason: Succeeded, or why it did not: StepsFailed, RunTimeout, InputInvalid, …
        message: That in words.
        usage: Model calls and tokens of all steps together.
        steps: Each step as it ended, by name, `outer/inner` for one of a sub-pipeline: state,
            reason, attempts, times, worker, usage, error; its outputs in wire form.
        status: The PipelineRun's status, as a cluster would hold it.
        seconds: From the run's start to its end.
        errors: Every failed step with its error, those of continued steps too.
    """

    __slots__ = (
        "errors",
        "message",
        "name",
        "reason",
        "seconds",
        "state",
        "status",
        "steps",
        "usage",
    )

    def __init__(
        self,
        name: str,
        record: RunRecord,
        outputs: Mapping[str, Any],
        *,
        steps: Mapping[str, StepRecord],
        status: Mapping[str, Any],
        seconds: float,
    ) -> None:
        super().__init__(outputs)
        self.name: str = name
        self.state: State = record.state
        self.reason: str = record.reason
        self.message: str = record.message
        self.usage: Usage = record.usage
        self.steps: Mapping[str, StepRecord] = dict(steps)
        self.status: Mapping[str, Any] = status
        self.seconds: float = seconds
        self.errors: Sequence[tuple[str, StepError]] = tuple(
            (step, step_error(fault)) for step, fault in record.errors
        )

    @property
    def succeeded(self) -> bool:
        """Whether it gave its outputs."""
        return self.state is State.SUCCEEDED

    def __repr__(self) -> str:
        if self.succeeded:
            return super().__repr__()
        return f"<{self.state} {self.name}: {self.reason}: {self.message}>"


class RunError(PipelineError):
    """A run ended without success.

    Attributes:
        result: How it ended: every step, with the outputs of those that succeeded.
    """

    def __init__(self, result: Result) -> None:
        super().__init__(reason_of(result.reason), result.message, result.errors)
        self.result = result

    def __str__(self) -> str:
        lines = [f"{self.result.name}: {self.result.reason}: {self.result.message}"]
        lines += [f"  {step}: {error}" for step, error in self.errors]
        return "\n".join(lines)


def step_error(fault: Fault) -> StepError:
    """Return the exception that a step's error was made of."""
    return PythonError(
        reason_of(fault.reason),
        fault.message,
        error_class=fault.error_class,
        traceback=fault.traceback,
        details=fault.details,
    )


def reason_of(name: str) -> Reason:
    """Return the reason of a name; InternalError for one that this version does not know."""
    return _REASONS.get(name, Reason.INTERNAL)


def python_form(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that were in wire form as Python's objects, by their fields' types."""
    return {
        name: from_wire(fields[name].type, value) if name in fields else value
        for name, value in values.items()
    }


def _seconds(step: StepRecord) -> float:
    if step.start_time is None or step.completion_time is None:
        return 0.0
    return (step.completion_time - step.start_time).total_seconds()
