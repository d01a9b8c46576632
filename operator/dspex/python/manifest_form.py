"""From Python's values and snake_case names to what a manifest holds."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from dspex.api.fields import model_at
from dspex.errors import ConfigurationError, Diagnostic, join_path
from dspex.native.types import ANY
from dspex.native.wire import to_wire
from dspex.python.reference import Reference

_BY_CLASS = (bytes, bytearray, date)


def manifest_form(value: Any, model: type[BaseModel] | None = None, path: str = "") -> Any:
    """Return a value as JSON, the way a manifest holds it.

    References become expressions, dates and bytes their wire form. Where a model of the kinds is
    meant, its fields may be written in snake_case, a reserved word with an underscore behind it
    (`if_`); free JSON keeps its keys.

    Args:
        value: What was given.
        model: The model that it is an object of, or a list of objects; None for free JSON.
        path: Where it stands, for errors.

    Raises:
        ConfigurationError: It holds what JSON can't.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case Reference():
            return str(value)
        case Mapping():
            return _object(value, model, path)
        case list() | tuple():
            return [manifest_form(each, model, f"{path}[{i}]") for i, each in enumerate(value)]
        case set() | frozenset():
            return manifest_form(to_wire(ANY, value), model, path)
        case _ if isinstance(value, _BY_CLASS):
            return to_wire(ANY, value)
    raise ConfigurationError(
        Diagnostic(
            code="InvalidValue",
            message=f"a value of class {type(value).__qualname__} has no place in a manifest",
            expected="text, numbers, booleans, None, lists and mappings of them, bytes, dates",
            found=repr(value)[:80],
            path=path or None,
        )
    )


def _object(value: Mapping[Any, Any], model: type[BaseModel] | None, path: str) -> dict[str, Any]:
    fields = {} if model is None else model.model_fields
    names = {name: field.alias or name for name, field in fields.items()}
    written: dict[str, Any] = {}
    for key, item in value.items():
        name = names.get(str(key), str(key))
        inner = None if model is None else model_at(model, (name,))
        written[name] = manifest_form(item, inner, join_path(path, name) or "")
    return written
