"""One call from its message to its answer; the server gives time limits and a place to run."""

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import dspy
import msgspec

from dspex.bridge.protocol import Answer, Call, Timings
from dspex.bridge.protocol.allowed import LM_PARAMETERS
from dspex.bridge.protocol.module_arguments import module_arguments
from dspex.errors import InputError, Reason
from dspex.native.signatures import Signature
from dspex_worker.adapters import frame
from dspex_worker.failures import CallError, OutputInvalidError
from dspex_worker.lm import ledger
from dspex_worker.lm.providers import Model
from dspex_worker.modules import ModuleArguments, Modules, Program
from dspex_worker.signatures import validator
from dspex_worker.threads import Threads
from dspex_worker.tools import ToolBox
from dspex_worker.values import to_python, to_wire

_decoder: Final = msgspec.json.Decoder(Call)


@dataclass(frozen=True, slots=True)
class Worker:
    """All that runs a call, built before the worker is ready.

    Attributes:
        name: The worker's name.
        model: Its model; None where the Pool has none.
        adapter: How prompts are written.
        modules: What may run.
        tools: What ReAct may be given.
        threads: Run modules that have no asynchronous path.
        tool_threads: Run tools that are not `async`.
    """

    name: str
    model: Model | None
    adapter: dspy.Adapter
    modules: Modules
    tools: ToolBox
    threads: Threads
    tool_threads: Threads

    @property
    def stuck(self) -> dict[str, int]:
        """How many threads are stuck, by what they run."""
        return {each.kind: each.stuck for each in (self.threads, self.tool_threads)}

    async def aclose(self) -> None:
        """Free the model, the tools and the threads; one that still works is not waited for."""
        self.threads.close()
        await self.tools.aclose()
        if self.model is not None:
            await self.model.engine.aclose()


def read_call(body: bytes) -> Call:
    """Read the message.

    Raises:
        CallError: ProtocolError where it is none.
    """
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise CallError(Reason.PROTOCOL_ERROR, f"the call can't be read: {error}") from error


async def execute(worker: Worker, call: Call, record: ledger.Ledger, *, queued: float) -> Answer:
    """Run a call.

    Args:
        worker: What runs it.
        call: The message.
        record: Filled with what the model calls were, also where the call fails.
        queued: Seconds that it waited.

    Raises:
        CallError: The call or the model's answer is wrong.
        Exception: Whatever the module raised.
    """
    started = time.perf_counter()
    signature = read_signature(call.signature)
    program = worker.modules.program(call.module, signature, _arguments(worker, call))
    inputs = _inputs(signature, call.inputs, worker.tools)
    demos = [_demo(program.signature, demo) for demo in call.demos]
    running = frame.Frame(
        outputs=frozenset(field.name for field in signature.outputs),
        strict=call.strict,
        feedback=tuple(call.feedback),
    )
    with ledger.recording(record), frame.framed(running), _context(worker, call):
        values = await program.run(inputs, demos)
    outputs = _outputs(program, values, strict=call.strict)
    return Answer(
        outputs=outputs,
        usage=record.usage,
        timings=Timings(queue=queued, execute=time.perf_counter() - started, model=record.seconds),
        worker=worker.name,
        prompts=record.exchanges,
    )


def _context(worker: Worker, call: Call) -> Any:
    """Return DSPy's settings for one call: its own model parameters, and no memory of it."""
    lm = worker.model.lm if worker.model else None
    parameters = {name: value for name, value in call.config.items() if name in LM_PARAMETERS}
    if lm is not None and parameters:
        lm = lm.copy(**_spelled(lm, parameters))
    return dspy.context(
        lm=lm,
        adapter=worker.adapter,
        disable_history=True,
        max_history_size=0,
        trace=None,
        track_usage=False,
        usage_tracker=None,
        callbacks=[],
        caller_modules=None,
        send_stream=None,
        stream_listeners=[],
        warn_on_type_mismatch=False,
        allow_tool_async_sync_conversion=False,
    )


def _spelled(lm: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    # DSPy keeps a reasoning model's limit under the newer name.
    if "max_completion_tokens" in lm.kwargs and "max_tokens" in parameters:
        limit = parameters["max_tokens"]
        rest = {name: value for name, value in parameters.items() if name != "max_tokens"}
        return {**rest, "max_completion_tokens": limit}
    return parameters


def _arguments(worker: Worker, call: Call) -> ModuleArguments:
    try:
        given = module_arguments(call.config)
    except ValueError as error:
        raise CallError(Reason.REQUEST_REFUSED, f"config.{error}") from error
    reward = given.reward
    return ModuleArguments(
        tools=tuple(worker.tools.pick(call.tools)),
        max_iters=given.max_iters,
        attempts=given.attempts,
        base=given.base,
        reward=None if reward is None else worker.tools.pick([reward])[0],
        threshold=given.threshold,
    )


def read_signature(wire: Mapping[str, Any]) -> Signature:
    """Return a signature of its wire form, memoised.

    Raises:
        CallError: InputInvalid where it is none.
    """
    return _signature(json.dumps(wire, sort_keys=True))


@functools.lru_cache(256)
def _signature(text: str) -> Signature:
    try:
        return Signature.from_wire(json.loads(text))
    except InputError as error:
        raise CallError(Reason.INPUT_INVALID, f"the signature can't be read: {error}") from error


def _inputs(signature: Signature, wire: Mapping[str, Any], tools: ToolBox) -> dict[str, Any]:
    checked = validator(signature.inputs).validate(wire, strict=False)
    if checked.violations:
        lines = [str(violation) for violation in checked.violations]
        raise CallError(
            Reason.INPUT_INVALID, "the inputs do not fit: " + "; ".join(lines), violations=lines
        )
    return {
        field.name: to_python(field.type, checked.values[field.name], tools)
        for field in signature.inputs
    }


def _demo(signature: Signature, wire: Mapping[str, Any]) -> dspy.Example:
    """Return a demo as DSPy has it; one may leave fields out, but has none that is unknown."""
    fields = tuple(field for field in signature.fields if field.name in wire)
    checked = validator(fields).validate(wire, strict=False)
    if checked.violations:
        lines = [str(violation) for violation in checked.violations]
        raise CallError(
            Reason.INPUT_INVALID, "a demo does not fit: " + "; ".join(lines), violations=lines
        )
    values = {field.name: to_python(field.type, checked.values[field.name]) for field in fields}
    return dspy.Example(**values)


def _outputs(program: Program, values: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    fields = program.signature.outputs
    wire = {
        field.name: to_wire(field.type, values[field.name])
        for field in fields
        if field.name in values
    }
    checked = validator(fields).validate(wire, strict=strict)
    if checked.violations:
        raise OutputInvalidError([str(violation) for violation in checked.violations])
    return dict(checked.values)
