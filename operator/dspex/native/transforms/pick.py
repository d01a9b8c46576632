"""pick: parts of an object, or of each object of a list."""

from typing import Any

import msgspec

from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed
from dspex.native.transforms.path import (
    NotThereError,
    follow,
    follow_or_fail,
    parse_path,
    type_at,
)


class PickConfig(Config):
    """Options of pick: exactly one of `field` and `fields`.

    Attributes:
        field: Path of the one value to take, such as `name` or `items[0].score`.
        fields: Paths of the values to take into a new object, each under its path's last name.
        default: Taken where there is nothing at a path; without it the step fails.
    """

    field: str | None = None
    fields: list[str] | None = None
    default: Any = msgspec.UNSET

    def __post_init__(self) -> None:
        if (self.field is None) == (not self.fields):
            raise ValueError("pick takes exactly one of field and fields")
        for path in self.fields or [self.field or ""]:
            parse_path(path)
        names = [_last_name(path) for path in self.fields or ()]
        if len(set(names)) < len(names):
            raise ValueError("two of fields end in the same name")


class Pick(Transform):
    """Takes one value, or some into a new object; of a list from each item."""

    name = "pick"
    summary = "The value at a path (field), or an object of some (fields); of a list for each item."
    config = PickConfig

    def transform(self, value: Any, config: PickConfig) -> Any:
        """Pick from the value, or from each item where it is a list."""
        if isinstance(value, list) and not _begins_with_position(config):
            return [_pick(item, config, f"item {index}: ") for index, item in enumerate(value)]
        return _pick(value, config, "")

    def result_type(self, input_type: types.Type, config: PickConfig) -> types.Type:
        """Return the picked part's type, in a list where the input is one."""
        if _begins_with_position(config):
            return _picked_type(input_type, config)
        match input_type:
            case types.ListOf(item) | types.SetOf(item) | types.TupleOf((item,), True):
                return types.ListOf(_picked_type(item, config))
            case types.AnyType() | types.UnionOf() | types.TupleOf():
                return types.ANY
            case _:
                return _picked_type(input_type, config)


def _begins_with_position(config: PickConfig) -> bool:
    paths = config.fields or [config.field or ""]
    return isinstance(parse_path(paths[0])[0], int)


def _pick(value: Any, config: PickConfig, where: str) -> Any:
    if not isinstance(value, dict | list):
        raise failed(f"{where}pick takes an object, not {kind_of(value)}")
    if config.field is not None:
        return _at(value, config.field, config, where)
    return {_last_name(path): _at(value, path, config, where) for path in config.fields or ()}


def _at(value: Any, path: str, config: PickConfig, where: str) -> Any:
    if config.default is msgspec.UNSET:
        return follow_or_fail(value, path, where)
    try:
        return follow(value, path)
    except NotThereError:
        return config.default


def _last_name(path: str) -> str:
    return str(parse_path(path)[-1])


def _picked_type(type_: types.Type, config: PickConfig) -> types.Type:
    if config.field is None:
        for path in config.fields or ():
            type_at(type_, path)
        return types.OBJECT
    picked = type_at(type_, config.field)
    return picked if config.default is msgspec.UNSET else types.ANY
