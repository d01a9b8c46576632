"""A small model of the run's semantics, written apart from the engine: plain simulated time.

It knows steps with a duration, failures, retries, `if`, `after`, data dependencies that are
handled or not, onError, and a Stop, Cancel or timeout at a moment. Times never coincide by
construction, so every outcome is determined.
"""

import heapq
from dataclasses import dataclass, field
from typing import Literal

FIRST_DELAY = 1.0
MAX_DELAY = 4.0

End = Literal["Stopped", "Cancelled", "RunTimeout"]


@dataclass(frozen=True)
class ModelStep:
    """A step: what it reads, how long an attempt takes, how many fail."""

    name: str
    reads: tuple[str, ...] = ()
    handled: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    condition: bool = True
    duration: float = 1.0
    failures: int = 0
    attempts: int = 1
    on_error: Literal["Fail", "Continue", "Default"] = "Fail"

    @property
    def needs(self) -> set[str]:
        """All steps that must have ended."""
        return {*self.reads, *self.handled, *self.after}


@dataclass
class Outcome:
    """What the model says of a run."""

    states: dict[str, tuple[str, str]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    ended: float = 0.0


@dataclass
class _State:
    steps: dict[str, ModelStep]
    outcome: Outcome
    present: set[str] = field(default_factory=set)
    running: dict[str, int] = field(default_factory=dict)
    pausing: set[str] = field(default_factory=set)
    closed: bool = False
    heap: list[tuple[float, int, str, str]] = field(default_factory=list)
    count: int = 0

    def push(self, time: float, what: str, name: str) -> None:
        self.count += 1
        heapq.heappush(self.heap, (time, self.count, what, name))


def simulate(steps: list[ModelStep], end: tuple[float, End] | None) -> Outcome:
    """Say how a run of the steps ends, with an end from outside at a moment."""
    state = _State({step.name: step for step in steps}, Outcome())
    outcome = state.outcome
    now = 0.0
    _start_ready(state, now)
    while state.running:
        time, _, what, name = heapq.heappop(state.heap)
        if end is not None and end[0] <= time:
            now = end[0]
            for interrupted in state.running:
                outcome.states[interrupted] = ("Cancelled", end[1])
            outcome.reason = end[1]
            break
        now = time
        if name not in state.running:
            continue
        if what == "attempt":
            _begin_attempt(state, name, now)
        else:
            _end_attempt(state, name, now)
        _start_ready(state, now)
    for name in state.steps:
        outcome.states.setdefault(name, ("Skipped", "RunEnded"))
        outcome.attempts.setdefault(name, 0)
    outcome.ended = now
    if not outcome.reason:
        failed = any(
            outcome.states[step.name][0] == "Failed" and step.on_error == "Fail" for step in steps
        )
        outcome.reason = "StepsFailed" if failed else "Succeeded"
    return outcome


def _start_ready(state: _State, now: float) -> None:
    changed = True
    while changed and not state.closed:
        changed = False
        for step in state.steps.values():
            known = state.outcome.states
            if step.name in known or step.name in state.running or step.needs - known.keys():
                continue
            changed = True
            if not step.condition:
                known[step.name] = ("Skipped", "ConditionFalse")
            elif set(step.reads) - state.present:
                known[step.name] = ("Skipped", "DependencySkipped")
            else:
                state.running[step.name] = 0
                _begin_attempt(state, step.name, now)


def _begin_attempt(state: _State, name: str, now: float) -> None:
    state.pausing.discard(name)
    state.running[name] += 1
    state.outcome.attempts[name] = state.running[name]
    state.push(now + state.steps[name].duration, "done", name)


def _end_attempt(state: _State, name: str, now: float) -> None:
    step, number = state.steps[name], state.running[name]
    if number > step.failures:
        _settle(state, name, "Succeeded", "")
    elif number < step.attempts and not state.closed:
        state.pausing.add(name)
        state.push(now + min(MAX_DELAY, FIRST_DELAY * 2 ** (number - 1)), "attempt", name)
    elif step.on_error == "Default":
        _settle(state, name, "Succeeded", "DefaultUsed")
    else:
        _settle(state, name, "Failed", "ModuleFailed")


def _settle(state: _State, name: str, final: str, reason: str) -> None:
    del state.running[name]
    state.outcome.states[name] = (final, reason)
    if final == "Succeeded":
        state.present.add(name)
    elif state.steps[name].on_error == "Fail" and not state.closed:
        state.closed = True
        # Who waits for another attempt gives up with the error that it has.
        for waiting in sorted(state.pausing & state.running.keys()):
            step = state.steps[waiting]
            if step.on_error == "Default":
                _settle(state, waiting, "Succeeded", "DefaultUsed")
            else:
                _settle(state, waiting, "Failed", "ModuleFailed")
