"""A step that reshapes a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dspex.errors import InputError
from dspex.native.field import Field
from dspex.native.transforms import transform
from dspex.native.types import ANY, Type
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.step import TransformStep
    from dspex.pipeline.context import Context


class TransformBody(Body, frozen=True, kw_only=True):
    """The transform and its options."""

    transform: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class TransformKind(Kind["TransformStep", TransformBody]):
    """`transform`: input `value`, output `result`."""

    name = "transform"
    body_type = TransformBody

    def shape(
        self, spec: TransformStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[TransformBody] | None:
        """Look up the transform, check its options, and let it say its output's type."""
        config = dict(spec.config or {})
        value = inputs.get("value", ANY)
        try:
            result = transform(spec.name).output_type(value, config)
        except InputError as error:
            context.report_all(error)
            return None
        return Shape(
            body=TransformBody(transform=spec.name, config=config),
            inputs=(Field(name="value", type=value),),
            outputs=(Field(name="result", type=result),),
        )

    async def execute(
        self, body: TransformBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Reshape."""
        result = transform(body.transform).apply(inputs["value"], body.config)
        return Executed(outputs={"result": result})
