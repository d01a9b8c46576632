"""The canonical spelling of fields and their types."""

from collections.abc import Iterable

from dspex.native.field import Field
from dspex.native.types import NONE, Type


def print_type(type_: Type) -> str:
    """Return a field's type as a signature's string spells it."""
    if type_ == NONE:
        return "NoneType"  # DSPy reads None alone as str
    # DSPy cuts the string at every arrow, those inside constants too; \x3e is the same character.
    return str(type_).replace("->", "-\\x3e")


def print_fields(fields: Iterable[Field]) -> str:
    """Return `name: type, name: type`."""
    return ", ".join(f"{field.name}: {print_type(field.type)}" for field in fields)
