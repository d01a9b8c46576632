"""Expressions that explode end in an error in bounded time, and loops are linear."""

import time
import tracemalloc
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.errors import ExpressionError, NativeError, Reason
from dspex.native import types
from dspex.native.expressions import Scope, Variable, compile_expression, plan

pytestmark = pytest.mark.slow

NUMBERS = types.ListOf(types.INT)
SCOPE = Scope(
    {
        "l": Variable(NUMBERS),
        "m": Variable(types.ListOf(NUMBERS)),
        "s": Variable(types.STR),
        "d": Variable(types.ANY),
    }
)

DOUBLED = "['aa']" + ".map(a, a + a)" * 28
EXPLOSIONS = [
    DOUBLED,
    "[[1, 1]]" + ".map(a, dyn([a, a]))" * 28,
    "'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 28,
    "l.map(x, s).join(s)",
    "l.map(a, l.map(b, l.map(c, l.map(d, a + b + c + d))))",
    "l.map(a, l.exists(b, l.exists(c, a + b + c < 0)))",
    "l.all(a, l.all(b, l.all(c, a + b + c >= 0)))",
    "l.map(x, l)",
    "l.map(x, s + s)",
    "[" + ", ".join(["s + s"] * 300) + "]",
    "[" + ", ".join(["s"] * 1000) + "].map(x, x + x)",
    "l.filter(a, l.filter(b, a == b).size() > 1)",
]


@pytest.mark.parametrize("source", EXPLOSIONS)
def test_an_explosion_ends_in_an_error(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time and memory stay small, and the step fails with ExpressionFailed."""
    monkeypatch.setattr(plan, "TIME_LIMIT", 0.3)
    expression = compile_expression(source, SCOPE)
    tracemalloc.start()
    start = time.monotonic()
    try:
        with pytest.raises(NativeError) as caught:
            expression.evaluate({"l": list(range(9000)), "s": "x" * 300_000})
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert caught.value.reason is Reason.EXPRESSION_FAILED
    assert time.monotonic() - start < 10
    assert peak < 400_000_000


def test_a_loop_of_cels_own_says_what_to_do_instead() -> None:
    """CEL's budget of 10,000 turns is CEL's; the message names the way round."""
    expression = compile_expression("l.all(x, x >= 0)", SCOPE)
    assert expression.evaluate({"l": list(range(9000))}) is True
    with pytest.raises(NativeError, match="use a transform step"):
        expression.evaluate({"l": list(range(20_000))})


def test_map_and_filter_go_past_cels_budget() -> None:
    """A hundred thousand items are mapped and filtered, in time that grows with their number."""
    expression = compile_expression("l.filter(x, x % 2 == 0).map(x, x + 1)", SCOPE)
    result = expression.evaluate({"l": list(range(100_000))})
    assert result == list(range(1, 100_001, 2))


def test_a_chunk_that_loops_too_often_is_cut() -> None:
    """Turns inside of a chunk count against CEL's budget together: halving it lets them pass."""
    expression = compile_expression("m.map(x, x.all(y, y >= 0))", SCOPE)
    assert expression.evaluate({"m": [list(range(400))] * 64}) == [True] * 64
    with pytest.raises(NativeError, match="more than 10,000 items"):
        expression.evaluate({"m": [list(range(20_000))]})


@pytest.mark.parametrize(
    "source",
    [
        "(" * 33 + "1" + ")" * 33,
        "1" + " + 1" * 40,
        "true ? 1 : " * 40 + "1",
        "d" + ".a" * 100,
        "[" * 33 + "]" * 33,
        "-" * 100 + "1" + "[0]" * 50,
        "coalesce(s, " * 30 + "s" + ", s)" * 30,
    ],
)
def test_depth_is_bounded_when_compiled(source: str) -> None:
    """CEL's limit of 32 is reported as such, and Python's stack is never at risk."""
    with pytest.raises(ExpressionError, match="deep") as caught:
        compile_expression(source, SCOPE)
    assert caught.value.diagnostics[0].code == "ExpressionTooDeep"


_bodies = st.sampled_from(
    [
        "x",
        "x + 1",
        "x > 1",
        "x / x",
        "[x, x]",
        "string(x)",
        "{'k': x}",
        "l.size() + x",
        "l.exists(y, y == x)",
        "l.map(y, y + x)",
        "l.filter(y, y > x).size()",
        "l.map(y, y > x, y * x)",
        "l.filter(y, l.map(z, z + y).size() > x)",
        "l.exists_one(y, l.map(z, z + y).exists(w, w == x))",
        "l.all(y, l.map(z, z / y).size() > x)",
        "l.exists(y, l.map(z, z / y).size() > x)",
    ]
)
_loops = st.one_of(
    _bodies.map("l.map(x, {})".format),
    st.sampled_from(["x > 1", "x / x == 1", "true", "l.filter(y, y == x).size() > 1"]).flatmap(
        lambda condition: st.sampled_from(
            [
                f"l.filter(x, {condition})",
                f"l.map(x, {condition}, x)",
                f"l.all(x, {condition})",
                f"l.exists(x, {condition})",
                f"l.exists_one(x, {condition})",
                f"l.filter(x, {condition}).map(x, [x])",
                f"{{'a': l}}.map(k, l.filter(x, {condition}))",
            ]
        )
    ),
)


def _by_cel(source: str, numbers: list[int]) -> Any:
    environment = cel.NewEnv(variables={"l": cel.Type.List(cel.Type.INT)})
    value = environment.compile(source).eval(data={"l": numbers})
    return "error" if value.type() == cel.Type.ERROR else value.plain_value()


@given(_loops, st.lists(st.integers(0, 4), max_size=5))
@settings(max_examples=200, deadline=None)
def test_loops_give_what_cels_own_give(source: str, numbers: list[int]) -> None:
    """The same values, and an error where CEL has one, in every nesting."""
    expected = _by_cel(source, numbers)
    try:
        result = compile_expression(source, SCOPE).evaluate({"l": numbers})
    except NativeError:
        result = "error"
    assert result == expected


def test_a_pipelines_expressions_compile_quickly() -> None:
    """Two thousand expressions over a scope of thousands of names take a few seconds at most."""
    variables = {
        f"steps.s{step}.outputs.f{field}": Variable(types.STR, True)
        for step in range(256)
        for field in range(16)
    }
    scope = Scope(variables)
    start = time.monotonic()
    for step in range(256):
        for field in range(8):
            name = f"steps.s{step}.outputs.f{field}"
            compile_expression(f"coalesce({name}, 'x') + 'y'", scope)
    assert time.monotonic() - start < 10
