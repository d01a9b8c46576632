"""filter: the items of a list that meet a condition."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from dspex.native import types
from dspex.native.config import Config
from dspex.native.kind import kind_of
from dspex.native.transforms.base import Transform, failed, item_type, the_list
from dspex.native.transforms.path import NotThereError, follow, parse_path, type_of_each

Operator = Literal[
    "Equal",
    "NotEqual",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "In",
    "NotIn",
    "Contains",
    "StartsWith",
    "EndsWith",
    "Exists",
    "NotExists",
]

_MISSING: Any = object()


class FilterConfig(Config):
    """Options of filter: the condition that an item has to meet.

    Attributes:
        field: Path into the item; without it the item itself is looked at.
        operator: How it is compared. An item without the field only meets NotEqual, NotIn and
            NotExists.
        value: What it is compared with; a list for In and NotIn, nothing for Exists and NotExists.
    """

    field: str | None = None
    operator: Operator = "Equal"
    value: Any = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.field is not None:
            parse_path(self.field)
        needs_value = self.operator not in ("Exists", "NotExists")
        if needs_value and self.value is msgspec.UNSET:
            raise ValueError(f"{self.operator} needs a value")
        if not needs_value and self.value is not msgspec.UNSET:
            raise ValueError(f"{self.operator} takes no value")
        if self.operator in ("In", "NotIn") and not isinstance(self.value, list):
            raise ValueError(f"{self.operator} needs a list as its value")


class Filter(Transform):
    """Keeps the items of a list that meet a condition, in their order."""

    name = "filter"
    summary = "The items of a list that meet a condition: field, operator, value."
    config = FilterConfig

    def transform(self, value: Any, config: FilterConfig) -> Any:
        """Return the items that meet the condition."""
        items = the_list(value, self.name)
        return [item for index, item in enumerate(items) if _meets(item, index, config)]

    def result_type(self, input_type: types.Type, config: FilterConfig) -> types.Type:
        """Return the list's own type."""
        item = item_type(input_type, self.name)
        type_of_each(item, config.field)
        return types.ListOf(item)


def _meets(item: Any, index: int, config: FilterConfig) -> bool:
    try:
        found = item if config.field is None else follow(item, config.field)
    except NotThereError:
        found = _MISSING
    if config.operator in ("Exists", "NotExists"):
        there = found is not _MISSING and found is not None
        return there == (config.operator == "Exists")
    if found is _MISSING:
        return config.operator in ("NotEqual", "NotIn")
    try:
        return _OPERATORS[config.operator](found, config.value)
    except TypeError:
        raise failed(
            f"item {index}: {config.operator} can't compare {kind_of(found)} "
            f"with {kind_of(config.value)}"
        ) from None


def _equal(found: Any, value: Any) -> bool:
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


def _in(found: Any, value: Any) -> bool:
    return any(_equal(found, option) for option in value)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, list):
        return _in(value, found)
    if isinstance(found, dict | str) and isinstance(value, str):
        return value in found
    raise TypeError


def _starts(found: Any, value: Any) -> bool:
    return _text(found).startswith(_text(value))


def _ends(found: Any, value: Any) -> bool:
    return _text(found).endswith(_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def checked(found: Any, value: Any) -> bool:
        if isinstance(found, bool) or isinstance(value, bool):
            raise TypeError
        return compare(found, value)

    return checked


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "Equal": _equal,
    "NotEqual": lambda found, value: not _equal(found, value),
    "Less": _ordered(lambda found, value: found < value),
    "LessOrEqual": _ordered(lambda found, value: found <= value),
    "Greater": _ordered(lambda found, value: found > value),
    "GreaterOrEqual": _ordered(lambda found, value: found >= value),
    "In": _in,
    "NotIn": lambda found, value: not _in(found, value),
    "Contains": _contains,
    "StartsWith": _starts,
    "EndsWith": _ends,
}
