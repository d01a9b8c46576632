"""`dspex.validate`."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from dspex.native.validation import Validated
from dspex.native.wire import to_wire
from dspex.python.signature import SignatureLike, compile_signature


def validate(
    data: Mapping[str, Any],
    signature: SignatureLike,
    /,
    *,
    side: Literal["inputs", "outputs"] = "outputs",
    strict: bool = False,
) -> Validated:
    """Check values against one side of a signature; nothing is raised for a wrong value.

    Args:
        data: Values by field name, as Python's objects or in wire form.
        signature: What they are checked against.
        side: Which fields.
        strict: Whether values must have their types exactly, instead of being converted where
            that loses nothing (`"3"` to 3).

    Returns:
        `valid`; `violations`, each with path, message, expected and found; and `values`,
        converted, in wire form, with defaults filled in.

    Raises:
        InputError: The signature is wrong.
    """
    compiled = compile_signature(signature)
    validator = compiled.input_validator if side == "inputs" else compiled.output_validator
    types = {field.name: field.type for field in validator.fields}
    wire = {
        name: to_wire(types[name], value) if name in types else value
        for name, value in data.items()
    }
    return validator.validate(wire, strict=strict)


async def avalidate(
    data: Mapping[str, Any],
    signature: SignatureLike,
    /,
    *,
    side: Literal["inputs", "outputs"] = "outputs",
    strict: bool = False,
) -> Validated:
    """As `validate`; off the loop."""
    return await asyncio.to_thread(validate, data, signature, side=side, strict=strict)
