"""Paths into a value: `name`, `items[0].score`."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from dspex.errors import CompileError, Diagnostic, nearest
from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import failed

_PART = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")
_WHOLE = re.compile(r"(?:[^.\[\]]+|\[-?\d+\])(?:\.[^.\[\]]+|\[-?\d+\])*")


@lru_cache(maxsize=1024)
def parse_path(path: str) -> tuple[str | int, ...]:
    """Take a path apart: names, and positions in lists, negative ones from the end.

    Raises:
        CompileError: It is no path.
    """
    if _WHOLE.fullmatch(path) is None:
        raise CompileError(
            Diagnostic(
                code="WrongPath",
                message=f"'{path}' is no path into a value",
                expected="names and positions such as name or items[0].score",
            )
        )
    return tuple(name or int(position) for name, position in _PART.findall(path))


class FieldConfig(Config):
    """Options of a transform that looks at one value of each item.

    Attributes:
        field: Path into each item; without it the item itself.
    """

    field: str | None = None

    def __post_init__(self) -> None:
        if self.field is not None:
            parse_path(self.field)


class NotThereError(Exception):
    """A path leads nowhere; the text says where it ends."""


def follow(value: Any, path: str) -> Any:
    """Return what stands at the end of a path.

    Raises:
        NotThereError: There is nothing.
    """
    current = value
    for part in parse_path(path):
        current = _step(current, part)
    return current


def follow_or_fail(value: Any, path: str, where: str = "") -> Any:
    """Return what stands at the end of a path, or fail with `TransformFailed`."""
    try:
        return follow(value, path)
    except NotThereError as error:
        raise failed(f"{where}{error}") from None


def values_at(items: Sequence[Any], path: str | None) -> list[Any]:
    """Return what stands at the end of a path in each item; without a path the items.

    Raises:
        NativeError: `TransformFailed`, naming the item in which there is nothing.
    """
    if path is None:
        return list(items)
    return [follow_or_fail(item, path, f"item {index}: ") for index, item in enumerate(items)]


def _step(value: Any, part: str | int) -> Any:
    if isinstance(part, int):
        if not isinstance(value, list):
            raise NotThereError(f"[{part}] of {kind_of(value)}: only a list has positions")
        if not -len(value) <= part < len(value):
            raise NotThereError(f"[{part}] is outside of a list of {len(value)}")
        return value[part]
    if not isinstance(value, dict):
        raise NotThereError(f"'{part}' of {kind_of(value)}: only an object has fields")
    if part not in value:
        near = nearest(part, value)
        hint = f"; did you mean '{near}'?" if near else ""
        raise NotThereError(f"there is no field '{part}'{hint}")
    return value[part]


def type_at(type_: types.Type, path: str) -> types.Type:
    """Return the type of what stands at the end of a path; `Any` where it can't be told.

    Raises:
        CompileError: A value of the type has no such part.
    """
    current = type_
    for part in parse_path(path):
        current = _type_step(current, part, path)
    return current


def type_of_each(item: types.Type, path: str | None) -> types.Type:
    """Return the type of what `values_at` returns; raises what `type_at` raises."""
    return item if path is None else type_at(item, path)


def _type_step(type_: types.Type, part: str | int, path: str) -> types.Type:
    match type_:
        case types.AnyType() | types.ObjectType() | types.UnionOf() | types.Media():
            return types.ANY
        case types.DictOf(_, value) if isinstance(part, str):
            return value
        case types.ListOf(item) | types.SetOf(item) if isinstance(part, int):
            return item
        case types.TupleOf() if isinstance(part, int):
            return types.ANY
    raise CompileError(
        Diagnostic(
            code="WrongType",
            message=f"the path '{path}' does not fit a value of type {type_}",
        )
    )
