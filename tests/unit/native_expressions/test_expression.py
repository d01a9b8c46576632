"""Compiling and evaluating single expressions."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from dspex.errors import ExpressionError, NativeError, Reason
from dspex.native import types
from dspex.native.expressions import AbsentValue, Scope, Variable, compile_expression

Evaluate = Callable[[str], Any]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.message", "héllo"),
        ("inputs.message + '!'", "héllo!"),
        ("inputs.n + 1", 6),
        ("inputs.f * 2.0", 5.0),
        ("inputs.n > 3 && inputs.flag", True),
        ("inputs.texts[1]", "b"),
        ("inputs.counts.k", 1),
        ("inputs.counts['a']", 2),
        ("inputs.any.b[1].c", "x"),
        ("inputs.any.a", None),
        ("inputs.object.name", "Ann"),
        ("inputs . object\n.name // why not", "Ann"),
        ("size(inputs.message)", 5),
        ("inputs.texts.join('-')", "a-b"),
        ("inputs.texts.join()", "ab"),
        ("'a,b'.split(',')", ["a", "b"]),
        ("inputs.message.upperAscii()", "HéLLO"),
        ("'aXbX'.replace('X', '-')", "a-b-"),
        ("'aXbX'.replace('X', '-', 1)", "a-bX"),
        ("math.greatest(inputs.n, 9)", 9),
        ("base64.encode(inputs.raw)", "eHl6"),
        ("inputs.raw + b'!'", "eHl6IQ=="),
        ("inputs.raw == b'xyz'", True),
        ("inputs.when.getFullYear()", 2019),
        ("inputs.when + duration('1h')", "2019-12-31T23:00:00Z"),
        ("inputs.day + '!'", "2020-01-01!"),
        ("duration('90s')", "90s"),
        ("duration('1.5s')", "1.5s"),
        ("{'b': 1, 'a': [inputs.n]}", {"a": [5], "b": 1}),
        ("{1: 2}", {"1": 2}),
        ("{true: 1}", {"true": 1}),
        ("null", None),
        ("1u + 2u", 3),
        ("has(inputs.any.a)", True),
        ("has(inputs.any.zz)", False),
        ("has(inputs.message)", True),
        ("inputs.texts.exists(x, x == 'b')", True),
        ("inputs.texts.all(x, x == 'b')", False),
        ("inputs.texts.exists_one(x, x == 'b')", True),
        ("'b' in inputs.texts", True),
        ("'a\\u0000b'", "a\x00b"),
        ("-inputs.n", -5),
        ("inputs.n == 5 ? 'a' : 'b'", "a"),
        ("string(inputs.n) + 'x'", "5x"),
        ("'coalesce(a, b)' + inputs.message // present(x)", "coalesce(a, b)héllo"),
    ],
)
def test_values(ran: Evaluate, source: str, expected: object) -> None:
    """Every kind of value comes out in wire form."""
    value = ran(source)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.message", "str"),
        ("inputs.maybe", "str"),
        ("inputs.when", "datetime"),
        ("inputs.day", "date"),
        ("steps.a.outputs.topic", "Literal['bug', 'bill']"),
        ("coalesce(steps.a.outputs.topic, 'other')", "Literal['bug', 'bill', 'other']"),
        ("coalesce(steps.a.outputs.topic, inputs.message)", "str"),
        ("inputs.flag ? 'a' : 'b'", "Literal['a', 'b']"),
        ("inputs.flag ? 1 : inputs.n", "int"),
        ("inputs.flag ? 1.5 : inputs.f", "float"),
        ("inputs.flag ? true : false", "bool"),
        ("inputs.flag ? 'a\\n' : 'b'", "str"),
        ("inputs.n + 1", "int"),
        ("inputs.any", "Any"),
        ("inputs.any.b", "Any"),
        ("inputs.texts.map(x, size(x))", "list[int]"),
        ("inputs.texts.map(inputs, inputs)", "list[str]"),
        ("{'a': 1}", "dict[str, int]"),
        ("{'a': 1, 'b': 'x'}", "dict[str, Any]"),
        ("duration('1s')", "str"),
        ("null", "None"),
        ("[]", "list[Any]"),
        ("inputs.raw", "bytes"),
    ],
)
def test_static_types(scope: Scope, source: str, expected: str) -> None:
    """The type is known before anything runs, as exactly as the syntax tells."""
    assert str(compile_expression(source, scope).type) == expected


def test_a_float_gets_an_integer_as_a_float(scope: Scope) -> None:
    """JSON writes 2.0 as 2: the declared type decides."""
    for source in ("inputs.f", "inputs.f + 0.0"):
        value = compile_expression(source, scope).evaluate({"inputs.f": 2})
        assert value == 2.0
        assert type(value) is float


@pytest.mark.parametrize(
    ("type_", "value", "source", "expected"),
    [
        (types.ListOf(types.FLOAT), [1, 2.5], "x[0] + 0.5", 1.5),
        (types.ListOf(types.DATETIME), ["2020-01-01T00:00:00"], "x[0].getFullYear()", 2020),
        (types.TupleOf((types.STR, types.FLOAT)), ["a", 1], "x[1]", 1.0),
        (types.TupleOf((types.INT,), True), [1, 2], "x[1] + 1", 3),
        (types.TupleOf((types.STR, types.STR)), ["a", "b"], "x[1] + x[0]", "ba"),
        (types.SetOf(types.BYTES), ["eHl6"], "x[0] == b'xyz'", True),
        (types.DictOf(types.INT, types.STR), {"1": "a"}, "x[1]", "a"),
        (types.DictOf(types.BOOL, types.STR), {"true": "a"}, "x[true]", "a"),
        (types.DictOf(types.FLOAT, types.STR), {"1.5": "a"}, "x['1.5']", "a"),
        (types.DictOf(types.STR, types.FLOAT), {"k": 1}, "x.k", 1.0),
        (types.LiteralOf((1, 2)), 2, "x + 1", 3),
        (types.LiteralOf((1, "a")), "a", "x == 'a'", True),
        (types.UnionOf((types.STR, types.DATE)), "a", "x + 'b'", "ab"),
        (types.UnionOf((types.STR, types.INT)), 3, "x == 3", True),
        (types.ListOf(types.optional(types.STR)), ["a", None], "x[1] == null", True),
        (types.Media("Image"), {"url": "u"}, "x.url", "u"),
        (types.NONE, None, "x == null", True),
        (types.LiteralOf(("a", None)), "a", "x + 'b'", "ab"),
    ],
)
def test_values_are_coerced_to_their_declared_type(
    type_: types.Type, value: object, source: str, expected: object
) -> None:
    """At any depth CEL sees what was declared, whatever JSON made of it."""
    scope = Scope({"x": Variable(type_)})
    result = compile_expression(source, scope).evaluate({"x": value})
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("type_", "value", "source"),
    [
        (types.INT, 2**63, "x"),
        (types.INT, 2**63, "x + 0"),
        (types.ListOf(types.INT), [-(2**63) - 1], "x[0]"),
        (types.ANY, {"a": 2**70}, "x.a"),
        (types.ANY, [2**70], "x[0] == 1"),
        (types.BYTES, "*", "size(x)"),
        (types.DATETIME, "yesterday", "x.getFullYear()"),
        (types.DATETIME, 5, "x.getFullYear()"),
        (types.DictOf(types.INT, types.STR), {"k": "a"}, "size(x)"),
        (types.DictOf(types.BOOL, types.STR), {"k": "a"}, "size(x)"),
        (types.ListOf(types.FLOAT), 5, "x[0]"),
        (types.TupleOf((types.STR, types.FLOAT)), ["a"], "x[0]"),
        (types.STR, 5, "x + 'a'"),
        (types.STR, "\ud800", "x + 'a'"),
        (types.INT, 5, "x / 0"),
        (types.INT, 2**62, "x * 4"),
        (types.ListOf(types.STR), ["a"], "x[7]"),
        (types.ANY, {"a": 1}, "x.b"),
        (types.ANY, 5, "x.b"),
        (types.ANY, 5, "x && true"),
        (types.ANY, [1], "x.join(',')"),
        (types.ANY, [1], "x.filter(y, y)"),
        (types.FLOAT, 1.0, "x / 0.0"),
        (types.FLOAT, 1.0, "[[x / 0.0]]"),
        (types.STR, "(", "'a'.matches(x)"),
        (types.ANY, 1, "[type(x)]"),
    ],
)
def test_values_that_cannot_be_used_fail_the_step(
    type_: types.Type, value: object, source: str
) -> None:
    """A runtime error is ExpressionFailed with CEL's words, never a wrong value."""
    scope = Scope({"x": Variable(type_)})
    with pytest.raises((NativeError, ExpressionError)) as caught:
        compile_expression(source, scope).evaluate({"x": value})
    if isinstance(caught.value, NativeError):
        assert caught.value.reason is Reason.EXPRESSION_FAILED
        assert "INVALID_ARGUMENT" not in caught.value.message


@pytest.mark.parametrize(
    ("source", "message", "caret"),
    [
        ("inputs.mesage", "unknown name 'inputs.mesage'", "mesage"),
        ("steps.aa.outputs.n", "unknown name 'steps.aa'", "aa"),
        ("steps.a.outputs.m", "unknown name 'steps.a.outputs.m'", "m"),
        ("inputs", "'inputs' is no value by itself", "inputs"),
        ("steps.a.outputs", "'steps.a.outputs' is no value by itself", "steps.a.outputs"),
        ("inputs['message']", "'inputs' is no value by itself", "inputs"),
        ("item.name", "unknown name 'item'", "item"),
        ("inputs.texts.map(x, y)", "unknown name 'y'", "y"),
        ("inputs.message + 1", "'+' can't be applied to str and int", "+"),
        ("inputs.f > 1", "'>' can't be applied to float and int", ">"),
        ("'é' + inputs.message + 1", "'+' can't be applied to str and int", "+"),
        ("inputs.n\n  + inputs.message", "'+' can't be applied to int and str", "+"),
        ("inputs.n ? 1 : 2", "a condition must be bool, not int", "?"),
        ("inputs.flag ? 1 : 'a'", "the values have different types: int and str", "?"),
        (
            "coalesce(steps.a.outputs.n, 'a')",
            "the values have different types: int and str",
            "coalesce",
        ),
        (
            "1 + coalesce(steps.a.outputs.topic, inputs.message)",
            "'+' can't be applied to int and str",
            "+",
        ),
        ("inputs.message == null", "'==' can't be applied to str and None", "=="),
        ("sizee(inputs.texts)", "unknown function 'sizee'", "sizee"),
        ("size(inputs.n)", "size can't be applied to (int)", "size"),
        ("inputs.message.uper()", "unknown function 'uper'", "uper"),
        ("inputs.texts.replace('a', 'b')", "replace can't be applied to list[str]", "replace"),
        ("inputs.message.zz", "a value of type str has no fields", "."),
        ("inputs.n.all(x, x)", "a loop needs a list or a map, not int", "inputs.n"),
        ("inputs.n.map(x, x)", "map() needs a list or a map, not int", "inputs.n"),
        ("inputs.texts.filter(x, size(x))", "a condition must be bool, not int", "filter"),
        ("inputs.rows.filter(r, r.tags.map(t, t))", "a condition must be bool", "r.tags.map(t, t)"),
        ("'a'.format([1])", "format() is not there", "format"),
        ("strings.quote('a')", "quote() is not there", "quote"),
        ("inputs.texts.map(_v0, _v0)", "a loop's variable can't begin with '_'", "_v0"),
        ("type(1)", "a type<int> is no value of a field", "type(1)"),
        ("present(1)", "present() takes one name", "present(1)"),
        ("present(inputs.n, inputs.f)", "present() takes one name", None),
        ("coalesce(inputs.n)", "coalesce() takes two values or more", "coalesce(inputs.n)"),
        ("9223372036854775808", "invalid int literal", "9223372036854775808"),
        (" + ".join(["1"] * 40), "too long a chain", None),
        ("'" + "x" * 4096 + "'", "longer than 4096 bytes", None),
        ("'\ud800'", "half of a surrogate pair", "\ud800"),
        ("inputs.n +", "ends too early", None),
    ],
)
def test_mistakes_are_found_when_compiled(
    scope: Scope, source: str, message: str, caret: str | None
) -> None:
    """The message is plain, and the caret stands under the person's own text."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, scope)
    diagnostic = caught.value.diagnostics[0]
    assert message in diagnostic.message
    assert diagnostic.source == source
    if caret is not None:
        assert diagnostic.start is not None
        assert diagnostic.end is not None
        marked = source[diagnostic.start : diagnostic.end]
        assert marked.startswith(caret[:2]) or caret in marked


def test_a_wrong_name_lists_what_is_near_and_in_scope(scope: Scope) -> None:
    """The nearest name comes first, then those that could stand there."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression("steps.a.outputs.tpic", scope)
    remedy = caught.value.diagnostics[0].remedy or ""
    assert "did you mean 'steps.a.outputs.topic'?" in remedy
    assert "in scope: steps.a.outputs.any, steps.a.outputs.list" in remedy


def test_all_wrong_names_come_at_once(scope: Scope) -> None:
    """One compilation reports them all."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression("inputs.x + inputs.y", scope)
    assert [one.start for one in caught.value.diagnostics] == [7, 18]


def test_item_is_explained_outside_of_foreach() -> None:
    """`item` without forEach is a common slip; an empty scope says that it is empty."""
    with pytest.raises(ExpressionError, match="'item' is there only under forEach") as caught:
        compile_expression("item", Scope({}))
    assert "nothing is in scope" in str(caught.value)


def test_many_names_are_cut() -> None:
    """A scope of thousands of names does not flood the message."""
    scope = Scope({f"inputs.name{index}": Variable(types.STR) for index in range(3000)})
    with pytest.raises(ExpressionError, match="and 2988 more"):
        compile_expression("inputs.nope", scope)


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("inputs.f > 1", "write 1.0 for 1"),
        ("inputs.message + 1", "string(x)"),
        ("inputs.message == null", "coalesce(x, default)"),
    ],
)
def test_wrong_types_come_with_a_way_out(scope: Scope, source: str, remedy: str) -> None:
    """Both types are shown, and how to bring them together."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source, scope)
    assert remedy in (caught.value.diagnostics[0].remedy or "")


def test_reads_name_what_is_mentioned(scope: Scope) -> None:
    """Names in present() count, a loop's own variable does not."""
    source = "present(steps.a.outputs.n) ? inputs.rows.map(inputs, inputs.name) : [steps.a.state]"
    expression = compile_expression(source, scope)
    assert expression.reads == {"steps.a.outputs.n", "inputs.rows", "steps.a.state"}
    assert expression.source == source


def test_a_path_into_a_large_value_is_quick_and_safe() -> None:
    """A field of an object is followed here; whatever is odd is left to CEL's words."""
    expression = compile_expression("x.a.b", Scope({"x": Variable(types.ANY)}))
    assert expression.evaluate({"x": {"a": {"b": [1]}}}) == [1]
    with pytest.raises(NativeError, match="Key not found"):
        expression.evaluate({"x": {"a": {}}})
    with pytest.raises(NativeError, match="out of range"):
        expression.evaluate({"x": {"a": {"b": 2**64}}})
    with pytest.raises(AbsentValue):
        expression.evaluate({})


def test_cel_is_loaded_with_the_first_expression_that_needs_it() -> None:
    """Names alone, and the import of the package, leave CEL unloaded."""
    code = (
        "import sys\n"
        "from dspex.native import types\n"
        "from dspex.native.expressions import Scope, Variable, compile_value\n"
        "scope = Scope({'inputs.x': Variable(types.STR)})\n"
        "assert compile_value(['$(inputs.x) b'], scope).evaluate({'inputs.x': 'a'}) == ['a b']\n"
        "assert not any(name.startswith('cel_expr') for name in sys.modules)\n"
        "compile_value('$(inputs.x + inputs.x)', scope)\n"
        "assert any(name.startswith('cel_expr') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_type_that_is_nested_very_deep_still_works() -> None:
    """CEL refuses more than thirteen levels: what lies deeper is checked when it runs."""
    type_: types.Type = types.FLOAT
    value: Any = 1
    for _ in range(20):
        type_, value = types.ListOf(type_), [value]
    scope = Scope({"x": Variable(type_)})
    source = "x" + "[0]" * 20 + " + 0.5"
    assert compile_expression(source, scope).evaluate({"x": value}) == 1.5
