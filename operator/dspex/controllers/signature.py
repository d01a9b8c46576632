"""Signatures: parsed, with the canonical form in status; or Stalled, with the fault's place."""

import datetime
import json
from typing import Any

from dspex.api.limits import MAX_JSON
from dspex.api.signature import Signature
from dspex.controllers import outcome
from dspex.controllers.decision import Decision, Object
from dspex.controllers.judge import judge
from dspex.controllers.world import World
from dspex.errors import ConditionReason, SignatureError
from dspex.kube.kind import SIGNATURE
from dspex.native.field import Field
from dspex.native.signatures import Signature as Compiled
from dspex.native.signatures import compile_fields, constraints_to
from dspex.pipeline.declare import signature_of


def decide(item: Object, world: World, now: datetime.datetime) -> Decision:
    """Parse a Signature."""
    metadata = item["metadata"]
    model = world.model(SIGNATURE, metadata["namespace"], metadata["name"])
    understood: Object = {}
    if not isinstance(model, Signature):
        conditions = outcome.stalled(item, judge(item)[1], now)
    else:
        try:
            understood = describe(signature_of(model.spec))
            conditions = outcome.ready(item, ConditionReason.PARSED, understood["signature"], now)
        except SignatureError as error:
            found = [each.at(path="spec") for each in error.diagnostics]
            conditions = outcome.stalled(item, found, now)
    status = {
        "observedGeneration": metadata["generation"],
        "conditions": conditions,
        **understood,
    }
    return Decision(status=status, notes=outcome.transition(item, conditions))


def describe(signature: Compiled) -> dict[str, Any]:
    """Return what status says of a signature; a schema that is too large for it is left out."""
    compiled = compile_fields(signature.inputs, signature.outputs, signature.instructions)
    schemas = {"inputSchema": compiled.input_schema, "outputSchema": compiled.output_schema}
    return {
        "signature": signature.text,
        "inputs": [_field(each) for each in signature.inputs],
        "outputs": [_field(each) for each in signature.outputs],
        **{name: schema for name, schema in schemas.items() if _fits(schema)},
        "digest": signature.digest,
    }


def _field(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"name": field.name, "type": str(field.type)}
    if field.description:
        described["description"] = field.description
    if field.prefix:
        described["prefix"] = field.prefix
    if isinstance(field.default, str):
        described["default"] = json.loads(field.default)
    return described | constraints_to(field.constraints)


def _fits(schema: dict[str, Any]) -> bool:
    return len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False).encode()) <= MAX_JSON
