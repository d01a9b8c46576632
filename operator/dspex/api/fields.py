"""Finding a field of a model by its name in manifests."""

import typing
from collections.abc import Sequence
from types import UnionType

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def field_names(model: type[BaseModel]) -> tuple[str, ...]:
    """List the names of a model's fields as manifests have them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def find_field(model: type[BaseModel], name: str) -> FieldInfo | None:
    """Find a field by its name in manifests, None if there is none."""
    for attribute, field in model.model_fields.items():
        if name == (field.alias or attribute):
            return field
    return None


def inner_model(annotation: object) -> type[BaseModel] | None:
    """Return the model inside Optional, Annotated and tuple; None if there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    origin = typing.get_origin(annotation)
    if origin in (typing.Annotated, typing.Union, UnionType, tuple):
        for argument in typing.get_args(annotation):
            found = inner_model(argument)
            if found is not None:
                return found
    return None


def model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the model that stands at a path of names and indices, None if there is none."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None:
            return None
        if isinstance(part, int):
            continue
        field = find_field(current, part)
        current = inner_model(field.annotation) if field else None
    return current
