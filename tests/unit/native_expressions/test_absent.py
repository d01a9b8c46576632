"""Values that may be absent: coalesce, present, and reading one unguarded."""

from collections.abc import Callable
from typing import Any

import pytest

from dspex.native import types
from dspex.native.expressions import AbsentValue, Scope, Variable, compile_expression

Evaluate = Callable[[str], Any]


@pytest.mark.parametrize(
    ("source", "absent", "there"),
    [
        ("coalesce(steps.a.outputs.n, 0)", 0, 7),
        ("coalesce(steps.a.outputs.n, steps.a.outputs.list[0], 3)", 3, 7),
        ("coalesce(steps.b.outputs.text, steps.a.outputs.topic, 'none')", "none", "T"),
        ("coalesce(coalesce(steps.a.outputs.n, 1) + 1, 5)", 2, 8),
        ("coalesce(steps.a.outputs.n + size(steps.b.outputs.text), 0)", 0, 8),
        ("coalesce(steps.a.outputs.n, // the score, or\n 0)", 0, 7),
        ("coalesce((steps.a.outputs.n), (0))", 0, 7),
        ("coalesce(inputs.maybe, 'x')", "x", "x"),
        ("coalesce(inputs.message, 'x')", "héllo", "héllo"),
        ("coalesce(inputs.n + 1, 0)", 6, 6),
        ("coalesce(inputs.any.a, 'null')", "null", "null"),
        ("coalesce(inputs.any.nope, 'none')", "none", "none"),
        ("coalesce(steps.a.outputs.any.deep.er, 0)", 0, 1),
        ("coalesce(steps.a.outputs.any, 'none')", "none", {"deep": {"er": 1}}),
        ("coalesce(inputs.counts.k, 9)", 1, 1),
        ("coalesce(inputs.counts.zz, 9)", 9, 9),
        ("coalesce(steps.a.outputs.list.map(x, x + 1), [0])", [0], [2, 3]),
        ("present(steps.a.outputs.n)", False, True),
        ("!present(steps.a.outputs.n)", True, False),
        ("has(steps.a.outputs.n)", False, True),
        ("present(inputs.maybe)", False, False),
        ("present(inputs.message)", True, True),
        ("present(inputs.any.a)", False, False),
        ("present(inputs.any.b)", True, True),
        ("present(steps.a.outputs.any.deep)", False, True),
        ("present(steps.a.outputs.n) ? steps.a.outputs.n : 0", 0, 7),
        ("has(steps.a.outputs.n) ? steps.a.outputs.n : 0", 0, 7),
        ("!present(steps.a.outputs.n) ? 0 : steps.a.outputs.n", 0, 7),
        ("!!present(steps.a.outputs.n) ? steps.a.outputs.n : 0", 0, 7),
        ("present(steps.a.outputs.n) && steps.a.outputs.n > 3", False, True),
        ("!present(steps.a.outputs.n) || steps.a.outputs.n > 3", True, True),
        (
            (
                "present(steps.a.outputs.n) && present(steps.b.outputs.text)"
                " ? string(steps.a.outputs.n) + steps.b.outputs.text : 'x'"
            ),
            "x",
            "7T",
        ),
        (
            "!(present(steps.a.outputs.n) && inputs.flag) ? 0 : steps.a.outputs.n",
            0,
            7,
        ),
        ("present(steps.a.outputs.list) ? steps.a.outputs.list.map(x, x) : []", [], [1, 2]),
        ("inputs.rows.map(r, coalesce(r.zz, r.name))", ["a", "b"], ["a", "b"]),
        ("inputs.rows.map(r, r.tags.map(t, coalesce(r.zz, t)))", [["x", "y"], []], None),
        ("inputs.rows.all(r, present(r))", True, True),
        ("inputs.rows.map(r, r.tags.all(t, present(r.name)))", [True, True], None),
        ("steps.a.state == 'Succeeded'", False, True),
    ],
)
def test_guarded_reads_always_have_a_value(
    scope: Scope, skipped: Evaluate, ran: Evaluate, source: str, absent: object, there: object
) -> None:
    """With the steps skipped or not, nothing is left unhandled."""
    assert not compile_expression(source, scope).unhandled
    assert skipped(source) == absent
    if there is not None:
        assert ran(source) == there


@pytest.mark.parametrize(
    ("source", "unhandled"),
    [
        ("steps.a.outputs.n", {"steps.a.outputs.n"}),
        ("steps.a.outputs.n + 1", {"steps.a.outputs.n"}),
        ("inputs.maybe", {"inputs.maybe"}),
        ("coalesce(steps.a.outputs.topic, steps.b.outputs.text)", {"steps.b.outputs.text"}),
        (
            "present(steps.b.outputs.text) ? steps.a.outputs.n : 0",
            {"steps.a.outputs.n"},
        ),
        ("present(steps.a.outputs.n) || steps.a.outputs.n > 3", {"steps.a.outputs.n"}),
        (
            "(present(steps.a.outputs.n) || inputs.flag) ? steps.a.outputs.n : 0",
            {"steps.a.outputs.n"},
        ),
        ("present(steps.a.outputs.n) ? 0 : steps.a.outputs.n", {"steps.a.outputs.n"}),
        ("inputs.texts.map(x, steps.b.outputs.text + x)", {"steps.b.outputs.text"}),
        ("inputs.texts.all(x, steps.b.outputs.text == x)", {"steps.b.outputs.text"}),
        ("present(steps.a.outputs.any.deep)", set()),
        ("has(steps.a.outputs.any.deep)", {"steps.a.outputs.any"}),
        ("steps.a.state", set()),
    ],
)
def test_unhandled_names_are_found_when_compiled(
    scope: Scope, source: str, unhandled: set[str]
) -> None:
    """A read that no guard reaches is named."""
    assert compile_expression(source, scope).unhandled == unhandled


@pytest.mark.parametrize(
    "source",
    [
        "steps.a.outputs.n",
        "steps.a.outputs.n + 1",
        "[steps.a.outputs.n]",
        "steps.a.outputs.any.deep",
        "inputs.texts.map(x, x + string(steps.a.outputs.n))",
        "steps.a.outputs.list.map(x, x)",
        "steps.a.outputs.list.filter(x, inputs.texts.filter(y, y == 'a').size() > x)",
        "inputs.rows.exists(r, r.tags.filter(t, steps.a.outputs.topic == t).size() > 0)",
    ],
)
def test_an_absent_value_that_is_read_says_which(skipped: Evaluate, source: str) -> None:
    """AbsentValue names what has no value."""
    with pytest.raises(AbsentValue) as caught:
        skipped(source)
    assert caught.value.names[0].startswith("steps.a.outputs.")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("steps.a.state == 'Succeeded' ? steps.a.outputs.n : -1", -1),
        ("inputs.flag || steps.a.outputs.n > 3", True),
        ("!inputs.flag && steps.a.outputs.n > 3", False),
        ("inputs.flag ? [0] : steps.a.outputs.list.map(x, x + 1)", [0]),
        ("inputs.flag || steps.a.outputs.list.map(x, x + 1).size() > 0", True),
    ],
)
def test_a_branch_that_is_not_taken_is_not_read(
    scope: Scope, skipped: Evaluate, source: str, expected: object
) -> None:
    """The name counts as unhandled when compiled, yet does no harm where it is not reached."""
    assert compile_expression(source, scope).unhandled
    assert skipped(source) == expected


def test_a_none_of_an_optional_type_is_absent() -> None:
    """As a missing name; a None of Any is null, and absent only for coalesce and present."""
    scope = Scope({"x": Variable(types.optional(types.INT)), "y": Variable(types.ANY)})
    for source in ("x", "x + 1"):
        with pytest.raises(AbsentValue):
            compile_expression(source, scope).evaluate({"x": None})
    assert compile_expression("y", scope).evaluate({"y": None}) is None
    assert compile_expression("[y]", scope).evaluate({"y": None}) == [None]
    assert compile_expression("y == null", scope).evaluate({"y": None}) is True
    assert compile_expression("coalesce(y, 1)", scope).evaluate({"y": None}) == 1
    assert not compile_expression("y", scope).unhandled
