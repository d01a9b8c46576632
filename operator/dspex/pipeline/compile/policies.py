"""Compiles the policies of a step: what it says itself, then the pipeline's defaults."""

from typing import Any

from dspex.api import step as step_api
from dspex.api.duration import parse_duration
from dspex.api.pipeline import StepDefaults
from dspex.pipeline.plan import ForEach, Repeat, Retry


def timeout(step: step_api.Step, defaults: StepDefaults) -> float | None:
    """Return the seconds of one attempt; None leaves it to the Pool."""
    given = step.timeout or defaults.timeout
    return None if given is None else parse_duration(given)


def retry(step: step_api.Step, defaults: StepDefaults) -> Retry:
    """Return the retry policy; without one an attempt is never repeated."""
    given = step.retry or defaults.retry
    if given is None:
        return Retry()
    return Retry(
        attempts=given.attempts,
        initial_delay=parse_duration(given.initial_delay),
        max_delay=parse_duration(given.max_delay),
        max_elapsed=None if given.max_elapsed is None else parse_duration(given.max_elapsed),
        jitter="Full" if given.jitter is step_api.Jitter.FULL else "None",
        reasons=[str(reason) for reason in given.reasons] or None,
    )


def on_error(step: step_api.Step, defaults: StepDefaults) -> Any:
    """Return Fail, Continue or Default."""
    given = step.on_error or defaults.on_error
    return "Fail" if given is None else given.value


def strict(step: step_api.Step, defaults: StepDefaults) -> bool:
    """Say whether values must have their types exactly."""
    given = step.validation or defaults.validation
    return given is step_api.ValidationMode.STRICT


def for_each(step: step_api.Step, on_error: str) -> ForEach | None:
    """Return the fan-out; how many items may fail follows from onError where it is not said."""
    given = step.for_each
    if given is None:
        return None
    max_failures = given.max_failures
    if max_failures is None:
        max_failures = given.max_items if on_error == "Continue" else 0
    return ForEach(
        items=given.items,
        concurrency=given.concurrency,
        max_items=given.max_items,
        max_failures=max_failures,
    )


def repeat(step: step_api.Step) -> Repeat | None:
    """Return the repetition."""
    if step.repeat is None:
        return None
    return Repeat(until=step.repeat.until, max_iterations=step.repeat.max_iterations)
