"""sum: what the numbers of a list come to.

An empty list of floats sums to 0.0, one of integers to 0, and when it runs an empty list has no
type. So the compiler asks for each `sum`, by trying SUM_WHOLE in its place, whether the checker
knows its list to be one of floats, and then takes SUM_FLOAT.
"""

import math
from typing import Any

from dspex.native.expressions.convert import INT64_MAX, INT64_MIN
from dspex.native.expressions.library.function import Function
from dspex.native.kind import kind_of


def numbers(items: list[Any], name: str) -> list[Any]:
    """Return the items; raises ValueError where one is no number."""
    for index, item in enumerate(items):
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise ValueError(f"{name}() takes numbers; item {index} is {kind_of(item)}")
    return items


def total(items: list[Any]) -> int | float:
    """Add up numbers: to a float where one of them is a float.

    Floats are added exactly and rounded once, so that neither their order nor the version of
    Python changes the last digit.
    """
    if any(isinstance(item, float) for item in numbers(items, "sum")):
        return total_float(items)
    result: int = sum(items)
    if not INT64_MIN <= result <= INT64_MAX:
        raise ValueError(f"sum() comes to {result}, which does not fit in 64 bits")
    return result


def total_float(items: list[Any]) -> float:
    """Add up numbers to a float."""
    try:
        return math.fsum(numbers(items, "sum"))
    except OverflowError:
        raise ValueError("sum() comes to more than a float can hold") from None


_TAKES = "it takes a list of int or of float: convert the items by map(x, double(x))"

SUM = Function(
    name="sum",
    overloads=((("list<int>",), "int"), (("list<double>",), "double")),
    run=total,
    takes=_TAKES,
)

SUM_FLOAT = Function(
    name="sum_float",
    overloads=((("list<double>",), "double"),),
    run=total_float,
    takes=_TAKES,
)

SUM_WHOLE = Function(
    name="sum_whole", overloads=((("list<int>",), "dyn"),), run=total, takes=_TAKES
)
