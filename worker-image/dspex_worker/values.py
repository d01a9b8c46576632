"""Values between their wire form and what DSPy holds; media become DSPy's own classes."""

from collections.abc import Mapping
from typing import Any

import dspy

from dspex.native import types, wire


def to_python(type_: types.Type, value: Any) -> Any:
    """Return DSPy's value of a wire value that fits its type."""
    if not _has_media(type_):
        return wire.from_wire(type_, value)
    match type_:
        case types.Media():
            return _media(type_.name, value)
        case types.ListOf():
            return [to_python(type_.item, item) for item in value]
        case types.DictOf():
            return {
                wire.from_wire(type_.key, key): to_python(type_.value, item)
                for key, item in value.items()
            }
        case types.TupleOf():
            kinds = type_.items * len(value) if type_.variadic else type_.items
            return tuple(to_python(kind, item) for kind, item in zip(kinds, value, strict=True))
        case types.UnionOf():
            kind = next(
                (
                    option
                    for option in type_.options
                    if isinstance(option, types.Media) == isinstance(value, dict)
                    and (option == types.NONE) == (value is None)
                ),
                types.ANY,
            )
            return to_python(kind, value)
        case _:
            return value


def to_wire(type_: types.Type, value: Any) -> Any:
    """Return the wire value of a Python one; what does not fit is left for validation."""
    if hasattr(value, "model_dump") and not _is_native(value):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(type_, types.ListOf) and _has_media(type_) and isinstance(value, list):
        return [to_wire(type_.item, item) for item in value]
    try:
        return wire.to_wire(type_, value)
    except (TypeError, ValueError):
        return value


def _is_native(value: Any) -> bool:
    return isinstance(value, Mapping)


def _has_media(type_: types.Type) -> bool:
    match type_:
        case types.Media():
            return True
        case types.ListOf() | types.SetOf():
            return _has_media(type_.item)
        case types.DictOf():
            return _has_media(type_.value)
        case types.TupleOf():
            return any(_has_media(item) for item in type_.items)
        case types.UnionOf():
            return any(_has_media(option) for option in type_.options)
        case _:
            return False


def _media(name: types.MediaName, value: Any) -> Any:
    """Return DSPy's object of a medium; none of these reads a file or fetches a URL."""
    match name:
        case "Image":
            return dspy.Image(value["url"])
        case "Audio":
            return dspy.Audio(data=value["data"], audio_format=value["audio_format"])
        case "File":
            return dspy.File(**value)
        case "History":
            return dspy.History(messages=value["messages"])
        case _:
            return value
