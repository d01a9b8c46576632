"""Paths into a value: `name`, `items[0].score`."""

import re
from functools import lru_cache
from typing import Any

from dspex.errors import CompileError, Diagnostic, nearest
from dspex.native import types
from dspex.native.transforms.base import failed, kind_of

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
