"""The words for events, shared by all ways to show them."""

from dspex.pipeline.events import (
    AttemptFailed,
    Event,
    FallbackTaken,
    FinallyStarted,
    ItemFinished,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from dspex.pipeline.record import Items, RunRecord, State, StepRecord

LONGEST_MESSAGE = 300


def describe(event: Event) -> str | None:
    """Return an event in one line; None for what happens too often to be told."""
    match event:
        case RunStarted():
            return (
                f"run {event.run} of pipeline {event.pipeline}: {count(len(event.steps), 'step')}"
            )
        case StepStarted():
            items = "" if event.items is None else f", {count(event.items, 'item')}"
            return f"{event.step} started{items}"
        case AttemptFailed():
            return _failed_attempt(event)
        case FallbackTaken():
            return f"{_place(event.step, event.item)} falls back ({event.reason})"
        case ItemFinished():
            return _failed_item(event)
        case StepFinished():
            return f"{event.record.name} {ended(event.record)}"
        case FinallyStarted():
            return "finally steps begin"
        case RunFinished():
            return None


def ended(record: StepRecord) -> str:
    """Say how a step ended."""
    state = str(record.state).lower()
    if record.state is State.SUCCEEDED:
        facts = [in_seconds(record), _attempts(record), record.worker, tokens(record)]
        if record.items is not None:
            facts.insert(0, items(record.items))
        return ", ".join([state, *(fact for fact in facts if fact)])
    if record.state is State.FAILED and record.error is not None:
        # Its message was told with the last attempt, and is told again when the run has ended.
        tries = _attempts(record)
        return f"{state}{f' after {tries}' if tries else ''}: {record.error.reason}"
    why = one_line(record.message) or record.reason
    return f"{state}: {why}" if why else state


def summary(record: RunRecord, seconds: float) -> str:
    """Say how a run ended, in one line."""
    facts = [f"{seconds:.1f} s"]
    if record.usage.calls:
        facts.append(count(record.usage.calls, "model call"))
    if record.usage.total_tokens:
        facts.append(f"{record.usage.total_tokens} tokens")
    why = "" if record.state is State.SUCCEEDED else f" ({record.reason})"
    return f"{str(record.state).lower()}{why} in {', '.join(facts)}"


def in_seconds(record: StepRecord) -> str:
    """Return how long a step took."""
    if record.start_time is None or record.completion_time is None:
        return ""
    return f"{(record.completion_time - record.start_time).total_seconds():.2f} s"


def items(counts: Items) -> str:
    """Say how the items of a step ended: `9 of 10 items`."""
    return f"{counts.succeeded} of {count(counts.total, 'item')}"


def tokens(record: StepRecord) -> str:
    """Return the tokens that a step used."""
    return f"{record.usage.total_tokens} tokens" if record.usage.total_tokens else ""


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def one_line(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_MESSAGE else flat[: LONGEST_MESSAGE - 1] + "…"


def _attempts(record: StepRecord) -> str:
    """Name the attempts where there was more than one; with items there always is."""
    return f"{record.attempts} attempts" if record.attempts > 1 and record.items is None else ""


def _failed_attempt(event: AttemptFailed) -> str:
    what = f"{event.error.reason}: {one_line(event.error.message)}"
    again = "" if event.retry_in is None else f"; again in {event.retry_in:.1f} s"
    where = f" on {event.worker}" if event.worker else ""
    return f"{_place(event.step, event.item)} attempt {event.attempt} failed{where}: {what}{again}"


def _failed_item(event: ItemFinished) -> str | None:
    if event.error is None:
        return None
    what = f"{event.error.reason}: {one_line(event.error.message)}"
    return f"{_place(event.step, event.item)} failed: {what}"


def _place(step: str, item: int | None) -> str:
    return step if item is None else f"{step}[{item}]"
