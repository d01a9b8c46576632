"""A step that compares a prediction with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dspex.bridge.protocol import Call
from dspex.errors import InputError, NativeError, Reason
from dspex.native.config import read_config
from dspex.native.field import Field
from dspex.native.metrics import JudgedMetric, metric
from dspex.native.signatures import Signature
from dspex.native.types import ANY, FLOAT, Type
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape
from dspex.pipeline.steps.dspy import DEFAULT_CALL_TIMEOUT, call_timeout

if TYPE_CHECKING:
    from dspex.api.step import MetricStep
    from dspex.pipeline.context import Context

INPUTS = (Field(name="prediction", type=ANY), Field(name="reference", type=ANY))
OUTPUTS = (Field(name="score", type=FLOAT),)


class MetricBody(Body, frozen=True, kw_only=True):
    """The metric and its options; the Pool where a model judges."""

    metric: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    pool: str | None = None
    call_timeout: float | None = None


class MetricKind(Kind["MetricStep", MetricBody]):
    """`metric`: inputs `prediction` and `reference`, output `score`; a judged one has more."""

    name = "metric"
    body_type = MetricBody

    def shape(
        self, spec: MetricStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[MetricBody] | None:
        """Look up the metric, check its options, and its Pool where it needs one."""
        config = dict(spec.config or {})
        try:
            found = metric(spec.name)
        except InputError as error:
            context.report_all(error, "name")
            return None
        try:
            found.check(config)
        except InputError as error:
            context.report_all(error, "config")
            return None
        if isinstance(found, JudgedMetric):
            return _judged(spec, found, config, context)
        if spec.pool_ref is not None:
            context.error(
                "PoolUnused",
                f"{spec.name} asks no model",
                path="poolRef",
                remedy="leave poolRef out",
            )
        body = MetricBody(metric=spec.name, config=config)
        return Shape(body=body, inputs=INPUTS, outputs=OUTPUTS)

    async def execute(
        self, body: MetricBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Compare, or have a worker's model do so."""
        found = metric(body.metric)
        if isinstance(found, JudgedMetric):
            return await _asked(found, body, inputs, attempt)
        score = found.score(inputs["prediction"], inputs["reference"], body.config)
        return Executed(outputs={"score": score})


def _judged(
    spec: MetricStep, found: JudgedMetric, config: dict[str, Any], context: Context
) -> Shape[MetricBody] | None:
    if spec.pool_ref is None:
        context.error(
            "PoolMissing",
            f"{spec.name} asks a model",
            path="poolRef",
            expected="the Pool whose workers ask it",
            remedy="add poolRef: {name: …}",
        )
        return None
    pool = context.pool(spec.pool_ref.name, "poolRef.name")
    body = MetricBody(
        metric=spec.name,
        config=config,
        pool=spec.pool_ref.name,
        call_timeout=call_timeout(pool),
    )
    return Shape(body=body, inputs=found.inputs, outputs=found.outputs)


async def _asked(
    found: JudgedMetric, body: MetricBody, inputs: Mapping[str, Any], attempt: Attempt
) -> Executed:
    if body.pool is None:
        raise NativeError(Reason.METRIC_FAILED, f"the plan names no pool for {body.metric}")
    limit = DEFAULT_CALL_TIMEOUT if body.call_timeout is None else body.call_timeout
    call = Call(
        module=found.module(read_config(found.config, body.config)),
        signature=Signature(found.inputs, found.outputs, found.summary).to_wire(),
        inputs=dict(inputs),
        strict=attempt.strict,
        feedback=list(attempt.feedback),
        key=attempt.key,
        timeout=limit if attempt.timeout is None else min(limit, attempt.timeout),
    )
    answer = await attempt.dispatcher.execute(body.pool, call)
    return Executed(
        outputs=answer.outputs, usage=answer.usage, pool=body.pool, worker=answer.worker
    )
