"""Templates: strict, bounded, and blind to what a value looks like."""

import contextlib
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dspex.errors import NativeError, Reason, TemplateError
from dspex.native.templates import MAX_OUTPUT, MAX_SOURCE, compile_template


def render(source: str, /, **values: Any) -> str:
    """Compile and render."""
    return compile_template(source).render(values)


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("URGENT ({{ mood }})", {"mood": "cross"}, "URGENT (cross)"),
        ("{{ x }}", {"x": "<b> & \"'"}, "<b> & \"'"),
        ("{{ x }} {{ y }}", {"x": None, "y": True}, "None True"),
        ("{{ x }}", {"x": 1.0}, "1.0"),
        ("{{ x }}", {"x": 2**70}, str(2**70)),
        ("{{ x.a[0].b }}", {"x": {"a": [{"b": "c"}]}}, "c"),
        ("{{ x['items'] }}", {"x": {"items": 3}}, "3"),
        ("{% for k, v in x.items() %}{{ k }}={{ v }};{% endfor %}", {"x": {"a": 1}}, "a=1;"),
        ("{% for i in x %}{{ loop.index }}{{ i }}{% endfor %}", {"x": ["a", "b"]}, "1a2b"),
        ("{% if x %}yes{% else %}no{% endif %}", {"x": []}, "no"),
        ("{{ x|default('d', true) }}", {"x": None}, "d"),
        ("{% if y is defined %}a{% else %}b{% endif %}", {}, "b"),
        ("{{ x|tojson }}", {"x": {"a": ["é<", None, True]}}, '{"a": ["é<", null, true]}'),
        ("{{ x|tojson(indent=1) }}", {"x": [1]}, "[\n 1\n]"),
        ("{{ x|join(', ') }}", {"x": ["a", 1]}, "a, 1"),
        ("{{ x|join('|', 'a.b') }}", {"x": [{"a": {"b": 1}}, {"a": {"b": 2}}]}, "1|2"),
        ("{{ x|join('|', '0') }}", {"x": [["p"], ["q"]]}, "p|q"),
        ("{{ x|replace('a', 'b') }}", {"x": "aXa"}, "bXb"),
        ("{{ x|indent(2) }}", {"x": "a\n\nb"}, "a\n\n  b"),
        ("{{ x|indent(2, true, true) }}", {"x": "a\n\nb"}, "  a\n  \n  b"),
        ("{{ '%s is %.1f%%'|format(x, 2.5) }}", {"x": "a"}, "a is 2.5%"),
        ("{{ '%(n)s'|format(n=x) }}", {"x": "a"}, "a"),
        ("{{ x|batch(2)|list }}", {"x": [1, 2, 3]}, "[[1, 2], [3]]"),
        ("{{ x|batch(2, 0)|list }}", {"x": [1, 2, 3]}, "[[1, 2], [3, 0]]"),
        ("{{ x|slice(2)|list }}", {"x": [1, 2, 3]}, "[[1, 2], [3]]"),
        ("{{ x|slice(2, 0)|list }}", {"x": [1, 2, 3]}, "[[1, 2], [3, 0]]"),
        ("{% macro f(a) %}<{{ a }}>{% endmacro %}{{ f(x) }}", {"x": 1}, "<1>"),
        ("{% raw %}{{ x|nope }}{% endraw %}{# {% include 'a' %} #}", {}, "{{ x|nope }}"),
        ("{{ '{% include x %}|nope' }}", {}, "{% include x %}|nope"),
        ("{% filter upper %}a{% endfilter %}", {}, "A"),
        ("a\n", {}, "a"),
        ("", {}, ""),
    ],
)
def test_values_are_rendered(source: str, values: dict[str, Any], expected: str) -> None:
    """Text as it is, JSON where asked, Jinja's own language otherwise."""
    assert render(source, **values) == expected


@given(st.text() | st.text(alphabet="{}%# x$()|'\""))
@example("{{ secret }}")
@example("{% for i in range(9) %}x{% endfor %}")
@example("$(inputs.x)")
def test_a_value_is_never_parsed(value: str) -> None:
    """What looks like a tag in a value is printed as it stands."""
    assert render("<{{ x }}>{{ secret }}", x=value, secret="s") == f"<{value}>s"


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_json)
def test_rendering_changes_no_value(value: Any) -> None:
    """A template sees a copy: sorting, reversing and the like leave the step's value alone."""
    before = repr(value)
    render("{{ x|list|sort if x is sequence }}{{ x }}", x=[value])
    assert repr(value) == before


def test_variables_are_known_when_compiled() -> None:
    """What the source sets itself, and the language's own names, are left out."""
    template = compile_template(
        "{{ a.b }}{% for i in c %}{{ i }}{{ loop.index }}{% endfor %}{% set d = 1 %}{{ d }}"
        "{% for i in range(3) %}{% endfor %}{{ e|default(1) }}{% if f is defined %}{% endif %}"
    )
    assert template.variables == {"a", "c", "e", "f"}
    assert template.source.startswith("{{ a.b }}")


def test_compiling_is_remembered() -> None:
    """The same source gives the same template."""
    assert compile_template("{{ x }} remembered") is compile_template("{{ x }} remembered")


@pytest.mark.parametrize(
    ("source", "values", "parts"),
    [
        ("{{ mod }}", {"mood": 1, "b": 2}, ["line 1", "'mod' is undefined", "did you mean 'mood'"]),
        ("{{ mod }}", {"mood": 1, "b": 2}, ["in scope: b, mood"]),
        ("{{ zzz }}", {}, ["in scope: nothing"]),
        ("a\n\n{{ x.nam }}", {"x": {"name": 1}}, ["line 3", "'x.nam'", "'name'"]),
        ("{{ x.a.b }}", {"x": {"a": {"c": 1}}}, ["'x.a.b'", "in scope: c"]),
        ("{{ x[3] }}", {"x": [1]}, ["'x[3]' is undefined"]),
        ("{{ x.zz|length }}", {"x": {"name": 1}}, ["'x.zz'", "in scope: name"]),
        ("{{ f() }}", {}, ["f is unknown"]),
        ("{{ 1 // 0 }}", {}, ["line 1", "1 // 0"]),
        ("{{ x.append(1) }}", {"x": [1]}, ["values are read-only"]),
        ("{{ x.clear() }}", {"x": {"a": 1}}, ["values are read-only"]),
        ("{{ x.upper() }}", {"x": "a"}, ["no method named upper"]),
        ("{{ x.__class__ }}", {"x": [1]}, ["undefined"]),
        ("{{ x|batch }}", {"x": [1]}, ["batch"]),
        ("{{ x|tojson }}", {"x": 1, "y": 2}, None),
        ("{{ debug() }}", {}, ["debug is unknown"]),
        ("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", {}, ["recursion limit"]),
    ],
)
def test_a_failure_names_the_variable_and_the_line(
    source: str, values: dict[str, Any], parts: list[str] | None
) -> None:
    """TemplateFailed says what was undefined and what there is."""
    if parts is None:
        render(source, **values)
        return
    with pytest.raises(NativeError) as caught:
        render(source, **values)
    assert caught.value.reason is Reason.TEMPLATE_FAILED
    for part in parts:
        assert part in caught.value.message


def test_a_long_scope_is_cut_in_the_message() -> None:
    """Hundreds of names do not flood the status."""
    with pytest.raises(NativeError, match="and 80 more"):
        render("{{ nope }}", **{f"name{index:03}": 1 for index in range(100)})


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("{% for i in range(100000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}", {}),
        ("{% for i in range(100000) %}" + "y" * 60_000 + "{% endfor %}", {}),
        ("{% for i in range(100000) %}{{ x }}{% endfor %}", {"x": "a" * 10_000}),
        ("{% for i in range(10000) %}{{ x }}{% endfor %}", {"x": ["a" * 10_000]}),
        ("{{ x }}{{ x }}", {"x": "a" * (MAX_OUTPUT // 2 + 1)}),
        ("{% for i in range(30000) %}" + "y" * 100 + "{% endfor %}", {}),
        ("{% raw %}" + "y" * 50_000 + "{% endraw %}{{ x }}", {"x": "a" * MAX_OUTPUT}),
        ("{{ x|replace('a', x) }}", {"x": "a" * 5000}),
        ("{{ x|join(y) }}", {"x": ["a"] * 5000, "y": "b" * 5000}),
        ("{{ x|indent(5000) }}", {"x": "a\n" * 50}),
        ("{{ '%1000000000d'|format(3) }}", {}),
        ("{{ '%*d'|format(1000000000, 3) }}", {}),
        ("{{ x|tojson(indent=100000) }}", {"x": [1]}),
        ("{{ x|batch(1000000000, 'y') }}", {"x": [1]}),
        ("{{ x|slice(1000000000) }}", {"x": [1]}),
    ],
)
def test_a_template_that_asks_for_too_much_is_stopped(source: str, values: dict[str, Any]) -> None:
    """Loops for ever, and texts of any size, end in TemplateLimitExceeded in short time."""
    template = compile_template(source)
    start = time.monotonic()
    with pytest.raises(NativeError) as caught:
        template.render(values)
    assert caught.value.reason is Reason.TEMPLATE_LIMIT_EXCEEDED
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("source", "code", "start", "message"),
    [
        ("{{ $(inputs.x) }}", "ExpressionInTemplate", 3, "can't hold '$('"),
        ("a\nb $$(x)", "ExpressionInTemplate", 5, "line 2"),
        ("{{ x", "TemplateSyntax", 3, "line 1: unexpected end"),
        ("é😀\n{{ 1 + }}", "TemplateSyntax", 10, "line 2"),
        ("{% if x %}", "TemplateSyntax", 8, "unexpected end"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "TemplateSyntax", None, "recursion"),
        ("{% include 'a' %}", "TagRefused", 0, "'include' would load another template"),
        ("x{%- extends 'a' %}", "TagRefused", 1, "'extends'"),
        ("{% import 'a' as b %}", "TagRefused", 0, "'import'"),
        ("{% from 'a' import b %}", "TagRefused", 0, "'from'"),
        ("{{ x|uper }}", "UnknownFilter", 5, "unknown filter 'uper'"),
        ("{{ x | qqqqq }}", "UnknownFilter", 7, "unknown filter 'qqqqq'"),
        ("{% filter uper %}{% endfilter %}", "UnknownFilter", 10, "unknown filter 'uper'"),
        ("{% if x is not definde %}{% endif %}", "UnknownTest", 15, "unknown test 'definde'"),
        ("x" * (MAX_SOURCE + 1), "TemplateTooLong", None, "65537 bytes"),
    ],
)
def test_a_wrong_source_does_not_compile(
    source: str, code: str, start: int | None, message: str
) -> None:
    """Line and caret, also for what minijinja would only find when it renders."""
    with pytest.raises(TemplateError) as caught:
        compile_template(source)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == code
    assert message in diagnostic.message
    if start is not None:
        assert diagnostic.start == start


def test_a_misspelt_filter_has_a_suggestion_and_all_come_at_once() -> None:
    """One compilation finds them all."""
    with pytest.raises(TemplateError) as caught:
        compile_template("{{ x|uper }} {{ y|lowr }}")
    assert [one.remedy for one in caught.value.diagnostics] == [
        "did you mean 'upper'?",
        "did you mean 'lower'?",
    ]


@given(st.text(alphabet="{}%#x |'\"()[]\n.ifnorset=~", max_size=40))
def test_any_source_compiles_or_is_a_template_error(source: str) -> None:
    """Nothing but TemplateError and NativeError ever comes out."""
    with contextlib.suppress(TemplateError, NativeError):
        assert isinstance(compile_template(source).render({"x": "a"}), str)
