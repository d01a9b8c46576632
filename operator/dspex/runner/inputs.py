"""A run's inputs: those of the order, and the sensitive ones from mounted Secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dspex.native.field import Field
from dspex.native.text_form import value_of_text
from dspex.pipeline.plan import Plan
from dspex.runner.failure import UnfitError
from dspex.runner.order import Order


@dataclass(frozen=True, slots=True)
class Inputs:
    """Values in wire form by name; `sensitive` holds those that may stand nowhere."""

    values: Mapping[str, Any]
    sensitive: Mapping[str, Any]


def read_inputs(plan: Plan, order: Order, folder: Path) -> Inputs:
    """Read the inputs.

    Args:
        plan: Declares their types.
        order: Names them.
        folder: Where the Secrets are mounted.

    Raises:
        UnfitError: A Secret's key is missing, or its text is not of the input's type. Quotes no
            text of a Secret.
    """
    fields = {field.name: field for field in plan.input_fields}
    values = dict(order.inputs)
    sensitive: dict[str, Any] = {}
    for name, source in order.secret_inputs.items():
        text = _text(folder, name, source.file)
        values[name] = _value(fields.get(name), name, source.file, text)
        sensitive[name] = [text, values[name]]
    for name in order.sensitive:
        if name in values and name not in sensitive:
            sensitive[name] = values[name]
    return Inputs(values, sensitive)


def _text(folder: Path, name: str, file: str) -> str:
    try:
        return (folder / file).read_bytes().decode()
    except OSError as error:
        raise UnfitError(
            "InputInvalid",
            f"input {name!r}: {file} can't be read ({error.strerror}): "
            "check the Secret that spec.inputsFrom names",
        ) from error
    except UnicodeDecodeError:
        raise UnfitError(
            "InputInvalid", f"input {name!r}: {file} of its Secret is not UTF-8 text"
        ) from None


def _value(field: Field | None, name: str, file: str, text: str) -> Any:
    if field is None:
        return text
    try:
        return value_of_text(field.type, text)
    except ValueError:
        raise UnfitError(
            "InputInvalid",
            f"input {name!r}: {file} of its Secret is no JSON, which the type {field.type} needs",
        ) from None
