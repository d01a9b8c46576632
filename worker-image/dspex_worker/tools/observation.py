"""A tool's result as the model is shown it: a JSON value of bounded size."""

import dataclasses
import json
import math
from collections.abc import Mapping, Set
from typing import Any, Final

import pydantic

from dspex_worker.tools.redactor import Redactor, encodable

DEPTH: Final = 32
"""Levels of lists and objects; what is deeper is cut."""
INTEGER: Final = 2**63
"""An integer from here on is shown as text: JSON readers do not agree on it."""

_ELLIPSIS: Final = "…"


def observe(result: Any, limit: int, redactor: Redactor) -> Any:
    """Return what the model is shown of a result.

    A result whose JSON is longer than the limit becomes text: its beginning, and a note that it
    was cut. The work is bounded by the limit, not by the size of the result.

    Args:
        result: Whatever a tool returned.
        limit: Characters at most, of JSON or of text.
        redactor: Takes known secrets out.
    """
    try:
        return _observe(result, limit, redactor)
    except Exception as error:  # noqa: BLE001 an object may raise in its own __str__ or __iter__
        return f"<{type(result).__name__} that can't be shown: {type(error).__name__}>"[:limit]


def _observe(result: Any, limit: int, redactor: Redactor) -> Any:
    if isinstance(result, (str, bytes, bytearray)):
        return _text(_decoded(result), limit, redactor)
    copier = _Copier(limit, redactor)
    copied = copier.copy(result, 0)
    if isinstance(copied, str):
        return _text(copied, limit, redactor)
    text = json.dumps(copied, ensure_ascii=False)
    if len(text) <= limit and not copier.cut:
        return copied
    return _with_note(text, limit, f" {_ELLIPSIS} (cut at {limit} characters)")


def _text(text: str, limit: int, redactor: Redactor) -> str:
    # So much more that no secret is cut in two before it is looked for.
    shown = encodable(redactor.known(text[: limit + redactor.longest]))
    if len(text) <= limit and len(shown) <= limit:
        return shown
    return _with_note(shown, limit, f" {_ELLIPSIS} ({len(text)} characters, cut)")


def _with_note(text: str, limit: int, note: str) -> str:
    return text[: max(0, limit - len(note))] + note[:limit]


def _decoded(result: str | bytes | bytearray) -> str:
    if isinstance(result, str):
        return result
    try:
        return result.decode()
    except UnicodeDecodeError:
        return f"<{len(result)} bytes>"


class _Copier:
    """Copies a value into plain JSON until its characters are used up."""

    def __init__(self, limit: int, redactor: Redactor) -> None:
        self.cut = False
        self._left = limit
        self._redactor = redactor

    def copy(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return self._spend(value, 4)
        if isinstance(value, (int, float)):
            return self._number(value)
        if isinstance(value, (str, bytes, bytearray)):
            return self._string(_decoded(value))
        if isinstance(value, (Mapping, list, tuple, Set)) or _fields(value) is not None:
            return self._container(value, depth)
        return self._string(str(value))

    def _spend(self, value: Any, characters: int) -> Any:
        self._left -= characters
        return value

    def _number(self, value: int | float) -> Any:
        if isinstance(value, int):
            if abs(value) < INTEGER:
                return self._spend(int(value), 1)
            if value.bit_length() > 4 * self._left:
                return self._string(f"an integer of {value.bit_length()} bits")
            return self._string(str(value))
        return self._spend(float(value), 3) if math.isfinite(value) else self._string(str(value))

    def _string(self, text: str) -> str:
        room = max(0, self._left)
        shown = encodable(self._redactor.known(text[: room + self._redactor.longest]))
        if len(text) > room or len(shown) > room:
            self.cut = True
            shown = shown[:room] + _ELLIPSIS
        return str(self._spend(shown, len(shown) + 2))

    def _container(self, value: Any, depth: int) -> Any:
        self._left -= 2
        if depth >= DEPTH:
            self.cut = True
            return _ELLIPSIS
        fields = _fields(value)
        if fields is not None:
            value = fields
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        items = []
        for item in value:
            if self._used_up():
                break
            items.append(self.copy(item, depth + 1))
        return items

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        copied = {}
        for key, item in value.items():
            if self._used_up():
                break
            copied[self._string(str(key))] = self.copy(item, depth + 1)
        return copied

    def _used_up(self) -> bool:
        self._left -= 1
        if self._left <= 0:
            self.cut = True
        return self._left <= 0


def _fields(value: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass or of pydantic's model; None for anything else."""
    if isinstance(value, pydantic.BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None
