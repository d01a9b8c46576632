"""What is allowed but probably not meant: inputs that nothing reads, steps that never run."""

from collections.abc import Mapping, Sequence

from dspex.api.pipeline import PipelineSpec
from dspex.errors import ExpressionError, StepError
from dspex.native.expressions import CompiledValue, Scope, Variable, compile_value, references
from dspex.native.field import Field
from dspex.pipeline.compile.dependencies import step_values, steps_named
from dspex.pipeline.context import Context
from dspex.pipeline.plan import Step


def warn_unused_inputs(inputs: Sequence[Field], spec: PipelineSpec, context: Context) -> None:
    """Report pipeline inputs that no expression reads."""
    values: list[object] = [output.value for output in spec.outputs]
    for step in (*spec.steps, *spec.finally_):
        values.extend(step_values(step))
    try:
        read = {name.split(".")[1] for name in references(values) if name.startswith("inputs.")}
    except ExpressionError:
        # An expression that can't be read was reported; what it reads is not known.
        return
    for index, field in enumerate(inputs):
        if field.name not in read:
            context.warn(
                "UnusedInput",
                f"nothing reads the input {field.name}",
                path=f"inputs[{index}]",
                remedy="read it, or take it out",
            )


def warn_unreached(
    spec: PipelineSpec, steps: Sequence[Step], variables: Mapping[str, Variable], context: Context
) -> None:
    """Report steps that no run can start: their `if` is always false, or they read such a step."""
    places = {step.name: index for index, step in enumerate(spec.steps)}
    never: dict[str, str] = {}
    scope = Scope(variables)
    for step in steps:
        reason = _why_never(step, scope, never)
        if reason is not None:
            never[step.name] = reason
            context.warn(
                "UnreachableStep",
                f"the step {step.name} never runs: {reason}",
                path=f"steps[{places[step.name]}]",
                remedy="take it out, or mend its if",
            )


def _why_never(step: Step, scope: Scope, never: Mapping[str, str]) -> str | None:
    items = step.for_each.items if step.for_each else None
    for text in (step.condition, items):
        if text is not None:
            needed = steps_named(compile_value(text, scope).unhandled) & never.keys()
            if needed:
                return f"it reads {min(needed)}, which never runs"
    if step.condition is not None:
        condition = compile_value(step.condition, scope)
        if not condition.reads and _is_false(condition):
            return "its if is always false"
    if step.for_each is None and step.repeat is None:
        needed = steps_named(compile_value(step.inputs, scope).unhandled) & never.keys()
        if needed:
            return f"it reads {min(needed)}, which never runs"
    return None


def _is_false(constant: CompiledValue) -> bool:
    try:
        return constant.evaluate({}) is False
    except StepError:
        return False
