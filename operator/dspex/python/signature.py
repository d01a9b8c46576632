"""`dspex.signature` and `dspex.compile_signature`."""

import asyncio
import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from dspex.api.constraints import Constraints
from dspex.api.signature import FieldOverride
from dspex.errors import Diagnostic, InputError
from dspex.native.field import Field
from dspex.native.signatures import (
    CompiledSignature,
    Signature,
    compile_fields,
    constraints_to,
    field_to_wire,
)
from dspex.native.signatures import compile_signature as compile_text
from dspex.native.signatures.printing import print_type
from dspex.pipeline.declare import signature_of
from dspex.python.manifest_form import manifest_form
from dspex.python.objects import make_object, read_objects
from dspex.python.places import argument

SignatureLike: TypeAlias = str | Signature | CompiledSignature
"""A signature: as DSPy's string, or as `dspex.signature` or `compile_signature` give it."""

FieldOptions: TypeAlias = str | Mapping[str, Any]
"""What is added to a field: its description, or a mapping such as `{"max_length": 200}`."""

_FIELD: Final = re.compile(r"spec\.fields\[(?P<index>\d+)\]\.?(?P<rest>.*)", re.DOTALL)


def signature(
    text: str, *, instructions: str = "", fields: Mapping[str, FieldOptions] | None = None
) -> Signature:
    """Return the signature of a string; nothing that it names is imported or evaluated.

    Args:
        text: Inputs, `->`, outputs in DSPy's syntax, such as `message -> topic: str`.
        instructions: What the model is to do; empty means DSPy's own sentence.
        fields: By field name what is added: a description, or a mapping with `description`,
            `prefix` and constraints (`min_length`, `maximum`, …; those of the kind Signature).

    Raises:
        InputError: With everything that is wrong, at its place in the string or in `fields`.
    """
    return compile_signature(text, instructions=instructions, fields=fields).signature


def compile_signature(
    text: SignatureLike,
    *,
    instructions: str = "",
    fields: Mapping[str, FieldOptions] | None = None,
) -> CompiledSignature:
    """Return a signature with its JSON Schemas and validators, which are made when asked for.

    Args:
        text: DSPy's string, or a signature; to that nothing can be added.
        instructions: As `signature`.
        fields: As `signature`.

    Raises:
        InputError: As `signature`.
    """
    if isinstance(text, CompiledSignature):
        return text
    if isinstance(text, Signature):
        return compile_fields(text.inputs, text.outputs, text.instructions)
    if not fields:
        with argument("signature"):
            return compile_text(text, instructions=instructions)
    spec = {
        "signature": text,
        "instructions": instructions,
        "fields": [_override(name, options) for name, options in fields.items()],
    }
    try:
        found = read_objects([make_object("Signature", "signature", spec)])
        made = signature_of(found.signatures["signature"].spec)
    except InputError as error:
        raise type(error)(*(_place(each, list(fields)) for each in error.diagnostics)) from None
    return compile_fields(made.inputs, made.outputs, made.instructions)


async def asignature(
    text: str, *, instructions: str = "", fields: Mapping[str, FieldOptions] | None = None
) -> Signature:
    """As `signature`; off the loop."""
    return await asyncio.to_thread(signature, text, instructions=instructions, fields=fields)


async def acompile_signature(
    text: SignatureLike,
    *,
    instructions: str = "",
    fields: Mapping[str, FieldOptions] | None = None,
) -> CompiledSignature:
    """As `compile_signature`; off the loop."""
    return await asyncio.to_thread(
        compile_signature, text, instructions=instructions, fields=fields
    )


def is_inline(given: Signature) -> bool:
    """Say whether the signature's string says all of it."""
    return given == dataclasses.replace(
        given,
        instructions="",
        inputs=tuple(Field(name=field.name, type=field.type) for field in given.inputs),
        outputs=tuple(Field(name=field.name, type=field.type) for field in given.outputs),
    )


def signature_spec(given: Signature) -> dict[str, Any]:
    """Return the spec of the kind Signature that means the same."""
    spec: dict[str, Any] = {
        "inputs": [_declared(field) for field in given.inputs],
        "outputs": [_declared(field) for field in given.outputs],
    }
    if given.instructions:
        spec["instructions"] = given.instructions
    return spec


def _declared(field: Field) -> dict[str, Any]:
    wire = field_to_wire(field)
    wire.pop("constraints", None)
    return {**wire, "type": print_type(field.type), **constraints_to(field.constraints)}


def _override(name: str, options: FieldOptions) -> dict[str, Any]:
    given = {"description": options} if isinstance(options, str) else dict(options)
    written = manifest_form({"name": name, **given}, FieldOverride)
    if "items" in written:
        written["items"] = manifest_form(written["items"], Constraints)
    return dict(written)


def _place(finding: Diagnostic, names: list[str]) -> Diagnostic:
    """Say of a finding which argument it is about: `fields`, by the field's name, or another."""
    path = finding.path or ""
    match = _FIELD.fullmatch(path if path.startswith("spec.") else f"spec.{path}")
    if match is None:
        name = path.removeprefix("spec.").partition(".")[0] or "signature"
        return dataclasses.replace(finding, file=name, subject=None, path=None)
    field = names[int(match["index"])]
    rest = match["rest"]
    path = f"{field}.{rest}" if rest and rest != "name" else field
    return dataclasses.replace(finding, file="fields", subject=None, path=path)
