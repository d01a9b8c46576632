"""From the fields of manifests to fields with types: the same rules for all kinds."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from dspex.api.constraints import Constraints as DeclaredConstraints
from dspex.api.constraints import InputField
from dspex.api.signature import SignatureSpec
from dspex.errors import Diagnostic, InputError, SignatureError
from dspex.native.field import MISSING, NO_CONSTRAINTS, Constraints, Field
from dspex.native.signatures import Signature, constraints_from, parse_type
from dspex.native.signatures.compile import check_field, compile_fields, compile_signature
from dspex.native.signatures.override import FieldOverride

_NOT_CONSTRAINTS = frozenset(["name", "type", "description", "prefix", "default", "sensitive"])


def signature_of(spec: SignatureSpec) -> Signature:
    """Compile the spec of a Signature.

    Raises:
        SignatureError: With all findings; their paths begin below `spec`.
    """
    if spec.signature is None:
        inputs = fields_of(spec.inputs, "inputs")
        outputs = fields_of(spec.outputs, "outputs")
        return compile_fields(inputs, outputs, spec.instructions).signature
    overrides = [
        FieldOverride(
            name=override.name,
            description=override.description,
            prefix=override.prefix,
            constraints=constraints_of(override, f"fields[{index}]"),
        )
        for index, override in enumerate(spec.fields)
    ]
    try:
        compiled = compile_signature(
            spec.signature, instructions=spec.instructions, overrides=tuple(overrides)
        )
    except SignatureError as error:
        raise SignatureError(
            *(
                finding if finding.path else finding.at(path="signature")
                for finding in error.diagnostics
            )
        ) from error
    return compiled.signature


def fields_of(declared: Sequence[InputField], path: str) -> tuple[Field, ...]:
    """Give manifest fields their types.

    Raises:
        SignatureError: With all findings, their paths beginning with `path`.
    """
    findings: list[Diagnostic] = []
    fields: list[Field] = []
    for index, each in enumerate(declared):
        try:
            fields.append(_field_of(each))
        except InputError as error:
            findings.extend(finding.at(path=f"{path}[{index}]") for finding in error.diagnostics)
    if findings:
        raise SignatureError(*findings)
    return tuple(fields)


def _field_of(declared: InputField) -> Field:
    try:
        type_ = parse_type(declared.type)
    except SignatureError as error:
        raise SignatureError(*_below(error.diagnostics, "type")) from error
    field = Field(
        name=declared.name,
        type=type_,
        description=declared.description,
        prefix=getattr(declared, "prefix", ""),
        default=json.dumps(declared.default) if declared.has_default else MISSING,
        constraints=constraints_of(declared, ""),
    )
    findings = check_field(field)
    if findings:
        raise SignatureError(*findings)
    return field


def constraints_of(declared: DeclaredConstraints, path: str) -> Constraints:
    """Take the constraints among a manifest field's properties.

    Raises:
        SignatureError: With all findings, their paths beginning with `path`.
    """
    given: dict[str, Any] = {
        name: value for name, value in declared.to_json().items() if name not in _NOT_CONSTRAINTS
    }
    if not given:
        return NO_CONSTRAINTS
    try:
        return constraints_from(given)
    except SignatureError as error:
        raise SignatureError(*_below(error.diagnostics, path)) from error


def _below(findings: Iterable[Diagnostic], path: str) -> list[Diagnostic]:
    return [finding.at(path=path or None) for finding in findings]
