"""A scope with a variable of every kind, and values for it."""

from collections.abc import Callable
from typing import Any

import pytest

from dspex.native import types
from dspex.native.expressions import Scope, Variable, compile_expression


@pytest.fixture(scope="session")
def scope() -> Scope:
    """Variables as a pipeline with a skipped step has them."""
    return Scope(
        {
            "inputs.message": Variable(types.STR),
            "inputs.n": Variable(types.INT),
            "inputs.f": Variable(types.FLOAT),
            "inputs.flag": Variable(types.BOOL),
            "inputs.any": Variable(types.ANY),
            "inputs.object": Variable(types.OBJECT),
            "inputs.texts": Variable(types.ListOf(types.STR)),
            "inputs.numbers": Variable(types.ListOf(types.INT)),
            "inputs.rows": Variable(types.ListOf(types.OBJECT)),
            "inputs.counts": Variable(types.DictOf(types.STR, types.INT)),
            "inputs.when": Variable(types.DATETIME),
            "inputs.day": Variable(types.DATE),
            "inputs.raw": Variable(types.BYTES),
            "inputs.maybe": Variable(types.optional(types.STR)),
            "steps.a.outputs.topic": Variable(types.LiteralOf(("bug", "bill")), True),
            "steps.a.outputs.n": Variable(types.INT, True),
            "steps.a.outputs.list": Variable(types.ListOf(types.INT), True),
            "steps.a.outputs.any": Variable(types.ANY, True),
            "steps.a.state": Variable(types.STR),
            "steps.b.outputs.text": Variable(types.STR, True),
        }
    )


INPUTS: dict[str, Any] = {
    "inputs.message": "héllo",
    "inputs.n": 5,
    "inputs.f": 2.5,
    "inputs.flag": True,
    "inputs.any": {"a": None, "b": [1, {"c": "x"}]},
    "inputs.object": {"name": "Ann", "tags": ["x", "y"]},
    "inputs.texts": ["a", "b"],
    "inputs.numbers": list(range(1000)),
    "inputs.rows": [{"name": "a", "tags": ["x", "y"]}, {"name": "b", "tags": []}],
    "inputs.counts": {"k": 1, "a": 2},
    "inputs.when": "2020-01-01T00:00:00+02:00",
    "inputs.day": "2020-01-01",
    "inputs.raw": "eHl6",
    "inputs.maybe": None,
    "steps.a.state": "Skipped",
}

OUTPUTS: dict[str, Any] = {
    "steps.a.outputs.topic": "bug",
    "steps.a.outputs.n": 7,
    "steps.a.outputs.list": [1, 2],
    "steps.a.outputs.any": {"deep": {"er": 1}},
    "steps.a.state": "Succeeded",
    "steps.b.outputs.text": "T",
}


@pytest.fixture
def skipped(scope: Scope) -> Callable[[str], Any]:
    """Evaluate an expression where both steps were skipped."""
    return lambda source: compile_expression(source, scope).evaluate(INPUTS)


@pytest.fixture
def ran(scope: Scope) -> Callable[[str], Any]:
    """Evaluate an expression where both steps ran."""
    return lambda source: compile_expression(source, scope).evaluate({**INPUTS, **OUTPUTS})
