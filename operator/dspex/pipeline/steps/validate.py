"""A step that checks values and tells what is wrong about them, without failing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dspex.errors import InputError
from dspex.native.field import Constraints, Field
from dspex.native.signatures import constraints_from
from dspex.native.signatures.wire_form import field_from_wire, fields_to_wire
from dspex.native.types import ANY, BOOL, OBJECT, STR, DictOf, ListOf, Type
from dspex.native.validation import Validator, Violation, check_constraints
from dspex.pipeline.steps.base import Attempt, Body, Executed, Kind, Shape

if TYPE_CHECKING:
    from dspex.api.step import ValidateStep
    from dspex.pipeline.context import Context

WHOLE = "value"
"""Name under which a schema's validator sees all inputs as one object."""

OUTPUTS = (
    Field(name="valid", type=BOOL),
    Field(name="violations", type=ListOf(DictOf(STR, ANY))),
)


class ValidateBody(Body, frozen=True, kw_only=True):
    """The fields to check against; with `whole`, one field that takes all inputs together."""

    fields: list[dict[str, Any]]
    whole: bool = False


class ValidateKind(Kind["ValidateStep", ValidateBody]):
    """`validate`: outputs `valid` and `violations` [{path, message, expected, found}]."""

    name = "validate"
    body_type = ValidateBody

    def shape(
        self, spec: ValidateStep, inputs: Mapping[str, Type], context: Context
    ) -> Shape[ValidateBody] | None:
        """Look up what to check against."""
        if spec.signature_ref is not None:
            signature = context.signature(spec.signature_ref.name, "signatureRef.name")
            if signature is None:
                return None
            body = ValidateBody(fields=fields_to_wire(signature.outputs))
            return Shape(body=body, inputs=None, outputs=OUTPUTS)
        try:
            constraints = constraints_from({"schema": spec.schema_})
        except InputError as error:
            context.report_all(error)
            return None
        findings = check_constraints(OBJECT, constraints)
        for finding in findings:
            context.report(finding)
        if findings:
            return None
        return Shape(body=_whole(constraints), inputs=None, outputs=OUTPUTS)

    async def execute(
        self, body: ValidateBody, inputs: Mapping[str, Any], attempt: Attempt
    ) -> Executed:
        """Check."""
        validator = Validator(tuple(field_from_wire(field) for field in body.fields))
        values = {WHOLE: dict(inputs)} if body.whole else inputs
        violations = validator.validate(values, strict=attempt.strict).violations
        found = [_as_data(violation, whole=body.whole) for violation in violations]
        return Executed(outputs={"valid": not found, "violations": found})


def _whole(constraints: Constraints) -> ValidateBody:
    field = Field(name=WHOLE, type=OBJECT, constraints=constraints)
    return ValidateBody(fields=fields_to_wire([field]), whole=True)


def _as_data(violation: Violation, *, whole: bool) -> dict[str, Any]:
    path = violation.path.removeprefix(WHOLE).removeprefix(".") if whole else violation.path
    return {
        "path": path,
        "message": violation.message,
        "expected": violation.expected,
        "found": violation.found,
    }
