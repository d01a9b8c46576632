"""Fields as JSON, for calls to workers, plans and digests."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dspex.errors import Diagnostic, SignatureError
from dspex.native.field import MISSING, NO_CONSTRAINTS, Field
from dspex.native.signatures.constraints import constraints_from, constraints_to
from dspex.native.signatures.type_parser import parse_type


def fields_to_wire(fields: Iterable[Field]) -> list[dict[str, Any]]:
    """Return the fields' JSON forms; what is not set is left out."""
    return [field_to_wire(field) for field in fields]


def field_to_wire(field: Field) -> dict[str, Any]:
    """Return a field's JSON form; what is not set is left out."""
    wire: dict[str, Any] = {"name": field.name, "type": str(field.type)}
    if field.description:
        wire["description"] = field.description
    if field.prefix:
        wire["prefix"] = field.prefix
    if isinstance(field.default, str):
        wire["default"] = json.loads(field.default)
    if field.constraints:
        wire["constraints"] = constraints_to(field.constraints)
    return wire


def fields_from_wire(wire: Mapping[str, Any], side: str) -> list[Field]:
    """Return the fields of one side of a signature's JSON form.

    Raises:
        SignatureError: They are no list of objects with a name and a type.
    """
    try:
        return [field_from_wire(item) for item in wire[side]]
    except (KeyError, TypeError, AttributeError) as error:
        raise SignatureError(
            Diagnostic(
                code="NotASignature",
                message=f"{side} is no list of fields with name and type",
                found=f"{type(error).__name__}: {error}",
                path=side,
            )
        ) from error


def field_from_wire(wire: Mapping[str, Any]) -> Field:
    """Return the field of a JSON form that `fields_to_wire` wrote."""
    constraints = wire.get("constraints")
    return Field(
        name=str(wire["name"]),
        type=parse_type(wire["type"]),
        description=str(wire.get("description", "")),
        prefix=str(wire.get("prefix", "")),
        default=json.dumps(wire["default"]) if "default" in wire else MISSING,
        constraints=constraints_from(constraints) if constraints else NO_CONSTRAINTS,
    )
