"""A step that compares a prediction with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dspex.errors import InputError
from dspex.native.field import Field
from dspex.native.metrics import metric
from dspex.native.types import ANY, FLOAT, Type
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.step import MetricStep
    from dspex.pipeline.context import Context

INPUTS = (Field(name="prediction", type=ANY), Field(name="reference", type=ANY))
OUTPUTS = (Field(name="score", type=FLOAT),)


class MetricBody(Body, frozen=True, kw_only=True):
    """The metric and its options."""

    metric: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class MetricKind(Kind["MetricStep", MetricBody]):
    """`metric`: inputs `prediction` and `reference`, output `score`."""

    name = "metric"
    body_type = MetricBody

    def shape(
        self, spec: MetricStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[MetricBody] | None:
        """Look up the metric and check its options."""
        config = dict(spec.config or {})
        try:
            metric(spec.name).check(config)
        except InputError as error:
            context.report_all(error)
            return None
        body = MetricBody(metric=spec.name, config=config)
        return Shape(body=body, inputs=INPUTS, outputs=OUTPUTS)

    async def execute(
        self, body: MetricBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Compare."""
        score = metric(body.metric).score(inputs["prediction"], inputs["reference"], body.config)
        return Executed(outputs={"score": score})
