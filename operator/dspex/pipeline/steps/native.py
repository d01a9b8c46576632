"""A step that runs an operation of a plug-in in process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dspex.errors import InputError
from dspex.native.operations import execute, operation
from dspex.native.types import Type
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.step import NativeStep
    from dspex.pipeline.context import Context


class NativeBody(Body, frozen=True, kw_only=True):
    """The operation and its options."""

    operation: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class NativeKind(Kind["NativeStep", NativeBody]):
    """`native`: inputs and outputs as the operation declares."""

    name = "native"
    body_type = NativeBody

    def shape(
        self, spec: NativeStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[NativeBody] | None:
        """Look up the operation."""
        config = dict(spec.config or {})
        try:
            found = operation(spec.operation)
            found.check(config)
        except InputError as error:
            context.report_all(error)
            return None
        body = NativeBody(operation=spec.operation, config=config)
        return Shape(body=body, inputs=found.inputs, outputs=found.outputs)

    async def execute(
        self, body: NativeBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Run it; whatever it raises fails the attempt, not the run."""
        outputs = await execute(operation(body.operation), inputs, body.config)
        return Executed(outputs=outputs)
