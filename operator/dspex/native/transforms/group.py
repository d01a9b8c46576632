"""group: the items of a list by what they have in common."""

from typing import Any

from dspex.native import types
from dspex.native.transforms.base import Transform, item_type, the_list
from dspex.native.transforms.path import FieldConfig, type_of_each, values_at
from dspex.native.validation.containers import identity


class GroupConfig(FieldConfig):
    """Options of group: `field`, whose value the items of a group share."""


class Group(Transform):
    """Collects the items with the same value into `{key, items}`.

    Groups come in the order in which their keys appear first, items in that of the list. A key is
    any JSON value; equality is as in dedupe, and the first of the equal ones is shown.
    """

    name = "group"
    summary = "The items of a list by a field: {key, items} for each of its values."
    config = GroupConfig

    def transform(self, value: Any, config: GroupConfig) -> Any:
        """Return the groups."""
        items = the_list(value, self.name)
        groups: dict[Any, dict[str, Any]] = {}
        for item, key in zip(items, values_at(items, config.field), strict=True):
            groups.setdefault(identity(key), {"key": key, "items": []})["items"].append(item)
        return list(groups.values())

    def result_type(self, input_type: types.Type, config: GroupConfig) -> types.Type:
        """Return a list of objects: the type of `key` and `items` can't be told apart."""
        type_of_each(item_type(input_type, self.name), config.field)
        return types.ListOf(types.OBJECT)
