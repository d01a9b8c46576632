"""The rules between fields, asked of a document whether or not its values are right.

pydantic asks them only of objects whose fields are all right, so a wrong value would hide that the
step beside it has two kinds.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dspex.api.base import ApiModel, duplicates, is_nullable
from dspex.api.fields import inner_model
from dspex.api.limits import MAX_STATUS_STEPS
from dspex.api.rule import Broken, broken
from dspex.manifests.nodes import Node
from dspex.manifests.paths import Part


class View:
    """An object of a document, its fields as attributes named as the model names them."""

    def __init__(self, model: type[BaseModel], node: Node) -> None:
        self._model = model
        self._node = node

    def __getattr__(self, name: str) -> Any:
        field = self._model.model_fields.get(name)
        if field is None:
            raise AttributeError(name)
        node = self._node.get(field.alias or name)
        if node is None or _is_absent(node, field):
            return None if field.is_required() else field.get_default(call_default_factory=True)
        model = inner_model(field.annotation)
        if node.items is not None:
            return tuple(_view(model, item) for item in node.items)
        return _view(model, node)


def broken_rules(model: type[BaseModel], root: Node) -> Iterator[tuple[tuple[Part, ...], Broken]]:
    """List the rules that a document breaks anywhere, each with the object's path."""
    pending: list[tuple[tuple[Part, ...], type[BaseModel], Node]] = [((), model, root)]
    while pending:
        parts, current, node = pending.pop()
        if node.fields is None:
            continue
        for each in _ask(current, View(current, node)):
            yield parts, each
        pending.extend(_children(parts, current, node))


def _ask(model: type[BaseModel], view: View) -> list[Broken]:
    found = []
    rules = model.rules if issubclass(model, ApiModel) else ()
    for rule in rules:
        try:
            found += broken((rule,), view)
        except (AttributeError, TypeError):
            # A field that it asks for has a wrong type, which is an error of its own.
            continue
    try:
        return [*found, *duplicates(model, view)]
    except TypeError:
        return found


def _children(
    parts: tuple[Part, ...], model: type[BaseModel], node: Node
) -> Iterator[tuple[tuple[Part, ...], type[BaseModel], Node]]:
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        child, inner = node.get(name), inner_model(field.annotation)
        if child is None or inner is None:
            continue
        if child.items is not None:
            for index, item in enumerate(child.items[:MAX_STATUS_STEPS]):
                yield (*parts, name, index), inner, item
        else:
            yield (*parts, name), inner, child


def _view(model: type[BaseModel] | None, node: Node) -> Any:
    return node.to_json() if model is None or node.fields is None else View(model, node)


def _is_absent(node: Node, field: FieldInfo) -> bool:
    is_null = node.value is None and node.fields is None and node.items is None
    return is_null and not is_nullable(field)
