"""dedupe: a list without the items that are there already."""

from typing import Any, Literal

from dspex.native import types
from dspex.native.transforms.base import Transform, item_type, the_list
from dspex.native.transforms.path import FieldConfig, type_of_each, values_at
from dspex.native.validation.containers import identity


class DedupeConfig(FieldConfig):
    """Options of dedupe, beside `field`.

    Attributes:
        keep: Which of several items with the same value stays: the First or the Last.
    """

    keep: Literal["First", "Last"] = "First"


class Dedupe(Transform):
    """Keeps one of the items that are equal, or have the same field; the order stays.

    Equality is JSON's: 1 and 1.0 are equal, 1 and true are not, an object's fields have no order.
    """

    name = "dedupe"
    summary = "A list without the items whose value, or whose field, is there already."
    config = DedupeConfig

    def transform(self, value: Any, config: DedupeConfig) -> Any:
        """Return the items that stay."""
        items = the_list(value, self.name)
        chosen: dict[Any, int] = {}
        for index, found in enumerate(values_at(items, config.field)):
            key = identity(found)
            if config.keep == "Last" or key not in chosen:
                chosen[key] = index
        return [items[index] for index in sorted(chosen.values())]

    def result_type(self, input_type: types.Type, config: DedupeConfig) -> types.Type:
        """Return the list's own type."""
        item = item_type(input_type, self.name)
        type_of_each(item, config.field)
        return types.ListOf(item)
