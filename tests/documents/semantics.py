"""Runs an example of docs/semantics.md through the compiler and the engine, in virtual time.

The comments at the example's top say how: `inputs`, what each Pool answers to its calls in turn
(the last answer repeats; a reason's name is a failure), how long a call takes (1 s), and when Stop
or Cancel is asked for.
"""

import asyncio
import io
import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import yaml

from documents.pages import Block
from dspex.api.duration import parse_duration
from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.errors import Diagnostic, ManifestError, PythonError, Reason
from dspex.manifests import load
from dspex.pipeline.compile import Compiled, compile_pipeline
from dspex.pipeline.context import Sources
from dspex.pipeline.engine import Engine, RunIdentity
from dspex.pipeline.events import Event, StepFinished
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import RunRecord, State, StepRecord
from fakes.dispatcher import Script, ScriptedDispatcher
from fakes.virtual_time import START, run_virtually, virtual_clock

POOLS: Final = ("small", "other")
"""Pools that every example may name."""

_REASONS: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}
_HEAD: Final = "apiVersion: dspex.dev/v1alpha1\nkind: Pipeline\nmetadata: {name: main}\nspec:\n"


@dataclass(slots=True, kw_only=True)
class Setting:
    """How an example is run; times in seconds."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, list[Any]] = field(default_factory=dict)
    takes: float = 1.0
    stop: float | None = None
    cancel: float | None = None


def outcome(block: Block) -> str:
    """Return what comes of an example, as the page prints it."""
    try:
        compiled = _compile(block)
    except ManifestError as error:
        return "".join(f"{_finding(each)}\n" for each in error.diagnostics)
    lines = [_finding(each) for each in compiled.diagnostics]
    lines += [_finding(each.diagnostic) for each in compiled.missing]
    if compiled.plan is not None:
        lines += _run(compiled.plan, _setting(block))
    return "".join(f"{line}\n" for line in lines)


def _compile(block: Block) -> Compiled:
    text = block.text
    if "apiVersion:" not in text:
        text = _HEAD + textwrap.indent(text, "  ")
    manifests = load(["-"], stdin=io.BytesIO(text.encode()))
    model = {"model": {"embedded": True}, "callTimeout": "600s"}
    pools = {
        name: Pool.model_validate({"metadata": {"name": name}, "spec": model}) for name in POOLS
    }
    sources = Sources(
        signatures=manifests.signatures,
        pools={**pools, **manifests.pools},
        pipelines=manifests.pipelines,
        config_maps=manifests.config_maps,
    )
    return compile_pipeline(next(iter(manifests.pipelines.values())), sources)


def _finding(found: Diagnostic) -> str:
    path = (found.path or "").removeprefix("spec.")
    head = f"{found.severity.lower()} at {path}: {found.message}"
    return head if found.remedy is None else f"{head}\n  remedy: {found.remedy}"


def _setting(block: Block) -> Setting:
    setting = Setting()
    lines = []
    for line in block.text.splitlines():
        if not line.startswith("# "):
            break
        lines.append(line[2:])
    answers: dict[str, list[Any]] = {}
    for name, value in (yaml.safe_load("\n".join(lines)) or {}).items():
        if name == "inputs":
            setting.inputs = value
        elif name in ("takes", "stop", "cancel"):
            setattr(setting, name, parse_duration(value))
        else:
            answers[name] = value if isinstance(value, list) else [value]
    setting.answers = answers
    return setting


def _script(answers: list[Any], seconds: float) -> Script:
    remaining = list(answers)

    async def script(call: Call) -> Mapping[str, Any]:
        del call
        answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        await asyncio.sleep(seconds)
        if isinstance(answer, Mapping) and "reason" not in answer:
            return answer
        fault = answer if isinstance(answer, Mapping) else {"reason": answer}
        retry_after = parse_duration(fault["retryAfter"]) if "retryAfter" in fault else None
        message = "as the example wants it"
        raise PythonError(_REASONS[fault["reason"]], message, retry_after=retry_after)

    return script


def _run(plan: Plan, setting: Setting) -> list[str]:
    events: list[Event] = []
    scripts = {pool: _script(answers, setting.takes) for pool, answers in setting.answers.items()}

    async def whole() -> tuple[RunRecord, float]:
        engine = Engine(
            plan,
            ScriptedDispatcher(scripts),
            RunIdentity("example"),
            on_event=events.append,
            clock=virtual_clock,
        )
        loop = asyncio.get_running_loop()
        asks: list[tuple[float | None, Callable[[], None]]] = [
            (setting.stop, engine.stop),
            (setting.cancel, engine.cancel),
        ]
        for when, ask in asks:
            if when is not None:
                loop.call_later(when, ask)
        return await engine.run(setting.inputs), loop.time()

    record, seconds = run_virtually(whole())
    steps = [event.record for event in events if isinstance(event, StepFinished)]
    lines = [_step(step) for step in steps]
    reason = "" if record.state is State.SUCCEEDED else f" ({record.reason})"
    lines.append(f"run: {record.state}{reason} after {seconds:g} s")
    if record.outputs:
        lines.append(f"outputs: {json.dumps(dict(record.outputs), ensure_ascii=False)}")
    return lines


def _step(step: StepRecord) -> str:
    facts = [f"{step.state} ({step.reason})" if step.reason else str(step.state)]
    if step.items is not None:
        facts.append(f"{step.items.succeeded} of {step.items.total} items")
    if step.attempts > 1 and step.items is None:
        facts.append(f"{step.attempts} attempts")
    if step.start_time is not None and step.completion_time is not None:
        began, ended = _seconds(step.start_time), _seconds(step.completion_time)
        if ended > 0:
            facts.append(f"{began:g} to {ended:g} s")
    return f"{step.name}: {', '.join(facts)}"


def _seconds(time: datetime) -> float:
    return round((time - START).total_seconds(), 2)
