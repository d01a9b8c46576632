"""Functions that DSPex adds to CEL: one line each here. docs/expressions.md shows them all.

CEL knows them by other names, `_sum` for `sum` and `_json_encode` for `json.encode`, so that none
meets one of an extension's. They are declared only in the environments of expressions that use
one. There are two of these: one that checks, where a function has its generic type, and one that
runs, where it has its implementation; CEL's Python binding can't have both in one.
"""

import json
from typing import TYPE_CHECKING, Final

from dspex.native.expressions.library.function import Function, begin_calls, bound, end_calls
from dspex.native.expressions.library.json_text import JSON_DECODE, JSON_ENCODE
from dspex.native.expressions.library.lists import (
    DISTINCT,
    FLATTEN,
    MAX,
    MEAN,
    MIN,
    RANGE,
    REVERSE,
    SLICE,
    SORT,
)
from dspex.native.expressions.library.sum import SUM, SUM_FLOAT, SUM_WHOLE
from dspex.native.expressions.library.texts import JOIN, REPLACE

if TYPE_CHECKING:
    from cel_expr_python import cel

LIBRARY: Final = (
    DISTINCT,
    FLATTEN,
    JOIN,
    JSON_DECODE,
    JSON_ENCODE,
    RANGE,
    MAX,
    MEAN,
    MIN,
    REPLACE,
    REVERSE,
    SLICE,
    SORT,
    SUM,
)
"""What a person may call."""

METHODS: Final = {each.name: each for each in LIBRARY if not each.namespace}
"""By name, those that are called on a value."""

NAMESPACED: Final = {each.name: each for each in LIBRARY if each.namespace}
"""By dotted name, those that are called without one."""

INTERNAL: Final = {each.internal: each for each in (*LIBRARY, SUM_FLOAT, SUM_WHOLE)}
"""By the name that CEL knows."""


def checked() -> str:
    """Return the functions' generic types in the form that CEL's configuration has."""
    functions = [function.checked() for function in INTERNAL.values()]
    return json.dumps({"name": "dspex", "functions": functions})


def running() -> list["cel.FunctionDecl"]:
    """Return the functions with their implementations, for an environment that runs them."""
    return [function.running() for function in INTERNAL.values()]


__all__ = [
    "INTERNAL",
    "LIBRARY",
    "METHODS",
    "NAMESPACED",
    "SUM",
    "SUM_FLOAT",
    "SUM_WHOLE",
    "Function",
    "begin_calls",
    "bound",
    "checked",
    "end_calls",
    "running",
]
