"""Checks what a pipeline's triggers give their runs; nothing of it gets into the plan.

So a change of a trigger alone changes no digest, and starts no run by itself.
"""

from collections.abc import Mapping

from dspex.api.pipeline import PipelineSpec
from dspex.api.trigger import RunTemplate, Trigger
from dspex.errors import InputError, nearest
from dspex.native.expressions import Scope
from dspex.native.field import MISSING, Field
from dspex.pipeline.compile.typed import check_fits, compile_at
from dspex.pipeline.context import Context
from dspex.pipeline.declare import fields_of
from dspex.pipeline.scope import may_be_none
from dspex.pipeline.trigger import trigger_variables


def compile_triggers(spec: PipelineSpec, context: Context) -> None:
    """Report inputs of triggers' runs that the pipeline does not take, or lacks.

    Args:
        spec: The pipeline; what is wrong about its inputs themselves is not said again.
        context: The pipeline's.
    """
    try:
        fields = {field.name: field for field in fields_of(spec.inputs, "inputs")}
    except InputError:
        return
    sensitive = {each.name for each in spec.inputs if each.sensitive}
    for index, trigger in enumerate(spec.triggers):
        inside = context.at(f"triggers[{index}].runTemplate")
        _check_given(trigger, fields, sensitive, inside)
        _check_missing(trigger.run_template or RunTemplate(), fields, sensitive, inside)


def _check_given(
    trigger: Trigger, fields: Mapping[str, Field], sensitive: set[str], context: Context
) -> None:
    template = trigger.run_template
    scope = Scope(trigger_variables(trigger))
    for name, raw in ((template and template.inputs) or {}).items():
        path = f"inputs.{name}"
        if name not in fields:
            near = nearest(name, fields)
            context.error(
                "UnknownInput",
                f"the pipeline takes no input {name}",
                path=path,
                expected=f"one of {', '.join(fields)}" if fields else "no inputs",
                remedy=f"did you mean {near}?" if near else "take it out",
            )
            continue
        if name in sensitive:
            context.error(
                "SensitiveInput",
                f"input {name} is sensitive, and stands here for everybody to read",
                path=path,
                expected="a key of a Secret",
                remedy=f"put it into a Secret under the key {name}, and name that in inputsFrom",
            )
        value = compile_at(raw, scope, context, path)
        if value is not None:
            check_fits(value, raw, fields[name], context, path, strict=False)


def _check_missing(
    template: RunTemplate, fields: Mapping[str, Field], sensitive: set[str], context: Context
) -> None:
    # Which keys a Secret or a ConfigMap has is known when a run starts.
    if template.inputs_from:
        return
    for name, field in fields.items():
        if name in (template.inputs or {}) or not _is_required(field):
            continue
        where = "a Secret that inputsFrom names" if name in sensitive else "inputs"
        context.error(
            "MissingInput",
            f"a run needs the input {name}: {field.type}",
            path="inputs",
            remedy=f"add {name} to {where}, or give the pipeline's input a default",
        )


def _is_required(field: Field) -> bool:
    return field.default is MISSING and not may_be_none(field.type)
