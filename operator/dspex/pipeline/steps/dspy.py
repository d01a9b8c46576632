"""A step that runs a DSPy module on a worker of a Pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dspex.bridge.protocol import Call
from dspex.bridge.protocol.allowed import (
    LM_PARAMETERS,
    MODULE_ARGUMENTS,
    MODULE_TAKES,
    REWARDED,
    TAKEN_BY_REACT,
    TAKEN_INPUTS,
)
from dspex.bridge.protocol.module_arguments import module_arguments
from dspex.errors import InputError, nearest
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.signatures.compile import compile_signature
from dspex.native.types import ANY, FLOAT, STR, DictOf, Type
from dspex.native.validation import Validator
from dspex.pipeline.plan import Fallback
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.pool import Pool
    from dspex.api.step import DspyStep
    from dspex.api.step import Fallback as FallbackSpec
    from dspex.pipeline.context import Context

DEFAULT_CALL_TIMEOUT: Final = 30.0
"""Seconds, where neither the step nor its Pool says otherwise."""

ADDED_OUTPUTS: Final[Mapping[str, Field]] = {
    "ChainOfThought": Field(name="reasoning", type=STR),
    "ReAct": Field(name="trajectory", type=DictOf(STR, ANY)),
    "MultiChainComparison": Field(name="rationale", type=STR),
    "BestOfN": Field(name="reward", type=FLOAT),
    "Refine": Field(name="reward", type=FLOAT),
}
"""The built-in modules' own outputs, besides the signature's."""

BUILT_IN: Final = (
    "Predict",
    "ChainOfThought",
    "ReAct",
    "MultiChainComparison",
    "BestOfN",
    "Refine",
)
"""The modules that every Pool runs."""

REPEATING: Final = frozenset({"attempts", "base", "reward", "threshold"})
"""Arguments of the modules that repeat another; a module that takes one not is told."""


class DspyBody(Body, frozen=True, kw_only=True):
    """What is sent with every call of the step."""

    module: str
    signature: dict[str, Any]
    pool: str
    call_timeout: float
    demos: list[dict[str, Any]] = msgspec.field(default_factory=list)
    tools: list[str] = msgspec.field(default_factory=list)
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class DspyKind(Kind["DspyStep", DspyBody]):
    """`dspy`: outputs are the signature's, and `reasoning` or `trajectory`."""

    name = "dspy"
    body_type = DspyBody

    def shape(
        self, spec: DspyStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[DspyBody] | None:
        """Look up signature and pool, check module, tools and demos against them."""
        signature = _signature(spec, context)
        pool = context.pool(spec.pool_ref.name, "poolRef.name")
        if pool is not None:
            _check_module(spec.module, pool, context, "module")
            _check_tools(spec, pool, context)
        if signature is None:
            return None
        _check_demos(spec.demos, signature, context)
        _check_names(spec, signature, context)
        _check_config(spec, pool, context)
        body = DspyBody(
            module=spec.module,
            signature=signature.to_wire(),
            pool=spec.pool_ref.name,
            call_timeout=call_timeout(pool),
            demos=[dict(demo) for demo in spec.demos],
            tools=list(spec.tools),
            config=dict(spec.config or {}),
        )
        return Shape(body=body, inputs=signature.inputs, outputs=_outputs(spec.module, signature))

    async def execute(
        self, body: DspyBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Send one call to the pool, or to the fallback's."""
        fallback = attempt.fallback or Fallback()
        pool = fallback.pool or body.pool
        limit = fallback.call_timeout or body.call_timeout
        call = Call(
            module=fallback.module or body.module,
            signature=body.signature,
            inputs=dict(inputs),
            demos=body.demos,
            tools=body.tools,
            config=body.config,
            strict=attempt.strict,
            feedback=list(attempt.feedback),
            key=attempt.key,
            timeout=limit if attempt.timeout is None else min(limit, attempt.timeout),
        )
        answer = await attempt.dispatcher.execute(pool, call)
        outputs = answer.outputs
        if fallback.module is not None:
            # Another module may add outputs of its own; the step's are those of its first choice.
            outputs = {name: outputs[name] for name in _names(body) if name in outputs}
        return Executed(outputs=outputs, usage=answer.usage, pool=pool, worker=answer.worker)


def call_timeout(pool: Pool | None) -> float:
    """Return the seconds that a Pool allows a call."""
    if pool is None:
        return DEFAULT_CALL_TIMEOUT
    from dspex.api.effective import effective_pool  # a compiler's need, not a runner's

    return effective_pool(pool).call_timeout


def compile_fallback(
    dspy: DspyStep, fallback: FallbackSpec, outputs: Sequence[Field], context: Context
) -> Fallback:
    """Compile one entry of a dspy step's `fallback`."""
    if fallback.pool_ref is not None:
        pool = context.pool(fallback.pool_ref.name, "poolRef.name")
        if pool is not None:
            _check_module(dspy.module, pool, context, "poolRef.name")
            for tool in dspy.tools:
                _check_tool(tool, pool, context, "poolRef.name")
        return Fallback(pool=fallback.pool_ref.name, call_timeout=call_timeout(pool))
    module = fallback.module or dspy.module
    added = ADDED_OUTPUTS.get(dspy.module)
    if added is not None and module != dspy.module:
        names = ", ".join(field.name for field in outputs)
        context.error(
            "FallbackOutputs",
            f"{module} does not give {added.name}, which {dspy.module} does",
            path="module",
            expected=f"a module with the outputs {names}",
            remedy="fall back to another pool, or use Predict in the step",
        )
    pool = context.sources.pools.get(dspy.pool_ref.name)
    if pool is not None:
        _check_module(module, pool, context, "module")
    return Fallback(module=module)


def _signature(dspy: DspyStep, context: Context) -> Signature | None:
    if dspy.signature_ref is not None:
        return context.signature(dspy.signature_ref.name, "signatureRef.name")
    try:
        return compile_signature(dspy.signature or "").signature
    except InputError as error:
        context.report_all(error, "signature")
        return None


def _outputs(module: str, signature: Signature) -> tuple[Field, ...]:
    added = ADDED_OUTPUTS.get(module)
    if added is None or any(field.name == added.name for field in signature.outputs):
        return signature.outputs
    return (added, *signature.outputs)


def _names(body: DspyBody) -> list[str]:
    added = ADDED_OUTPUTS.get(body.module)
    names = [str(field["name"]) for field in body.signature["outputs"]]
    return names if added is None else [added.name, *names]


def _check_module(module: str, pool: Pool, context: Context, path: str) -> None:
    allowed = [*BUILT_IN, *pool.spec.modules]
    if module in allowed:
        return
    near = nearest(module, allowed)
    context.error(
        "ModuleNotAllowed",
        f"Pool {pool.name} does not allow the module {module}",
        path=path,
        expected=f"one of {', '.join(allowed)}",
        remedy=f"did you mean {near}?" if near else "add it to the Pool's modules",
    )


def _check_tools(dspy: DspyStep, pool: Pool, context: Context) -> None:
    for index, tool in enumerate(dspy.tools):
        _check_tool(tool, pool, context, f"tools[{index}]")
    if dspy.tools and dspy.module in BUILT_IN and dspy.module != "ReAct":
        context.error(
            "ToolsUnused",
            f"{dspy.module} calls no tools",
            path="tools",
            remedy="use ReAct, or leave tools out",
        )


def _check_tool(tool: str, pool: Pool, context: Context, path: str) -> None:
    known = [each.name for each in pool.spec.tools]
    # One of a server's can be named where the Pool lists it: what else it has shows at its start.
    known += [name for each in pool.spec.tools if each.mcp for name in each.mcp.tools]
    if tool not in known:
        near = nearest(tool, known)
        context.error(
            "ToolNotAllowed",
            f"Pool {pool.name} has no tool {tool}",
            path=path,
            expected=f"one of {', '.join(known)}" if known else None,
            remedy=f"did you mean {near}?" if near else "add it to the Pool's tools",
        )


def _check_names(dspy: DspyStep, signature: Signature, context: Context) -> None:
    react = TAKEN_BY_REACT if dspy.module == "ReAct" else frozenset()
    inputs = [field.name for field in signature.inputs if field.name in TAKEN_INPUTS | react]
    outputs = [field.name for field in signature.outputs if field.name in react]
    for name in (*inputs, *outputs):
        context.error(
            "NameTaken",
            f"DSPy's {dspy.module} takes the name {name} for itself",
            path="signatureRef" if dspy.signature_ref else "signature",
            remedy=f"rename the field {name}",
        )


def _check_config(dspy: DspyStep, pool: Pool | None, context: Context) -> None:
    config = dspy.config or {}
    known = LM_PARAMETERS | MODULE_ARGUMENTS
    for name in config:
        if name not in known:
            near = nearest(name, known)
            context.error(
                "UnknownParameter",
                f"a call's config has no {name}",
                path=f"config.{name}",
                expected=f"one of {', '.join(sorted(known))}",
                remedy=f"did you mean {near}?" if near else "give it in the Pool's model.extra",
            )
    try:
        given = module_arguments({name: config[name] for name in config if name in known})
    except ValueError as error:
        name, _, expected = str(error).partition(" ")
        context.error(
            "WrongValue",
            f"config.{name} is not what the module takes",
            path=f"config.{name}",
            expected=expected.removeprefix("is "),
            found=str(config[name]),
        )
        return
    _check_repeated(dspy, given.reward, pool, context)


def _check_repeated(
    dspy: DspyStep, reward: str | None, pool: Pool | None, context: Context
) -> None:
    """Check the arguments of modules that repeat another."""
    if dspy.module not in BUILT_IN:
        return
    takes = MODULE_TAKES.get(dspy.module, frozenset())
    for name in sorted(REPEATING & set(dspy.config or {}) - takes):
        context.error(
            "ArgumentUnused",
            f"{dspy.module} takes no {name}",
            path=f"config.{name}",
            remedy=f"leave it out, or use {' or '.join(_takers(name))}",
        )
    if dspy.module in REWARDED and reward is None:
        context.error(
            "RewardMissing",
            f"{dspy.module} does not know which attempt is good",
            path="config.reward",
            expected="the name of a tool of the Pool that returns a number",
            remedy="add config: {reward: …}; the tool is given inputs and outputs by name",
        )
    elif reward is not None and pool is not None and "reward" in takes:
        _check_tool(reward, pool, context, "config.reward")


def _takers(name: str) -> list[str]:
    return [module for module, takes in MODULE_TAKES.items() if name in takes]


def _check_demos(
    demos: Sequence[Mapping[str, Any]], signature: Signature, context: Context
) -> None:
    fields = {field.name: field for field in signature.fields}
    for index, demo in enumerate(demos):
        given = [fields[name] for name in demo if name in fields]
        result = Validator(tuple(given)).validate(demo, strict=False)
        for violation in result.violations:
            context.error(
                "DemoInvalid",
                f"the demo does not fit the signature: {violation.message}",
                path=f"demos[{index}].{violation.path}",
                expected=violation.expected,
                found=violation.found,
            )
