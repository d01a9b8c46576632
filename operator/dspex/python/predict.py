"""`dspex.predict`, `chain_of_thought` and `react`: one call of a module, without a pipeline.

Each is a run of a pipeline with one step, so that validation, retries and errors are a step's.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dspex.api.pool import Pool
from dspex.cli.prepare import generated_name
from dspex.errors import ConfigurationError, Diagnostic, InputError
from dspex.local import plan_pools
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.signatures.printing import print_type
from dspex.native.validation import may_be_left_out
from dspex.pipeline.plan import Plan
from dspex.pipeline.record import State
from dspex.python.builder import PipelineBuilder, StepOptions
from dspex.python.inputs import check_inputs, to_wire_values
from dspex.python.manifest_form import manifest_form
from dspex.python.places import all_in_python
from dspex.python.pools import PoolLike, read_pool
from dspex.python.result import Prediction, Result, RunError, python_form
from dspex.python.session import session
from dspex.python.signature import SignatureLike, compile_signature
from dspex.python.tools import ToolLike, with_tools
from dspex.python.work import Work, compile_plan, duration, perform

STEP: Final = "call"
"""Name of the one step, and of its pipeline."""

ATTEMPTS: Final = 3
"""Attempts in all where nobody says otherwise, as `dspex new` writes it."""

Retry = int | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What a call may say beside its inputs; free values as JSON, so that plans can be kept."""

    module: str
    pool: Pool = dataclasses.field(compare=False)
    pool_text: str
    tools: tuple[str, ...]
    demos: str
    config: str
    retry: str
    timeout: str | None
    strict: bool


def predict(
    signature: SignatureLike,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    pool: PoolLike | None = None,
    module: str = "Predict",
    demos: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    retry: Retry = ATTEMPTS,
    timeout: float | str | None = None,
    strict: bool = False,
    **fields: Any,
) -> Prediction:
    """Ask a model for the outputs of a signature.

    Works where an event loop runs, in a notebook too. Workers are started where they are not
    there yet, and stay for the next call. Ctrl-C cancels the call and waits for its end.

    Args:
        signature: The task: DSPy's string, or what `dspex.signature` gave.
        inputs: Values by input name, as Python's objects or in wire form.
        pool: Whose workers do it: a Pool, a manifest or spec as a mapping, or a manifest's path.
            None: the one that `configure` has set, else the embedded model.
        module: Predict, or the dotted path of a `dspy.Module` that the Pool allows.
        demos: Examples that the model is shown, values by field name.
        config: Parameters of the model calls, such as `{"temperature": 0}`.
        retry: Attempts in all, or a step's `retry` as a mapping. An answer of the wrong type is
            shown to the model and asked for again.
        timeout: The longest that one attempt may take: seconds, or a duration such as `30s`.
            None: the Pool's `callTimeout`.
        strict: Whether outputs must have their types exactly, instead of being converted.
        fields: Inputs as keywords; they win over `inputs`, which is for names such as `pool`.

    Raises:
        InputError: Signature, inputs or options are wrong; with every finding and its argument.
        StepError: The last attempt failed; `reason` says why.
    """
    options = _options(module, pool, (), demos, config, retry, timeout, strict)
    return _run(signature, inputs, fields, options)


async def apredict(
    signature: SignatureLike,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    pool: PoolLike | None = None,
    module: str = "Predict",
    demos: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    retry: Retry = ATTEMPTS,
    timeout: float | str | None = None,
    strict: bool = False,
    **fields: Any,
) -> Prediction:
    """As `predict`; cancelling the caller cancels the call and waits for its end."""
    options = _options(module, pool, (), demos, config, retry, timeout, strict)
    return await _arun(signature, inputs, fields, options)


def chain_of_thought(
    signature: SignatureLike,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    pool: PoolLike | None = None,
    demos: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    retry: Retry = ATTEMPTS,
    timeout: float | str | None = None,
    strict: bool = False,
    **fields: Any,
) -> Prediction:
    """As `predict`, with a model that reasons first: adds the output `reasoning`."""
    options = _options("ChainOfThought", pool, (), demos, config, retry, timeout, strict)
    return _run(signature, inputs, fields, options)


async def achain_of_thought(
    signature: SignatureLike,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    pool: PoolLike | None = None,
    demos: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    retry: Retry = ATTEMPTS,
    timeout: float | str | None = None,
    strict: bool = False,
    **fields: Any,
) -> Prediction:
    """As `chain_of_thought`; cancelling the caller cancels the call and waits for its end."""
    options = _options("ChainOfThought", pool, (), demos, config, retry, timeout, strict)
    return await _arun(signature, inputs, fields, options)


def react(
    signature: SignatureLike,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    tools: Sequence[ToolLike],
    pool: PoolLike | None = None,
    demos: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    retry: Retry = ATTEMPTS,
    timeout: float | str | None = None,
    strict: bool = False,
    **fields: Any,
) -> Prediction:
    """As `predict`, with a model that may call tools: adds the output `trajectory`.

    Args:
        signature: The task.
        inputs: Values by input name.
        tools: Names of the Pool's tools, or functions of modules that the workers can import:
            those of installed packages and of the current folder.
        pool: As `predict`.
        demos: As `predict`.
        config: As `predict`; `max_iters` bounds the turns.
        retry: As `predict`.
        timeout: As `predict`.
        strict: As `predict`.
        fields: As `predict`.

    Raises:
        InputError: As `predict`, and where a worker could not import a tool.
        StepError: As `predict`.
    """
    options = _options("ReAct", pool, tools, demos, config, retry, timeout, strict)
    return _run(signature, inputs, fields, options)


async def areact(
    signature: SignatureLike,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    tools: Sequence[ToolLike],
    pool: PoolLike | None = None,
    demos: Sequence[Mapping[str, Any]] = (),
    config: Mapping[str, Any] | None = None,
    retry: Retry = ATTEMPTS,
    timeout: float | str | None = None,
    strict: bool = False,
    **fields: Any,
) -> Prediction:
    """As `react`; cancelling the caller cancels the call and waits for its end."""
    options = _options("ReAct", pool, tools, demos, config, retry, timeout, strict)
    return await _arun(signature, inputs, fields, options)


def _options(
    module: str,
    pool: PoolLike | None,
    tools: Sequence[ToolLike],
    demos: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any] | None,
    retry: Retry,
    timeout: float | str | None,
    strict: bool,
) -> _Options:
    chosen = session().default_pool() if pool is None else read_pool(pool)
    names, chosen = with_tools(chosen, tools)
    return _Options(
        module=module,
        pool=chosen,
        pool_text=json.dumps([chosen.name, chosen.spec.to_json()], sort_keys=True),
        tools=tuple(names),
        demos=json.dumps(manifest_form(demos, path="demos")),
        config=json.dumps(manifest_form(config, path="config")),
        retry=json.dumps(retry if isinstance(retry, int) else manifest_form(retry, path="retry")),
        timeout=None if timeout is None else duration(timeout),
        strict=strict,
    )


def _run(
    given: SignatureLike,
    inputs: Mapping[str, Any] | None,
    fields: Mapping[str, Any],
    options: _Options,
) -> Prediction:
    signature = compile_signature(given).signature
    work = _work(signature, {**(inputs or {}), **fields}, options)
    return _prediction(signature, session().background.run(functools.partial(perform, work)))


async def _arun(
    given: SignatureLike,
    inputs: Mapping[str, Any] | None,
    fields: Mapping[str, Any],
    options: _Options,
) -> Prediction:
    signature = compile_signature(given).signature
    work = _work(signature, {**(inputs or {}), **fields}, options)
    done = await session().background.wait(functools.partial(perform, work))
    return _prediction(signature, done)


def _work(signature: Signature, values: Mapping[str, Any], options: _Options) -> Work:
    shared = session()
    wire = to_wire_values(signature.inputs, values)
    check_inputs(signature.inputs, wire, owner="signature")
    given = _without_absent(signature.inputs, wire)
    plan = _plan(signature, tuple(given), options)
    try:
        pools = plan_pools([options.pool], shared.sources())
    except InputError as error:
        raise type(error)(*all_in_python(error.diagnostics)) from None
    return Work(
        name=generated_name(STEP),
        plan=plan,
        pools=pools,
        inputs=given,
        workers=shared.settings.workers,
    )


def _without_absent(fields: Sequence[Field], wire: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None: a step that reads an absent value would be skipped.

    Raises:
        ConfigurationError: A value may not be left out.
    """
    for field in fields:
        if wire.get(field.name, "") is None and not may_be_left_out(field):
            raise ConfigurationError(
                Diagnostic(
                    code="InvalidInput",
                    message="is None, which counts as absent",
                    expected=f"a value of type {field.type}",
                    file="inputs",
                    path=field.name,
                )
            )
    return {name: value for name, value in wire.items() if value is not None}


@functools.lru_cache(maxsize=256)
def _plan(signature: Signature, given: tuple[str, ...], options: _Options) -> Plan:
    """Compile the pipeline of one step that gets the inputs that are given; plans are kept."""
    try:
        return compile_plan(_pipeline(signature, given, options).manifests(), STEP)
    except InputError as error:
        raise type(error)(*map(_of_argument, error.diagnostics)) from None


def _pipeline(signature: Signature, given: tuple[str, ...], options: _Options) -> PipelineBuilder:
    builder = PipelineBuilder(STEP, {})
    for each in signature.inputs:
        if each.name in given:
            builder.input(each.name, print_type(each.type))
    policies: StepOptions = {
        "inputs": {name: f"$(inputs.{name})" for name in given},
        "retry": json.loads(options.retry),
        "validation": "Strict" if options.strict else "Coerce",
    }
    if options.timeout is not None:
        policies["timeout"] = options.timeout
    pool, demos, config = options.pool, json.loads(options.demos), json.loads(options.config)
    if options.module == "ReAct":
        builder.react(
            STEP,
            signature,
            pool=pool,
            tools=options.tools,
            demos=demos,
            config=config,
            **policies,
        )
    else:
        builder.predict(
            STEP,
            signature,
            pool=pool,
            module=options.module,
            demos=demos,
            config=config,
            **policies,
        )
    return builder


def _of_argument(finding: Diagnostic) -> Diagnostic:
    """Say of a finding about the one step which argument of the call it is about."""
    path = finding.path or ""
    for prefix in ("spec.steps[0].", f"{STEP}.", "dspy."):
        path = path.removeprefix(prefix)
    match = _HEAD.match(path)
    if finding.subject is not None and not finding.subject.startswith("Pipeline/"):
        return finding
    name = match["name"] if match else "signature"
    return dataclasses.replace(
        finding,
        subject=None,
        file=_ARGUMENTS.get(name, name),
        path=path[len(name) :].removeprefix(".") or None,
    )


_HEAD: Final = re.compile(r"(?P<name>\w+)")
_ARGUMENTS: Final = {"poolRef": "pool", "signatureRef": "signature"}


def _prediction(signature: Signature, result: Result) -> Prediction:
    step = result.steps[STEP]
    if step.state is State.SUCCEEDED and step.outputs is not None:
        fields = {field.name: field for field in signature.outputs}
        return Prediction(python_form(fields, step.outputs), step)
    for _, error in result.errors:
        raise error
    raise RunError(result)
