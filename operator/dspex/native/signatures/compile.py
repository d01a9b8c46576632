"""A signature with all that running it needs, made once for each text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from dspex.errors import Diagnostic, SignatureError
from dspex.native.field import Field
from dspex.native.signatures.override import FieldOverride, with_overrides
from dspex.native.signatures.parser import parse_signature
from dspex.native.signatures.schema import record_schema
from dspex.native.signatures.signature import Signature, from_fields
from dspex.native.validation import Validator
from dspex.native.validation.constraint_findings import check_constraints, check_default

CACHE_SIZE = 1024
"""Signatures that stay compiled."""


@dataclass(frozen=True, eq=False)
class CompiledSignature:
    """A signature whose constraints fit its types, with its schemas and validators.

    They are made when they are first asked for, and then kept: treat the schemas as read-only.
    """

    signature: Signature

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the inputs as one object; those with a default are not required."""
        return record_schema(self.signature.inputs, title="Inputs", lenient=True)

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of the outputs as one object; all are required."""
        return record_schema(
            self.signature.outputs,
            title="Outputs",
            description=self.signature.effective_instructions,
            lenient=False,
        )

    @cached_property
    def input_validator(self) -> Validator:
        """Validator of the inputs."""
        return Validator(self.signature.inputs)

    @cached_property
    def output_validator(self) -> Validator:
        """Validator of the outputs."""
        return Validator(self.signature.outputs)


@lru_cache(maxsize=CACHE_SIZE)
def compile_signature(
    text: str, *, instructions: str = "", overrides: tuple[FieldOverride, ...] = ()
) -> CompiledSignature:
    """Return the compiled signature of a string; memoised.

    Raises:
        SignatureError: The string or an override is wrong; with all findings. Those of the string
            have its text as source, those of overrides paths such as `fields[0].minLength`.
    """
    signature = parse_signature(text)
    if instructions:
        signature = signature.with_instructions(instructions)
    return CompiledSignature(with_overrides(signature, overrides) if overrides else signature)


def compile_fields(
    inputs: Sequence[Field], outputs: Sequence[Field], instructions: str = ""
) -> CompiledSignature:
    """Return the compiled signature of some fields; memoised.

    Raises:
        SignatureError: A name, a constraint or a default is wrong; with all findings, whose paths
            are `inputs[0].minLength` and so on.
    """
    return _compile_fields(tuple(inputs), tuple(outputs), instructions)


@lru_cache(maxsize=CACHE_SIZE)
def _compile_fields(
    inputs: tuple[Field, ...], outputs: tuple[Field, ...], instructions: str
) -> CompiledSignature:
    findings: list[Diagnostic] = []
    try:
        signature = from_fields(inputs, outputs, instructions)
    except SignatureError as error:
        findings += error.diagnostics
    for side, fields in (("inputs", inputs), ("outputs", outputs)):
        for index, field in enumerate(fields):
            findings += [each.at(path=f"{side}[{index}]") for each in check_field(field)]
    if findings:
        raise SignatureError(*findings)
    return CompiledSignature(signature)


def check_field(field: Field) -> tuple[Diagnostic, ...]:
    """Return what is wrong about a field's constraints and default.

    Paths are `default` and the constraints' names. The default is looked at only where the
    constraints are right.
    """
    return check_constraints(field.type, field.constraints) or check_default(field)
