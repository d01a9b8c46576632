"""rename: other names for the fields of an object."""

from typing import Any

from dspex.errors import nearest
from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed, wrong_type


class RenameConfig(Config):
    """Options of rename.

    Attributes:
        fields: The new name of each field by its old one. All change at once, so two may swap.
    """

    fields: dict[str, str]

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("rename needs fields: the new name of each by its old one")
        new = list(self.fields.values())
        twice = next((name for name in new if new.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two of fields become '{twice}'")


class Rename(Transform):
    """Renames fields of an object; of a list in each item. The others stay, and so does the order.

    A field that is not there fails, and so does a new name that another field has.
    """

    name = "rename"
    summary = "An object with other names for some of its fields; of a list for each item."
    config = RenameConfig

    def transform(self, value: Any, config: RenameConfig) -> Any:
        """Rename the value's fields, or those of each item where it is a list."""
        if isinstance(value, list):
            return [_renamed(item, config, f"item {index}: ") for index, item in enumerate(value)]
        return _renamed(value, config, "")

    def result_type(self, input_type: types.Type, config: RenameConfig) -> types.Type:
        """Return the object's own type, in a list where the input is one."""
        match input_type:
            case types.ListOf(item) | types.SetOf(item) | types.TupleOf((item,), True):
                return types.ListOf(self._object_type(item))
            case types.AnyType() | types.UnionOf() | types.TupleOf():
                return types.ANY
            case _:
                return self._object_type(input_type)

    def _object_type(self, type_: types.Type) -> types.Type:
        match type_:
            case types.DictOf(_, value):
                return types.DictOf(types.STR, value)
            case types.ObjectType() | types.Media():
                return types.OBJECT
            case types.AnyType() | types.UnionOf():
                return types.ANY
        raise wrong_type(self.name, "an object, or a list of objects", "object", type_)


def _renamed(value: Any, config: RenameConfig, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise failed(f"{where}rename takes an object, not {kind_of(value)}")
    for old, new in config.fields.items():
        if old not in value:
            near = nearest(old, value)
            hint = f"; did you mean '{near}'?" if near else ""
            raise failed(f"{where}there is no field '{old}'{hint}")
        if new in value and new not in config.fields:
            raise failed(f"{where}'{old}' can't become '{new}': there is such a field already")
    return {str(config.fields.get(name, name)): one for name, one in value.items()}
