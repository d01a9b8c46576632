"""Which values can be put in order together: numbers, strings or booleans, never a mix."""

import math
from collections.abc import Iterable
from typing import Any, Final

from dspex.native.kind import kind_of

_ORDERED: Final = frozenset(("a number", "a string", "a boolean"))


def check_order(items: Iterable[tuple[int, Any]]) -> None:
    """Check that some values, each with the position of its item, can be compared to each other.

    Strings are ordered by their code points, false stands before true.

    Raises:
        ValueError: Two of them are of different kinds, or one is of a kind without an order; the
            message names their positions.
    """
    first: tuple[int, str] | None = None
    for index, value in items:
        kind = kind_of(value)
        if kind not in _ORDERED:
            raise ValueError(f"item {index} is {kind}, which has no order")
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(f"item {index} is NaN, which has no order")
        first = first or (index, kind)
        if kind != first[1]:
            raise ValueError(f"item {index} is {kind}, but item {first[0]} is {first[1]}")
