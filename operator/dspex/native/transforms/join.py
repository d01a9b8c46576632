"""join: the items of a list as one text."""

import json
from typing import Any

from dspex.errors import CompileError, Diagnostic
from dspex.native import types
from dspex.native.config import Config
from dspex.native.transforms.base import Transform, failed, kind_of
from dspex.native.transforms.path import follow_or_fail, parse_path, type_at


class JoinConfig(Config):
    """Options of join.

    Attributes:
        separator: Between two items; a line break where it is not given.
        field: Path into each item; without it the item itself.
        prefix: Before each item, such as `- `.
    """

    separator: str = "\n"
    field: str | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        if self.field is not None:
            parse_path(self.field)


class Join(Transform):
    """Writes the items of a list into one text."""

    name = "join"
    summary = "The items of a list as one text; what is no string as compact JSON."
    config = JoinConfig

    def transform(self, value: Any, config: JoinConfig) -> str:
        """Join the items."""
        if not isinstance(value, list):
            raise failed(f"join takes a list, not {kind_of(value)}")
        return config.separator.join(
            config.prefix + _text(_part(item, index, config)) for index, item in enumerate(value)
        )

    def result_type(self, input_type: types.Type, config: JoinConfig) -> types.Type:
        """Return str."""
        match input_type:
            case types.ListOf(item) | types.SetOf(item) | types.TupleOf((item,), True):
                if config.field is not None:
                    type_at(item, config.field)
                return types.STR
            case types.AnyType() | types.UnionOf() | types.TupleOf():
                return types.STR
        raise CompileError(
            Diagnostic(
                code="WrongType",
                message="join takes a list",
                expected="list",
                found=str(input_type),
            )
        )


def _part(item: Any, index: int, config: JoinConfig) -> Any:
    if config.field is None:
        return item
    return follow_or_fail(item, config.field, f"item {index}: ")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
