"""merge: several objects as one, or lists of objects joined by a key."""

from typing import Any, Literal

from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed, item_type, the_list, wrong_type
from dspex.native.transforms.path import follow_or_fail, parse_path, type_at
from dspex.native.validation.containers import identity


class MergeConfig(Config):
    """Options of merge.

    Attributes:
        key: Path into each object. With it the value is a list of lists, and the objects whose
            keys are equal become one, wherever they stand. Without it the value is a list of
            objects, all of which become one.
        conflict: What happens where two objects have the same field with different values: Fail,
            or the First or the Last value is kept. Values that are equal are no conflict.
    """

    key: str | None = None
    conflict: Literal["Fail", "First", "Last"] = "Fail"

    def __post_init__(self) -> None:
        if self.key is not None:
            parse_path(self.key)


class Merge(Transform):
    """Puts the fields of several objects into one. A field's value is taken whole, never merged."""

    name = "merge"
    summary = "Several objects as one; with key, lists of objects joined by it."
    config = MergeConfig

    def transform(self, value: Any, config: MergeConfig) -> Any:
        """Merge the objects, or join the lists where there is a key."""
        items = the_list(value, self.name)
        if config.key is None:
            merged: dict[str, Any] = {}
            for index, item in enumerate(items):
                _add(merged, item, config, f"item {index}: ")
            return merged
        return _joined(items, config.key, config)

    def result_type(self, input_type: types.Type, config: MergeConfig) -> types.Type:
        """Return the objects' type: of one, or with a key of a list of them."""
        item = item_type(input_type, self.name)
        if config.key is None:
            return self._object_type(item, "a list of objects", "list[object]")
        takes, expected = "with key a list of lists of objects", "list[list[object]]"
        if not isinstance(item, types.ListOf | types.AnyType | types.UnionOf | types.TupleOf):
            raise wrong_type(self.name, takes, expected, input_type)
        inner = item_type(item, self.name)
        type_at(inner, config.key)
        return types.ListOf(self._object_type(inner, takes, expected))

    def _object_type(self, type_: types.Type, takes: str, expected: str) -> types.Type:
        match type_:
            case types.DictOf():
                return type_
            case types.ObjectType() | types.AnyType() | types.UnionOf() | types.Media():
                return types.OBJECT
        raise wrong_type(self.name, takes, expected, type_)


def _joined(lists: list[Any], key: str, config: MergeConfig) -> list[dict[str, Any]]:
    merged: dict[Any, dict[str, Any]] = {}
    for outer, one in enumerate(lists):
        if not isinstance(one, list):
            raise failed(f"item {outer}: merge with key takes a list of lists, not {kind_of(one)}")
        for inner, item in enumerate(one):
            where = f"item {outer}[{inner}]: "
            found = identity(follow_or_fail(item, key, where))
            _add(merged.setdefault(found, {}), item, config, where)
    return list(merged.values())


def _add(merged: dict[str, Any], item: Any, config: MergeConfig, where: str) -> None:
    if not isinstance(item, dict):
        raise failed(f"{where}merge takes objects, not {kind_of(item)}")
    if config.conflict == "Last":
        merged.update(item)
        return
    for name, value in item.items():
        if name not in merged:
            merged[name] = value
        elif config.conflict == "Fail" and identity(merged[name]) != identity(value):
            raise failed(
                f"{where}the field '{name}' has another value already; "
                "rename one of them, or say which stays by conflict: First or Last"
            )
