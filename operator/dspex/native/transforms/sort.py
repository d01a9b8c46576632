"""sort: the items of a list in order."""

from typing import Any, Literal

from dspex.native import types
from dspex.native.order import check_order
from dspex.native.transforms.base import Transform, failed, item_type, the_list
from dspex.native.transforms.path import (
    FieldConfig,
    NotThereError,
    follow,
    follow_or_fail,
    type_of_each,
)


class SortConfig(FieldConfig):
    """Options of sort, beside `field`.

    Attributes:
        order: Ascending: numbers by size, strings by their code points, false before true; or
            Descending. Items that are equal keep their order in both.
        missing: Where items go whose field is missing or null: First or Last, in either order; or
            Fail.
    """

    order: Literal["Ascending", "Descending"] = "Ascending"
    missing: Literal["Fail", "First", "Last"] = "Fail"


class Sort(Transform):
    """Puts the items of a list in order, by themselves or by a field; the sort is stable.

    What is compared has to be of one kind: numbers, strings or booleans. A date and time in ISO
    8601 is a string, and sorts right where all have the same zone.
    """

    name = "sort"
    summary = "The items of a list in order, by themselves or by a field."
    config = SortConfig

    def transform(self, value: Any, config: SortConfig) -> Any:
        """Return the items in order."""
        items = the_list(value, self.name)
        found = [(index, _found(item, index, config)) for index, item in enumerate(items)]
        there = [pair for pair in found if pair[1] is not None]
        try:
            check_order(there)
        except ValueError as error:
            raise failed(f"sort can't compare them: {error}") from None
        there.sort(key=lambda pair: pair[1], reverse=config.order == "Descending")
        missing = [items[index] for index, one in found if one is None]
        ordered = [items[index] for index, _ in there]
        return missing + ordered if config.missing == "First" else ordered + missing

    def result_type(self, input_type: types.Type, config: SortConfig) -> types.Type:
        """Return the list's own type."""
        item = item_type(input_type, self.name)
        type_of_each(item, config.field)
        return types.ListOf(item)


def _found(item: Any, index: int, config: SortConfig) -> Any:
    """Return what an item is sorted by; None where it is missing and may be."""
    if config.missing != "Fail":
        try:
            return item if config.field is None else follow(item, config.field)
        except NotThereError:
            return None
    where = f"item {index}: "
    found = item if config.field is None else follow_or_fail(item, config.field, where)
    if found is None:
        raise failed(f"{where}null has no order; say where it goes by missing: First or Last")
    return found
