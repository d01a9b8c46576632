"""Which names an expression may read, with their types and values.

One rule for compiler and engine: what the one declares, the other binds.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dspex.native.expressions import Variable
from dspex.native.field import Field
from dspex.native.types import (
    DATETIME,
    INT,
    STR,
    AnyType,
    DictOf,
    ListOf,
    Type,
    is_optional,
    without_none,
)
from dspex.pipeline.plan import Step
from dspex.pipeline.record import StepRecord

RUN_VARIABLES: Final[Mapping[str, Variable]] = {
    "run.name": Variable(STR, may_be_absent=False),
    "run.namespace": Variable(STR, may_be_absent=False),
    "run.pipeline": Variable(STR, may_be_absent=False),
    "run.startTime": Variable(DATETIME, may_be_absent=False),
}
FINALLY_VARIABLES: Final[Mapping[str, Variable]] = {
    "run.state": Variable(STR, may_be_absent=False),
    "run.reason": Variable(STR, may_be_absent=False),
}
"""Only `finally` steps can know how the steps ended."""

INDEX: Final = "index"
ITEM: Final = "item"


def may_be_none(type_: Type) -> bool:
    """Say whether a value counts as absent when it is None: Any may hold null as a value."""
    return is_optional(type_) and not isinstance(type_, AnyType)


def variable(type_: Type, *, may_be_absent: bool = False) -> Variable:
    """Declare a name of a type; an optional one is declared without None, and may be absent."""
    return Variable(without_none(type_), may_be_absent=may_be_absent or may_be_none(type_))


def input_variables(fields: Iterable[Field]) -> dict[str, Variable]:
    """Declare `inputs.<name>` for a pipeline's inputs."""
    return {f"inputs.{field.name}": variable(field.type) for field in fields}


def step_variables(step: Step, *, in_finally: bool = False) -> dict[str, Variable]:
    """Declare what other steps may read of a step: outputs, state, reason, error, usage.

    Args:
        step: The compiled step.
        in_finally: Whether a finally step reads it: then every output may be absent.
    """
    prefix = f"steps.{step.name}"
    absent = step.may_be_absent or in_finally
    declared = {
        f"{prefix}.state": variable(STR),
        f"{prefix}.reason": variable(STR),
        f"{prefix}.error": variable(STR),
        f"{prefix}.usage": variable(DictOf(STR, INT)),
    }
    for field in step.outputs:
        type_ = ListOf(field.type) if step.for_each else field.type
        declared[f"{prefix}.outputs.{field.name}"] = variable(type_, may_be_absent=absent)
    if step.for_each:
        declared[f"{prefix}.indices"] = variable(ListOf(INT), may_be_absent=absent)
    return declared


def own_variables(step_name: str, outputs: Iterable[Field], *, first: bool) -> dict[str, Variable]:
    """Declare a repeated step's own outputs.

    Args:
        step_name: The step.
        outputs: Its output fields.
        first: Whether the first iteration reads them too, which has none yet (`inputs`), or only
            an iteration that ended does (`until`).
    """
    return {
        f"steps.{step_name}.outputs.{field.name}": variable(field.type, may_be_absent=first)
        for field in outputs
    }


def item_type(items: Type) -> Type:
    """Return the type of a list's items; Any where it is not known."""
    return items.item if isinstance(items, ListOf) else AnyType()


def item_variables(items: Type) -> dict[str, Variable]:
    """Declare `item` and `index` for the items of a list of this type."""
    return {ITEM: variable(item_type(items)), INDEX: variable(INT)}


def is_absent(type_: Type, value: object) -> bool:
    """Say whether a value is one that no expression may read: None where None means absent."""
    return value is None and may_be_none(type_)


def bind_inputs(fields: Iterable[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Bind `inputs.<name>` to the values that are present."""
    return {
        f"inputs.{field.name}": values[field.name]
        for field in fields
        if field.name in values and not is_absent(field.type, values[field.name])
    }


def bind_item(type_: Type, index: int, item: object) -> dict[str, Any]:
    """Bind `item` and `index`."""
    return {INDEX: index} if is_absent(type_, item) else {INDEX: index, ITEM: item}


def bind_outputs(step: Step, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Bind `steps.<name>.outputs.<field>` to one execution's outputs, or to a forEach's lists."""
    return {
        f"steps.{step.name}.outputs.{field.name}": outputs[field.name]
        for field in step.outputs
        if field.name in outputs
        and (step.for_each is not None or not is_absent(field.type, outputs[field.name]))
    }


def bind_record(step: Step, record: StepRecord) -> dict[str, Any]:
    """Bind all that other steps may read of a step that ended."""
    prefix = f"steps.{step.name}"
    usage = record.usage
    bound: dict[str, Any] = {
        f"{prefix}.state": str(record.state),
        f"{prefix}.reason": record.reason,
        f"{prefix}.error": record.error.message if record.error else "",
        f"{prefix}.usage": {
            "calls": usage.calls,
            "promptTokens": usage.prompt_tokens,
            "completionTokens": usage.completion_tokens,
            "totalTokens": usage.total_tokens,
        },
    }
    if record.outputs is not None:
        bound |= bind_outputs(step, record.outputs)
    if record.indices is not None:
        bound[f"{prefix}.indices"] = list(record.indices)
    return bound
