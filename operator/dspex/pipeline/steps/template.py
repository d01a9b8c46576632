"""A step that renders a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dspex.errors import InputError, nearest
from dspex.native.field import Field
from dspex.native.types import STR, Type
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.step import TemplateStep
    from dspex.pipeline.context import Context


class TemplateBody(Body, frozen=True, kw_only=True):
    """The source, that of a ConfigMap included: the plan stays as it was compiled."""

    source: str


class TemplateKind(Kind["TemplateStep", TemplateBody]):
    """`template`: inputs of any name, output `text`."""

    name = "template"
    body_type = TemplateBody

    def shape(
        self, spec: TemplateStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[TemplateBody] | None:
        """Compile the source, and check that inputs give what it reads."""
        source, path = spec.source, "source"
        if spec.source_from is not None:
            ref, path = spec.source_from.config_map_ref, "sourceFrom.configMapRef"
            source = context.config_map(ref.name, ref.key, path)
        if source is None:
            return None
        from dspex.native.templates import compile_template

        try:
            template = compile_template(source)
        except InputError as error:
            context.report_all(error, path)
            return None
        for name in sorted(template.variables - inputs.keys()):
            near = nearest(name, inputs)
            context.error(
                "UnknownVariable",
                f"the template reads {name}, which the step's inputs do not give",
                path=path,
                expected=f"one of {', '.join(inputs)}" if inputs else "an input of that name",
                remedy=f"did you mean {near}?" if near else f"add {name} to the step's inputs",
            )
        for name in inputs:
            if name not in template.words:
                context.outside().warn(
                    "UnusedInput",
                    f"the template does not read the input {name}",
                    path=f"inputs.{name}",
                )
        body = TemplateBody(source=source)
        return Shape(body=body, inputs=None, outputs=(Field(name="text", type=STR),))

    async def execute(
        self, body: TemplateBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Render."""
        # Here, so that a run without templates never loads their engine.
        from dspex.native.templates import compile_template

        return Executed(outputs={"text": compile_template(body.source).render(inputs)})
