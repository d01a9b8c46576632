"""The parser: it knows where CEL's syntax ends."""

import pytest
from cel_expr_python import cel
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.errors import ExpressionError
from dspex.native.expressions.syntax import (
    Call,
    Comprehension,
    Conditional,
    Constant,
    Logical,
    Method,
    Negation,
    Node,
    Other,
    Path,
    children,
    parse,
)
from dspex.native.expressions.tokens import Kind, tokens


def paths(node: Node) -> list[str]:
    """Return every path of a tree in the order of the text."""
    if isinstance(node, Path):
        return [".".join(segment.text for segment in node.segments)]
    return [path for child in children(node) for path in paths(child)]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("1", Constant),
        ("-1", Other),
        ("'a'", Constant),
        ("a.b.c", Path),
        (".a.b", Path),
        ("a.`b-c`", Other),
        ("a[0]", Other),
        ("f(a)", Call),
        ("a.f(b)", Method),
        ("a.map(x, x)", Comprehension),
        ("a.map(x, x > 1, x)", Comprehension),
        ("a.all(x, x)", Comprehension),
        ("a.map(x)", Method),
        ("a ? b : c", Conditional),
        ("a && b", Logical),
        ("!a", Negation),
        ("!!a", Path),
        ("!-1", Negation),
        ("a + b * c", Other),
        ("a in b", Other),
        ("[a, b,]", Other),
        ("[,]", Other),
        ("{a: b}", Other),
        ("{,}", Other),
        ("google.protobuf.Timestamp{seconds: a}", Other),
        ("(a)", Path),
    ],
)
def test_each_form_has_its_node(source: str, kind: type) -> None:
    """The node's kind says what the form is."""
    assert isinstance(parse(source), kind)


def test_paths_are_found_everywhere() -> None:
    """Every name in any form is there, in the order of the text."""
    source = "a.b ? [c, {d: e[f]}] : g(h).i(-j) + !k && l.map(m, m + n) == o.p.q"
    assert paths(parse(source)) == ["a.b", *"cdefhjkl", "m", "n", "o.p.q"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a +", "ends too early"),
        ("", "ends too early"),
        ("a b", "unexpected 'b'"),
        ("a = b", "'=' is no operator"),
        ("a & b", "'&' is no operator"),
        ("'a", "a string that begins with ' is not closed"),
        ("a.in", "unexpected 'in'"),
        ("a.true", "unexpected 'true'"),
        ("for", "unexpected 'for'"),
        ("a.1", "unexpected '.1'"),
        ("f(a,)", "unexpected ')'"),
        ("a.map(1, x)", "first argument is not a name"),
        ("é", "unexpected 'é'"),
        ("a ? b", "ends too early"),
        ("(" * 40 + "a" + ")" * 40, "nested more than 32 deep"),
        ("a" + "[0]" * 40, "nested more than 32 deep"),
        ("a.b(" * 40 + ")" * 40, "nested more than 32 deep"),
    ],
)
def test_wrong_syntax_is_said_plainly(source: str, message: str) -> None:
    """Each error says what stands there."""
    with pytest.raises(ExpressionError, match=r".") as caught:
        parse(source)
    assert message in str(caught.value)


_atoms = st.sampled_from(
    ["a", "a.b", "1", "-1", "1.5", "'s'", "r'\\'", "b'x'", "true", "null", "1u", "0x1F", "[]", "{}"]
)


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    operator = st.sampled_from(["+", "-", "*", "==", "<", "&&", "||", "in", "? a :"])
    return st.one_of(
        st.tuples(pair, operator).map(lambda drawn: f"{drawn[0][0]} {drawn[1]} {drawn[0][1]}"),
        inner.map("({})".format),
        inner.map("!{}".format),
        inner.map("-{}".format),
        inner.map("f({})".format),
        inner.map("a.g({})".format),
        inner.map("({}).h".format),
        inner.map("a[{}]".format),
        inner.map("a.map(x, {})".format),
        pair.map(lambda drawn: f"[{drawn[0]}, {drawn[1]}]"),
        pair.map(lambda drawn: f"{{{drawn[0]}: {drawn[1]}}}"),
    )


_fragments = st.lists(
    st.sampled_from(["a", ".", "(", ")", "[", "]", "+", "-", "!", "?", ":", ",", "1", "'s'", "in"]),
    max_size=7,
).map(" ".join)


@given(st.one_of(st.recursive(_atoms, _compound, max_leaves=6), _fragments))
@settings(max_examples=300, deadline=None)
def test_it_accepts_what_cel_accepts(source: str) -> None:
    """CEL's parser and this one agree on every text, whether right or wrong."""
    try:
        cel.NewEnv().compile(source, disable_check=True)
        accepted = True
    except RuntimeError as error:
        accepted = "Syntax error" not in str(error) and "reserved identifier" not in str(error)
    try:
        parse(source)
        parsed = True
    except ExpressionError:
        parsed = False
    assert parsed == accepted


@given(st.text())
def test_tokens_never_fail_and_cover_the_text(text: str) -> None:
    """Every character is in one token, or blank, or in a comment."""
    position = 0
    for token in tokens(text):
        assert token.start >= position
        assert text[token.start : token.end] == token.text
        skipped = text[position : token.start]
        assert not skipped.strip() or skipped.lstrip().startswith("//")
        position = token.end


def test_an_open_quote_is_one_wrong_token() -> None:
    """What can't be a token comes as one, so that whoever reads on can say so."""
    assert [token.kind for token in tokens("a '")] == [Kind.NAME, Kind.WRONG]
