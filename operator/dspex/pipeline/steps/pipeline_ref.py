"""A step that runs another pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dspex.native.signatures.wire_form import field_from_wire
from dspex.native.types import Type
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.base import ObjectReference
    from dspex.pipeline.context import Context


class PipelineRefBody(Body, frozen=True, kw_only=True):
    """Name of the pipeline, whose plan is part of the plan."""

    name: str


class PipelineRefKind(Kind["ObjectReference", PipelineRefBody]):
    """`pipelineRef`: inputs and outputs are the other pipeline's."""

    name = "pipelineRef"
    body_type = PipelineRefBody
    nests = True

    def shape(
        self, spec: ObjectReference, inputs: Mapping[str, Type], context: Context
    ) -> Shape[PipelineRefBody] | None:
        """Compile the other pipeline."""
        plan = context.pipeline(spec.name, "name")
        if plan is None:
            return None
        return Shape(
            body=PipelineRefBody(name=spec.name),
            inputs=plan.input_fields,
            outputs=tuple(field_from_wire(output.field) for output in plan.outputs),
        )

    async def execute(
        self, body: PipelineRefBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Run it inside the present run."""
        return await attempt.run_pipeline(body.name, inputs, attempt.timeout)
