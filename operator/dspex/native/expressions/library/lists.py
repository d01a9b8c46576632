"""Functions of lists."""

from typing import Any, Final

from dspex.native.expressions.convert import MAX_NODES, to_wire
from dspex.native.expressions.library.function import Function
from dspex.native.expressions.library.sum import numbers, total_float
from dspex.native.kind import kind_of
from dspex.native.order import check_order
from dspex.native.validation.containers import identity

_ORDERED: Final = ("int", "double", "string", "bool")


def least(items: list[Any]) -> Any:
    """Return the least item."""
    return min(_comparable(items, "min"))


def greatest(items: list[Any]) -> Any:
    """Return the greatest item."""
    return max(_comparable(items, "max"))


def mean(items: list[Any]) -> float:
    """Return the arithmetic mean of numbers."""
    return total_float(_some(numbers(items, "mean"), "mean")) / len(items)


def ordered(items: list[Any]) -> list[Any]:
    """Return the items in ascending order."""
    return sorted(_comparable(items, "sort", or_none=True))


def distinct(items: list[Any]) -> list[Any]:
    """Return the items without those that are there already, in their order."""
    first: dict[Any, Any] = {}
    for item in items:
        first.setdefault((kind_of(item), identity(to_wire(item))), item)
    return list(first.values())


def flatten(items: list[Any], depth: int = 1) -> list[Any]:
    """Put the items of inner lists in their place, `depth` levels deep."""
    if depth < 0:
        raise ValueError(f"flatten() takes a depth of 0 or more, not {depth}")
    while depth > 0 and any(isinstance(item, list) for item in items):
        items = [inner for item in items for inner in (item if isinstance(item, list) else [item])]
        depth -= 1
    return items


def reverse(value: Any) -> Any:
    """Return a list, or the characters of a text, in the other direction."""
    return value[::-1]


def cut_out(items: list[Any], start: int, end: int) -> list[Any]:
    """Return the items from a position to before another."""
    if not 0 <= start <= end <= len(items):
        raise ValueError(
            f"slice({start}, {end}) is outside of a list of {len(items)}; "
            "bound it by math.least(n, size(x))"
        )
    return items[start:end]


def count_up(end: int) -> list[int]:
    """Return the numbers from 0 to before another."""
    if end > MAX_NODES:
        raise ValueError(f"lists.range({end}) is more than {MAX_NODES} values")
    return list(range(end))


def _comparable(items: list[Any], name: str, *, or_none: bool = False) -> list[Any]:
    try:
        check_order(enumerate(items))
    except ValueError as error:
        raise ValueError(f"{name}() can't compare them: {error}") from None
    return items if or_none else _some(items, name)


def _some(items: list[Any], name: str) -> list[Any]:
    if not items:
        raise ValueError(f"{name}() of an empty list; ask size(x) > 0 first")
    return items


_COMPARED: Final = (
    "it takes a list of numbers, strings or booleans; of timestamps take map(x, string(x)), which "
    "has their order"
)

MIN = Function(
    name="min",
    overloads=tuple(((f"list<{each}>",), each) for each in _ORDERED),
    run=least,
    takes=_COMPARED,
)

MAX = Function(
    name="max",
    overloads=tuple(((f"list<{each}>",), each) for each in _ORDERED),
    run=greatest,
    takes=_COMPARED,
)

MEAN = Function(
    name="mean",
    overloads=((("list<int>",), "double"), (("list<double>",), "double")),
    run=mean,
    takes="it takes a list of int or of float: convert the items by map(x, double(x))",
)

SORT = Function(
    name="sort",
    overloads=tuple(((f"list<{each}>",), f"list<{each}>") for each in _ORDERED),
    run=ordered,
    takes=f"{_COMPARED}; objects are ordered by the transform sort",
)

DISTINCT = Function(
    name="distinct",
    overloads=((("list<~A>",), "list<~A>"),),
    run=distinct,
    takes="it takes a list",
)

FLATTEN = Function(
    name="flatten",
    overloads=((("list<list<~A>>",), "list<~A>"), (("list<~A>", "int"), "list<dyn>")),
    run=flatten,
    takes="it takes a list of lists, and how many levels deep",
)

REVERSE = Function(
    name="reverse",
    overloads=((("string",), "string"), (("list<~A>",), "list<~A>")),
    run=reverse,
    takes="it takes a list or a string",
)

SLICE = Function(
    name="slice",
    overloads=((("list<~A>", "int", "int"), "list<~A>"),),
    run=cut_out,
    takes="write it as list.slice(start, end); a text has substring(start, end)",
)

RANGE = Function(
    name="lists.range",
    overloads=((("int",), "list<int>"),),
    run=count_up,
    takes="write it as lists.range(10), or lists.range(size(x))",
)
