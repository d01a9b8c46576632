"""A plan made runnable: what can't be serialised, built once before a run starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from dspex.native.expressions import CompiledValue, Scope, Variable, compile_value
from dspex.native.field import Field
from dspex.native.signatures.wire_form import field_from_wire
from dspex.native.types import INT, AnyType, Type
from dspex.native.validation import Validator
from dspex.pipeline import scope as names
from dspex.pipeline.plan import Output, Plan, Step
from dspex.pipeline.steps import KINDS
from dspex.pipeline.steps.base import Body, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProgram:
    """A step with its expressions and validators compiled.

    Attributes:
        step: As planned.
        kind: Runs its attempts.
        body: Decoded for the kind.
        inputs: Makes the inputs' values.
        condition: The step's `if`.
        items: The list of its forEach.
        item_type: Static type of that list's items; Any without forEach.
        until: Ends its repeat.
        default: Outputs of `onError: Default`.
        outer_reads: Names that must be present before any item or iteration can run.
        takes: Checks inputs; None where any names and values are taken.
        gives: Checks outputs.
    """

    step: Step
    kind: Kind[Any, Any]
    body: Body
    inputs: CompiledValue
    condition: CompiledValue | None
    items: CompiledValue | None
    item_type: Type
    until: CompiledValue | None
    default: CompiledValue | None
    outer_reads: frozenset[str]
    takes: Validator | None
    gives: Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputProgram:
    """An output of the pipeline: its field and the value that makes it."""

    field: Field
    value: CompiledValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A plan with everything compiled; holds no state of a run, so it may run many times."""

    plan: Plan
    steps: tuple[StepProgram, ...]
    finally_: tuple[StepProgram, ...]
    outputs: tuple[OutputProgram, ...]
    takes: Validator
    gives: Validator
    pipelines: Mapping[str, "Program"]

    @classmethod
    def of(cls, plan: Plan) -> "Program":
        """Compile a plan and the plans of its sub-pipelines."""
        return cls._of(plan, {name: cls._of(sub, {}) for name, sub in plan.pipelines.items()})

    @classmethod
    def _of(cls, plan: Plan, pipelines: Mapping[str, "Program"]) -> "Program":
        variables = {**names.RUN_VARIABLES, **names.input_variables(plan.input_fields)}
        for step in plan.steps:
            variables |= names.step_variables(step)
        late = {**variables, **names.FINALLY_VARIABLES}
        for step in plan.steps:
            late |= names.step_variables(step, in_finally=True)
        for step in plan.finally_:
            late |= names.step_variables(step)
        outputs = tuple(_output(output, Scope(variables)) for output in plan.outputs)
        return cls(
            plan=plan,
            steps=tuple(_step(step, variables) for step in plan.steps),
            finally_=tuple(_step(step, late) for step in plan.finally_),
            outputs=outputs,
            takes=Validator(plan.input_fields),
            gives=Validator(tuple(output.field for output in outputs)),
            pipelines=pipelines,
        )


def _output(output: Output, scope: Scope) -> OutputProgram:
    return OutputProgram(
        field=field_from_wire(output.field), value=compile_value(output.value, scope)
    )


def _step(step: Step, variables: Mapping[str, Variable]) -> StepProgram:
    kind = KINDS[step.kind]
    outer = Scope(variables)
    condition = compile_value(step.condition, outer) if step.condition is not None else None
    items = compile_value(step.for_each.items, outer) if step.for_each else None
    inner = dict(variables)
    until = None
    if items is not None:
        inner |= names.item_variables(items.type)
    if step.repeat is not None:
        inner[names.INDEX] = names.variable(INT)
        own = names.own_variables(step.name, step.outputs, first=False)
        until = compile_value(step.repeat.until, Scope(inner | own))
        inner |= names.own_variables(step.name, step.outputs, first=True)
    scope = Scope(inner)
    inputs = compile_value(step.inputs, scope)
    own_prefix = f"steps.{step.name}."
    return StepProgram(
        step=step,
        kind=kind,
        body=msgspec.convert(step.body, kind.body_type),
        inputs=inputs,
        condition=condition,
        items=items,
        item_type=names.item_type(items.type) if items is not None else AnyType(),
        until=until,
        default=compile_value(step.default, scope) if step.default is not None else None,
        outer_reads=frozenset(
            name
            for name in inputs.unhandled | (until.unhandled if until is not None else frozenset())
            if name.startswith(("inputs.", "steps.")) and not name.startswith(own_prefix)
        ),
        takes=_validator(step.input_fields),
        gives=Validator(step.outputs),
    )


def _validator(fields: list[dict[str, Any]] | None) -> Validator | None:
    if fields is None:
        return None
    return Validator(tuple(field_from_wire(field) for field in fields))
