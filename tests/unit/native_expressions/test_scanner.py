"""The scanner: where `$( )` begins and ends."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dspex.errors import ExpressionError
from dspex.native.expressions import MAX_EXPRESSION, Embedded, Text, escape, scan


def sources(text: str) -> list[str]:
    """Return the expressions of a text."""
    return [part.source for part in scan(text).parts if isinstance(part, Embedded)]


def literal(text: str) -> str:
    """Return the literal text of a text, its expressions left out."""
    return "".join(part.text for part in scan(text).parts if isinstance(part, Text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(inputs.x)", ["inputs.x"]),
        ("a $(x) b $(y)", ["x", "y"]),
        ("$((a + (b)))", ["(a + (b))"]),
        ("$(f(')'))", ["f(')')"]),
        ('$(f(")"))', ['f(")")']),
        (r"$(f('\')'))", [r"f('\')')"]),
        (r"$(r'\' + ')')", [r"r'\' + ')'"]),
        ("$('''a')'b''' + x)", ["'''a')'b''' + x"]),
        ('$("""a")"b""" + x)', ['"""a")"b""" + x']),
        ("$(a // )\n + b)", ["a // )\n + b"]),
        ("$({'a': [1, (2)]}['a'])", ["{'a': [1, (2)]}['a']"]),
        ("$(b')' + br')')", ["b')' + br')'"]),
        ("$(x.map(y, y))", ["x.map(y, y)"]),
    ],
)
def test_an_expression_ends_where_cel_says(text: str, expected: list[str]) -> None:
    """Brackets in strings, raw and triple-quoted ones, and in comments do not close."""
    assert sources(text) == expected


@pytest.mark.parametrize(
    ("text", "plain", "expressions"),
    [
        ("$$(x)", "$(x)", []),
        ("$$$(x)", "$", ["x"]),
        ("$$$$(x)", "$$(x)", []),
        ("costs $5 or $$5", "costs $5 or $$5", []),
        ("$ (x) ${y} $x", "$ (x) ${y} $x", []),
        ("", "", []),
    ],
)
def test_dollars_before_a_bracket_escape_in_pairs(
    text: str, plain: str, expressions: list[str]
) -> None:
    """`$$(` is a literal `$(`; dollars elsewhere are themselves."""
    assert literal(text) == plain
    assert sources(text) == expressions


def test_whole_means_one_expression_and_nothing_else() -> None:
    """A blank beside the expression already makes a text."""
    assert scan("$(x)").whole
    assert not scan("$(x) ").whole
    assert not scan("$(x)$(y)").whole
    assert not scan("x").whole
    assert scan("x $$(").constant


def test_offsets_enclose_the_expression() -> None:
    """`start` and `end` of a part count in the whole text."""
    text = "ab $(x + 1) c"
    part = scan(text).parts[1]
    assert isinstance(part, Embedded)
    assert text[part.start : part.end] == part.source == "x + 1"


@pytest.mark.parametrize(
    ("text", "code", "start"),
    [
        ("a $(max(inputs.x", "UnclosedExpression", 2),
        ("$(a", "UnclosedExpression", 0),
        ("$('a)", "UnclosedExpression", 0),
        ('$("""a""', "UnclosedExpression", 0),
        ("$(a // )", "UnclosedExpression", 0),
        ("$(a])", "UnclosedExpression", 3),
        ("$([a)", "UnclosedExpression", 4),
        ("$()", "EmptyExpression", 0),
        ("$( // nothing\n)", "EmptyExpression", 0),
        ("$('" + "x" * MAX_EXPRESSION + "')", "ExpressionTooLong", 0),
        ("$('" + "é" * (MAX_EXPRESSION // 2) + "')", "ExpressionTooLong", 0),
        ("$(" + "x" * (MAX_EXPRESSION + 1), "ExpressionTooLong", 0),
    ],
)
def test_what_is_not_closed_is_refused_with_its_place(text: str, code: str, start: int) -> None:
    """Each finding says where the expression begins, or which bracket is wrong."""
    with pytest.raises(ExpressionError) as caught:
        scan(text)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == code
    assert diagnostic.start == start
    assert diagnostic.source == text


def test_unclosed_says_how_yaml_cuts() -> None:
    """The remedy names quotes and `>-`, since flow style is what usually cut the value."""
    with pytest.raises(ExpressionError, match=r"quotes or in a '>-' block"):
        scan("$(max(inputs.x")


@given(st.text())
@example("$(\\")
@example("$('''")
@example("$$$(")
def test_any_text_scans_or_is_an_expression_error(text: str) -> None:
    """Nothing but ExpressionError ever comes out, and the parts cover the text in order."""
    try:
        scanned = scan(text)
    except ExpressionError:
        return
    position = 0
    for part in scanned.parts:
        assert position <= part.start <= part.end <= len(text)
        position = part.end


_pieces = st.sampled_from(
    ["$(", "$", "(", ")", "'", '"', "'''", "\\", "//", "\n", "a", "[", "]", "r'", "{", "}", "`"]
)


@given(st.lists(_pieces).map("".join))
@settings(max_examples=300)
def test_texts_made_of_delimiters_scan_or_are_refused(text: str) -> None:
    """The same over the characters that matter."""
    with contextlib.suppress(ExpressionError):
        assert scan(text).source == text


@given(st.text(alphabet="$()a {}'\"\n") | st.text())
def test_an_escaped_text_reads_back(text: str) -> None:
    """`escape` writes any text so that it scans to itself, without an expression."""
    scanned = scan(escape(text))
    assert scanned.constant
    assert literal(escape(text)) == text


_expressions = st.sampled_from(
    ["x", "f(')')", "[1, 2][0]", "'$(a)'", "r'\\'", "{'a': (1)}", "a // )\n", "'''a'b'''", '"\\")"']
)


@given(st.lists(st.one_of(st.text(alphabet="ab$( '"), _expressions.map(lambda e: (e,)))))
def test_texts_around_expressions_read_back(parts: list[str | tuple[str]]) -> None:
    """Expressions and escaped texts in any order come out as they went in."""
    # A dollar right before an expression would escape it; that is what the escape is for.
    texts = [part if isinstance(part, tuple) else escape(part + "_") for part in parts]
    written = "".join(f"$({part[0]})" if isinstance(part, tuple) else part for part in texts)
    assert sources(written) == [part[0] for part in parts if isinstance(part, tuple)]
    plain = "".join(part + "_" for part in parts if not isinstance(part, tuple))
    assert literal(written) == plain
