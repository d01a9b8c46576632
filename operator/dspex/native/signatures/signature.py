"""A signature: typed inputs, typed outputs, and what to do."""

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dspex.errors import Diagnostic, SignatureError
from dspex.native.field import Field
from dspex.native.signatures.names import check_field_name
from dspex.native.signatures.printing import print_fields
from dspex.native.signatures.prompt import default_instructions
from dspex.native.signatures.wire_form import fields_from_wire, fields_to_wire

MAX_FIELDS: Final = 64
"""Fields that a signature may have, inputs and outputs together."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A typed task.

    Attributes:
        inputs: In the author's order.
        outputs: In the author's order.
        instructions: As the author wrote them; empty means DSPy's default text.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    instructions: str = ""

    @property
    def text(self) -> str:
        """The canonical string, such as `a: str, b: int -> c: list[str]`; types always stand."""
        return f"{print_fields(self.inputs)} -> {print_fields(self.outputs)}"

    @property
    def effective_instructions(self) -> str:
        """The instructions as a model sees them, those of DSPy where the author wrote none."""
        if not self.instructions:
            return default_instructions(self.inputs, self.outputs)
        return inspect.cleandoc(self.instructions)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Inputs, then outputs."""
        return self.inputs + self.outputs

    @property
    def digest(self) -> str:
        """`sha256:…` over all that makes two signatures different."""
        text = json.dumps(self.to_wire(), sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form, which `from_wire` reads back to an equal signature."""
        wire: dict[str, Any] = {
            "inputs": fields_to_wire(self.inputs),
            "outputs": fields_to_wire(self.outputs),
        }
        if self.instructions:
            wire["instructions"] = self.instructions
        return wire

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> "Signature":
        """Return the signature of a JSON form.

        Raises:
            SignatureError: The form is not one that `to_wire` writes.
        """
        return from_fields(
            fields_from_wire(wire, "inputs"),
            fields_from_wire(wire, "outputs"),
            str(wire.get("instructions", "")),
        )

    def with_output_prepended(self, field: Field) -> "Signature":
        """Return the signature with one output more, before the others."""
        return dataclasses.replace(self, outputs=(field, *self.outputs))

    def with_output_appended(self, field: Field) -> "Signature":
        """Return the signature with one output more, behind the others."""
        return dataclasses.replace(self, outputs=(*self.outputs, field))

    def with_instructions(self, instructions: str) -> "Signature":
        """Return the signature with other instructions."""
        return dataclasses.replace(self, instructions=instructions)


def from_fields(
    inputs: Sequence[Field], outputs: Sequence[Field], instructions: str = ""
) -> Signature:
    """Return the signature of some fields.

    Raises:
        SignatureError: A name is refused or stands twice, a side is empty, or there are more than
            64 fields; with all findings, whose paths are `inputs[0].name` and so on.
    """
    findings: list[Diagnostic] = []
    seen: set[str] = set()
    for side, fields in (("inputs", inputs), ("outputs", outputs)):
        if not fields:
            findings.append(
                Diagnostic(
                    code="EmptySide",
                    message=f"There are no {side}",
                    path=side,
                    remedy=f"name at least one field in {side}",
                )
            )
        for index, field in enumerate(fields):
            path = f"{side}[{index}].name"
            finding = check_field_name(field.name)
            if finding is not None:
                findings.append(finding.at(path=path))
            elif field.name in seen:
                findings.append(
                    Diagnostic(
                        code="DuplicateField",
                        message=f"There are two fields {field.name!r}",
                        path=path,
                        remedy="rename one",
                    )
                )
            seen.add(field.name)
    if len(inputs) + len(outputs) > MAX_FIELDS:
        findings.append(
            Diagnostic(
                code="TooManyFields",
                message=f"The signature has {len(inputs) + len(outputs)} fields",
                expected=f"{MAX_FIELDS} at most",
                path="outputs",
                remedy="group some in one field of type object",
            )
        )
    if findings:
        raise SignatureError(*findings)
    return Signature(tuple(inputs), tuple(outputs), instructions)
