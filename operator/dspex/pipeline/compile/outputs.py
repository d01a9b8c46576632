"""Compiles the outputs of a pipeline."""

from collections.abc import Mapping, Sequence

from dspex.api.pipeline import PipelineOutput
from dspex.errors import SignatureError
from dspex.native.expressions import Scope, Variable, references
from dspex.native.field import Field
from dspex.native.signatures import parse_type
from dspex.native.signatures.wire_form import fields_to_wire
from dspex.pipeline.compile.dependencies import steps_named
from dspex.pipeline.compile.typed import check_fits, compile_at
from dspex.pipeline.context import Context
from dspex.pipeline.plan import Output
from dspex.pipeline.scope import may_be_none


def compile_outputs(
    declared: Sequence[PipelineOutput],
    variables: Mapping[str, Variable],
    context: Context,
    broken: frozenset[str],
) -> list[Output] | None:
    """Compile outputs; None where one of them can't be.

    Args:
        declared: As written.
        variables: What they may read: inputs and steps, not finally steps.
        context: The pipeline's.
        broken: Steps that did not compile: what reads them is not reported again.
    """
    scope = Scope(variables)
    compiled = [
        _compile(output, scope, context.at(f"outputs[{index}]"))
        for index, output in enumerate(declared)
        if not steps_named(references(output.value)) & broken
    ]
    whole = [output for output in compiled if output is not None]
    return whole if len(whole) == len(declared) else None


def _compile(declared: PipelineOutput, scope: Scope, context: Context) -> Output | None:
    try:
        type_ = parse_type(declared.type)
    except SignatureError as error:
        context.report_all(error, "type")
        return None
    value = compile_at(declared.value, scope, context, "value")
    if value is None:
        return None
    field = Field(name=declared.name, type=type_)
    if value.unhandled and not may_be_none(type_):
        names = ", ".join(sorted(value.unhandled))
        context.error(
            "MayBeAbsent",
            f"the output {declared.name} reads {names}, which may be absent",
            path="value",
            expected="a value in every run that succeeds",
            remedy=f"write $(coalesce({min(value.unhandled)}, …)) with what stands in for "
            f"it, or let the type allow None: {declared.type} | None",
        )
        return None
    check_fits(value, declared.value, field, context, "value", strict=False)
    return Output(field=fields_to_wire([field])[0], value=declared.value)
