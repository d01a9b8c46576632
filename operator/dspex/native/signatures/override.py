"""What a Signature's `fields` list adds to the fields of its string."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from dspex.errors import Diagnostic, SignatureError, nearest
from dspex.native.field import NO_CONSTRAINTS, Constraints, Field
from dspex.native.signatures.signature import Signature
from dspex.native.validation.constraint_findings import check_constraints


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOverride:
    """Words and constraints for one field of a signature string.

    Attributes:
        name: The field's name.
        description: DSPy's `desc`; empty leaves the default.
        prefix: DSPy's prefix; empty leaves the default.
        constraints: What the field's values must satisfy.
    """

    name: str
    description: str = ""
    prefix: str = ""
    constraints: Constraints = NO_CONSTRAINTS


def with_overrides(signature: Signature, overrides: Sequence[FieldOverride]) -> Signature:
    """Return the signature with the overrides in its fields.

    Raises:
        SignatureError: An override names no field, a field twice, or has constraints that do not
            fit the field's type; with all findings, whose paths are `fields[0].name` and so on.
    """
    fields = {field.name: field for field in signature.fields}
    findings: list[Diagnostic] = []
    seen: set[str] = set()
    for index, override in enumerate(overrides):
        path = f"fields[{index}]"
        field = fields.get(override.name)
        if field is None:
            findings.append(_no_field(override.name, fields, f"{path}.name"))
        elif override.name in seen:
            findings.append(
                Diagnostic(
                    code="DuplicateField",
                    message=f"There are two entries for the field {override.name!r}",
                    path=f"{path}.name",
                    remedy="put them together",
                )
            )
        else:
            seen.add(override.name)
            misfits = check_constraints(field.type, override.constraints)
            findings += [finding.at(path=path) for finding in misfits]
            fields[override.name] = _merge(field, override)
    if findings:
        raise SignatureError(*findings)
    return dataclasses.replace(
        signature,
        inputs=tuple(fields[field.name] for field in signature.inputs),
        outputs=tuple(fields[field.name] for field in signature.outputs),
    )


def _merge(field: Field, override: FieldOverride) -> Field:
    return dataclasses.replace(
        field,
        description=override.description or field.description,
        prefix=override.prefix or field.prefix,
        constraints=override.constraints or field.constraints,
    )


def _no_field(name: str, known: dict[str, Field], path: str) -> Diagnostic:
    near = nearest(name, known)
    return Diagnostic(
        code="UnknownField",
        message=f"The signature has no field {name!r}",
        expected=", ".join(known),
        remedy=f"write {near}" if near else "add the field to the signature, or take this out",
        path=path,
    )
