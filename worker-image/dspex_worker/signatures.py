"""From our signatures to DSPy's, without DSPy's string parser, which imports what it does not know.

The native field travels along in the DSPy field, so that adapters can validate by our rules.
"""

import contextlib
import datetime
import functools
import json
import typing
import warnings
from collections.abc import Iterator
from types import GenericAlias
from typing import Any, Final

import dspy
from pydantic.fields import FieldInfo

from dspex.bridge.protocol.allowed import TAKEN_INPUTS
from dspex.errors import Reason
from dspex.native import types
from dspex.native.field import Constraints, Field
from dspex.native.signatures import Signature
from dspex.native.validation import Validator
from dspex_worker.failures import CallError

NATIVE: Final = "dspex_field"
"""Key of the native field in a DSPy field's `json_schema_extra`."""
MEMO: Final = 256
"""Signatures that are kept ready."""

_SCALARS: Final[dict[str, Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "bytes": bytes,
    "date": datetime.date,
    "datetime": datetime.datetime,
    "None": type(None),
}
_MEDIA: Final[dict[str, Any]] = {
    "Image": dspy.Image,
    "Audio": dspy.Audio,
    "File": dspy.File,
    "History": dspy.History,
    "Tool": dspy.Tool,
}


def python_type(type_: types.Type) -> Any:
    """Return the Python annotation that DSPy is given for a type."""
    match type_:
        case types.Scalar():
            return _SCALARS[type_.name]
        case types.AnyType():
            return Any
        case types.ObjectType():
            return dict[str, Any]
        case types.ListOf():
            return GenericAlias(list, (python_type(type_.item),))
        case types.SetOf():
            return GenericAlias(set, (python_type(type_.item),))
        case types.DictOf():
            return GenericAlias(dict, (python_type(type_.key), python_type(type_.value)))
        case types.TupleOf():
            items = tuple(python_type(item) for item in type_.items)
            return GenericAlias(tuple, (*items, ...) if type_.variadic else items or ((),))
        case types.LiteralOf():
            return typing.cast("Any", typing.Literal)[type_.values]
        case types.UnionOf():
            options = tuple(python_type(option) for option in type_.options)
            return typing.cast("Any", typing.Union)[options]
        case types.Media():
            return _MEDIA[type_.name]


def dspy_signature(signature: Signature) -> type[dspy.Signature]:
    """Return DSPy's form of a signature.

    Raises:
        CallError: RequestRefused where DSPy takes a field's name for itself.
    """
    taken = [field.name for field in signature.inputs if field.name in TAKEN_INPUTS]
    taken += [field.name for field in signature.outputs if field.name == "self"]
    if taken:
        raise CallError(
            Reason.REQUEST_REFUSED,
            f"DSPy takes the name {taken[0]!r} for itself; rename the field",
        )
    fields = {
        field.name: (python_type(field.type), dspy_field(field, make))
        for make, side in (
            (dspy.InputField, signature.inputs),
            (dspy.OutputField, signature.outputs),
        )
        for field in side
    }
    with names_allowed():
        made: type[dspy.Signature] = dspy.Signature(fields, signature.effective_instructions)
    return made


@contextlib.contextmanager
def names_allowed() -> Iterator[None]:
    """Build DSPy signatures without pydantic's warning about names such as `copy` or `schema`.

    Such a field hides a method of pydantic that nobody calls on a signature.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Field name .* shadows an attribute", UserWarning)
        yield


def dspy_field(field: Field, make: Any) -> FieldInfo:
    """Return DSPy's form of a field.

    Args:
        field: The native field.
        make: `dspy.InputField` or `dspy.OutputField`.
    """
    info: FieldInfo = make()
    extra = typing.cast("dict[str, Any]", info.json_schema_extra)
    if field.description:
        extra["desc"] = field.description
    if field.prefix:
        extra["prefix"] = field.prefix
    rules = describe(field.constraints)
    if rules:
        extra["constraints"] = rules
    extra[NATIVE] = field
    return info


def describe(constraints: Constraints) -> str:
    """Say in words what a value must satisfy; DSPy shows it with the field's description."""
    parts = [
        phrase.format(json.loads(value) if name == "enum" else value)
        for name, phrase in _PHRASES.items()
        # A minimum of 0 is one; `uniqueItems: false` is none.
        if (value := getattr(constraints, name)) is not None and value is not False
    ]
    if constraints.items:
        parts.append(f"each item: {describe(constraints.items)}")
    return ", ".join(parts)


_PHRASES: Final = {
    "min_length": "at least {} characters",
    "max_length": "at most {} characters",
    "pattern": "matching the regular expression {}",
    "enum": "one of {}",
    "format": "in the format {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusive_minimum": "more than {}",
    "exclusive_maximum": "less than {}",
    "multiple_of": "a multiple of {}",
    "min_items": "at least {} items",
    "max_items": "at most {} items",
    "unique_items": "no item twice",
    "schema": "fitting the JSON schema {}",
}


def native_field(info: FieldInfo) -> Field | None:
    """Return the native field that a DSPy field was made from, None for one of another origin."""
    field: Any = typing.cast("dict[str, Any]", info.json_schema_extra).get(NATIVE)
    return field if isinstance(field, Field) else None


@functools.lru_cache(MEMO)
def validator(fields: tuple[Field, ...]) -> Validator:
    """Return the validator of some fields."""
    return Validator(fields)
