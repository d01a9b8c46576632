"""Values of manifests with expressions at any depth, and the names they read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import ExpressionError, NativeError
from dspex.native import types
from dspex.native.expressions import (
    AbsentValue,
    Scope,
    Variable,
    compile_value,
    expression_references,
    references,
    text_of,
)

INPUTS: dict[str, Any] = {
    "inputs.message": "héllo",
    "inputs.n": 5,
    "inputs.f": 2.5,
    "inputs.texts": ["a", "b"],
    "inputs.object": {"name": "Ann", "n": None},
}


@pytest.mark.parametrize(
    ("value", "expected", "type_"),
    [
        ("plain", "plain", "Literal['plain']"),
        ("costs $$(5)", "costs $(5)", "Literal['costs $(5)']"),
        (3, 3, "int"),
        (1.5, 1.5, "float"),
        (True, True, "bool"),
        (None, None, "None"),
        ("x" * 300, "x" * 300, "str"),
        ("$(inputs.n)", 5, "int"),
        ("$(inputs.n) ", "5 ", "str"),
        ("n=$(inputs.n), $(inputs.message)!", "n=5, héllo!", "str"),
        ("$(inputs.texts)/$(inputs.object)", '["a","b"]/{"name":"Ann","n":null}', "str"),
        ("$(inputs.n > 3)$(inputs.f)", "true2.5", "str"),
        (["$(inputs.n)", 1], [5, 1], "list[int]"),
        (["$(inputs.n)", "$(inputs.f)"], [5, 2.5], "list[int | float]"),
        ({"a": "$(inputs.n)"}, {"a": 5}, "dict[str, int]"),
        ({"a": {"b": ["$(inputs.message)"]}}, {"a": {"b": ["héllo"]}}, None),
        ([], [], "list[Any]"),
        ({}, {}, "dict[str, Any]"),
        (["$(inputs.object.name)", 1], ["Ann", 1], "list[Any]"),
    ],
)
def test_a_value_keeps_its_shape_and_its_type(
    scope: Scope, value: object, expected: object, type_: str | None
) -> None:
    """One whole expression keeps its type, text around it makes a string."""
    compiled = compile_value(value, scope)
    assert compiled.evaluate(INPUTS) == expected
    if type_ is not None:
        assert str(compiled.type) == type_


def test_a_container_of_many_kinds_is_of_any(scope: Scope) -> None:
    """A union of more than eight types says nothing useful."""
    many = [f"constant {index}" for index in range(20)]
    assert str(compile_value(many, scope).type) == "list[Any]"


def test_constants_need_no_bindings(scope: Scope) -> None:
    """`constant` and `whole` say what a value is."""
    assert compile_value({"a": [1, "$$(x)"]}, scope).constant
    whole = compile_value("$(inputs.n)", scope)
    assert whole.whole
    assert not whole.constant
    assert not compile_value("a $(inputs.n)", scope).whole


def test_reads_and_unhandled_come_together(scope: Scope) -> None:
    """A container has those of all its parts."""
    compiled = compile_value(
        {"a": "$(inputs.n)", "b": ["x $(steps.a.outputs.n)", "$(steps.b.outputs.text)"]}, scope
    )
    assert compiled.reads == {"inputs.n", "steps.a.outputs.n", "steps.b.outputs.text"}
    assert compiled.unhandled == {"steps.a.outputs.n", "steps.b.outputs.text"}
    with pytest.raises(AbsentValue):
        compiled.evaluate(INPUTS)


def test_every_finding_comes_with_its_path_and_offset(scope: Scope) -> None:
    """`path` leads to the string, `start` and `end` count in it."""
    value = {
        "a": [{"b": "12 $(inputs.nn) $(inputs.mm)"}],
        "c": "$(1 +",
        "d": "$(inputs.n)",
    }
    with pytest.raises(ExpressionError) as caught:
        compile_value(value, scope)
    first, second, third = caught.value.diagnostics
    assert (first.path, second.path, third.path) == ("a[0].b", "a[0].b", "c")
    assert first.source == "12 $(inputs.nn) $(inputs.mm)"
    assert (first.start, first.end) == (12, 14)
    assert second.start == 25
    assert third.code == "UnclosedExpression"


@pytest.mark.parametrize(
    ("key", "code"),
    [("$(max(inputs.x", "UnclosedExpression"), ("$(inputs.x)", "ExpressionInKey")],
)
def test_an_expression_in_a_key_is_refused(scope: Scope, key: str, code: str) -> None:
    """YAML's flow style cuts a value at its comma and leaves the rest as a key."""
    with pytest.raises(ExpressionError) as caught:
        compile_value({key: None}, scope)
    assert caught.value.diagnostics[0].code == code
    assert compile_value({"$$(x)": 1}, scope).evaluate({}) == {"$$(x)": 1}


def test_a_value_that_is_nested_too_deep_is_refused(scope: Scope) -> None:
    """The bound is said, and nothing overflows."""
    value: Any = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(ExpressionError, match="nested more than 64 deep"):
        compile_value(value, scope)


def test_errors_of_evaluation_pass_through(scope: Scope) -> None:
    """A failing part fails the value."""
    with pytest.raises(NativeError, match="divide by zero"):
        compile_value(["a $(inputs.n / 0)"], scope).evaluate(INPUTS)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="abc"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_json)
def test_a_value_without_expressions_is_itself(value: Any) -> None:
    """Only `$(` and `$$(` mean anything."""
    if "$(" not in text_of(value):
        assert compile_value(value, Scope({})).evaluate({}) == value


@given(_json)
def test_a_value_that_is_read_comes_back_as_it_was(value: Any) -> None:
    """A name hands on its value, whatever it is: it is never read as an expression."""
    scope = Scope({"x": Variable(types.ANY)})
    assert compile_value("$(x)", scope).evaluate({"x": value}) == value
    assert compile_value({"a": ["$(x)"]}, scope).evaluate({"x": value}) == {"a": [value]}
    assert compile_value("<$(x)>", scope).evaluate({"x": value}) == f"<{text_of(value)}>"


def test_references_are_found_without_types() -> None:
    """Names are cut to the length that a variable has."""
    value = {
        "a": ["x $(inputs.n) $(steps.a.outputs.b.c.d + steps.b.state.size())"],
        "b": {"c": "$(item.x[index] + run.name.zz)"},
        "d": "$(present(steps.c.outputs.x) ? 1 : [1].map(x, x + steps.d.usage.calls))",
        "e": "$(other.x + steps.e)",
        "f": 5,
        "g": "$$(steps.no.outputs.x) (steps.no.state)",
    }
    assert references(value) == {
        "inputs.n",
        "steps.a.outputs.b",
        "steps.b.state",
        "item",
        "index",
        "run.name",
        "steps.c.outputs.x",
        "steps.d.usage",
        "steps.e",
    }


def test_references_know_a_loops_own_variable() -> None:
    """A variable that is called `item` or `steps` is no reference inside of its loop."""
    assert references("$(inputs.l.map(item, item.x + steps.a.state))") == {
        "inputs.l",
        "steps.a.state",
    }
    assert references("$(inputs.l.map(item, item.x) + item)") == {"inputs.l", "item"}


@pytest.mark.parametrize("text", ["$(a", "$(1 + )", "$(steps.a.outputs.x +)", "$()"])
def test_references_of_wrong_syntax_are_none(text: str) -> None:
    """Whoever compiles the value reports it."""
    assert references(["$(steps.b.state)", text]) == {"steps.b.state"}
    assert expression_references("steps.a. + 1") == frozenset()
