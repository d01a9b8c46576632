"""Values between their wire form and what DSPy holds; media become DSPy's own classes."""

from collections.abc import Callable
from typing import Any, Final

import dspy
import pydantic

from dspex.native import types, wire
from dspex_worker.tools import ToolBox


def to_python(type_: types.Type, value: Any, tools: ToolBox | None = None) -> Any:
    """Return DSPy's value of a wire value that fits its type.

    Args:
        type_: The value's type.
        value: Its wire form, as a validator has passed it.
        tools: Where a value of type Tool is looked up.

    Raises:
        CallError: RequestRefused for a tool that the Pool does not have.
    """
    if not has_media(type_):
        return wire.from_wire(type_, value)
    match type_:
        case types.Media():
            if type_.name == "Tool":
                return tools.pick([value["name"]])[0] if tools else value
            return _MEDIA[type_.name](value)
        case types.ListOf():
            return [to_python(type_.item, item, tools) for item in value]
        case types.DictOf():
            return {
                wire.from_wire(type_.key, key): to_python(type_.value, item, tools)
                for key, item in value.items()
            }
        case types.TupleOf():
            kinds = type_.items * len(value) if type_.variadic else type_.items
            pairs = zip(kinds, value, strict=True)
            return tuple(to_python(kind, item, tools) for kind, item in pairs)
        case types.UnionOf():
            # A medium is the only option whose wire form is an object, in all but odd unions.
            media = isinstance(value, dict)
            options = [each for each in type_.options if has_media(each) == media]
            return to_python(options[0], value, tools) if options else value
        case _:
            return value


# None of these reads a file or fetches a URL.
_MEDIA: Final[dict[str, Callable[[Any], Any]]] = {
    "Image": lambda value: dspy.Image(value["url"]),
    "Audio": lambda value: dspy.Audio(data=value["data"], audio_format=value["audio_format"]),
    "File": lambda value: dspy.File(**value),
    "History": lambda value: dspy.History(messages=value["messages"]),
}


def to_wire(type_: types.Type, value: Any) -> Any:
    """Return the wire value of a Python one; what does not fit is left for validation."""
    return wire.to_wire(type_, _plain(value))


def _plain(value: Any) -> Any:
    """Return a value with pydantic's objects, which DSPy's media are, as dicts at any depth."""
    if isinstance(value, pydantic.BaseModel):
        # A model's own serializer may write it as text for a prompt.
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return {name: _plain(item) for name, item in fields.items() if item is not None}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value


def has_media(type_: types.Type) -> bool:
    """Say whether values of a type hold one of DSPy's own types."""
    match type_:
        case types.Media():
            return True
        case types.ListOf() | types.SetOf():
            return has_media(type_.item)
        case types.DictOf():
            return has_media(type_.value)
        case types.TupleOf():
            return any(has_media(item) for item in type_.items)
        case types.UnionOf():
            return any(has_media(option) for option in type_.options)
        case _:
            return False
