"""`parse_signature` against `dspy.Signature` itself, over a written list and generated strings."""

import datetime
import re
import string
import types
import typing
import warnings
from typing import Any

import dspy
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

from dspex.errors import SignatureError
from dspex.native.signatures import (
    Signature,
    is_valid_field_name,
    parse_signature,
    prompt_description,
    prompt_prefix,
)
from dspex.native.types import (
    ANY,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    STR,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    SetOf,
    TupleOf,
    Type,
    union,
)

FEW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

DSPY_ERRORS = (
    AssertionError,
    AttributeError,
    NameError,
    PydanticUserError,
    SchemaError,
    SyntaxError,
    TypeError,
    ValueError,
)

_SIMPLE: dict[Any, Type] = {
    str: STR,
    int: INT,
    float: FLOAT,
    bool: BOOL,
    bytes: BYTES,
    datetime.date: DATE,
    datetime.datetime: DATETIME,
    type(None): NONE,
    None: NONE,
    Any: ANY,
    list: ListOf(ANY),
    set: SetOf(ANY),
    dict: DictOf(ANY, ANY),
    tuple: TupleOf((ANY,), variadic=True),
    dspy.Image: Media("Image"),
    dspy.Audio: Media("Audio"),
    dspy.File: Media("File"),
    dspy.History: Media("History"),
    dspy.Tool: Media("Tool"),
}


def type_of(annotation: Any) -> Type:
    """Say which of our types an annotation is that DSPy made."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return LiteralOf(arguments)
    if origin in (typing.Union, types.UnionType):
        return union(*map(type_of, arguments))
    if origin is None:
        return _SIMPLE[annotation]
    if not arguments and annotation not in (tuple[()], typing.Tuple[()]):  # noqa: UP006
        return _SIMPLE[origin]
    if origin is tuple:
        if arguments[-1:] == (...,):
            return TupleOf((type_of(arguments[0]),), variadic=True)
        return TupleOf(tuple(map(type_of, arguments)))
    inner = list(map(type_of, arguments))
    if origin is dict:
        return DictOf(*inner)
    return ListOf(*inner) if origin is list else SetOf(*inner)


def by_dspy(text: str, *instructions: str) -> Any:
    """Let DSPy read the string; it warns of names that its base class has too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dspy.Signature(text, *instructions)


def assert_same(ours: Signature, theirs: Any) -> None:
    """Assert that both have the same names, order, types, words and instructions."""
    for mine, other in ((ours.inputs, theirs.input_fields), (ours.outputs, theirs.output_fields)):
        assert [field.name for field in mine] == list(other)
        assert [field.type for field in mine] == [
            type_of(each.annotation) for each in other.values()
        ]
        extras = [each.json_schema_extra for each in other.values()]
        assert [prompt_description(field) for field in mine] == [each["desc"] for each in extras]
        assert [prompt_prefix(field) for field in mine] == [each["prefix"] for each in extras]
    assert ours.effective_instructions == theirs.instructions


WRITTEN = [
    "question -> answer",
    "question: str, context: list[str] -> answer: str",
    "message: str -> topic: Literal['billing','bug','other'], urgent: bool, summary: str",
    "a, -> b,",
    "a\\\n->\tb",
    "a:\tint\n->\x0cb:\nstr",
    "a: (int) -> b: ((str))",
    "a: NoneType -> b: list[NoneType]",
    "a: None|None -> b: types.NoneType",
    "a: list -> b: dict, c: tuple, d: set",
    "a: list[List] -> b: list[Dict], c: dict[str, Tuple], d: Optional[Set]",
    "a: List[int] -> b: Dict[str, int], c: Tuple[int, ...], d: Set[str], e: Text",
    "a: typing.List[typing.Optional[int]] -> b: typing.Any, c: typing.Literal['x']",
    "a: dict[(str, int)] -> b: tuple[(int, ...)], c: list[(int)]",
    "a: tuple[()] -> b: Tuple[()]",
    "a: list[int,] -> b: Optional[int,], c: Union[int,], d: Literal['x',]",
    "a: int | None -> b: None | int, c: int | str | None, d: NoneType | int",
    "a: Union[int, None, str] -> b: Optional[Optional[int]], c: Union[Union[int, str], float]",
    "a: Optional[None] -> b: Union[int, int], c: int | int",
    "a: Union[list[int], List[int]] -> b: Literal['x'] | Literal['y']",
    "a: Literal[1, True, 'x', 'x', None] -> b: Literal[Literal['a'], 'b']",
    "a: Literal['a' 'b', r'\\d', u'x', '''t''', \"q\"] -> b: Literal[10_000, 0x10, 0b11, 0o17, 0]",
    "a: Literal['\\x41\\n\\t\\u00e9\\N{BULLET}\\101\\\\', 'it\\'s', 'a, b: c [d]'] -> b",
    "a: Literal['#', '=', '*', 'é', '日本'] -> b: Literal[\"'\", '\"']",
    "a: Literal[('x')] -> b: Literal[('x' 'y'), 'z'], c: Literal[('p', 'q')]",
    "a: dspy.Image, b: dspy.Audio, c: dspy.File, d: dspy.History, e: dspy.Tool -> f",
    "a: list[dspy.Image] -> b: dspy.Image | None, c: dict[str, dspy.File]",
    "a: datetime.date -> b: datetime.datetime, c: list[datetime.date] | None",
    "a: bytes, b: float, c: bool -> d: Any, e: list[Any]",
    "a: dict[str, list[dict[int, tuple[str, ...]]]] -> b: list[list[list[list[int]]]]",
    "json, copy, schema, match, type, self, cls, print, dict, model_x -> list, str, append",
    "camelCaseText, top3words, parseHTMLPage, a_, x__y2Z, aB, aBC1d2 -> hTTPServer, v2, abcDEF",
    "a : typing . List [ int ] -> b",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_written_strings_agree(text: str) -> None:
    """Each string of the list means the same to both."""
    assert_same(parse_signature(text), by_dspy(text))


@pytest.mark.parametrize("text", WRITTEN)
def test_canonical_text_means_the_same(text: str) -> None:
    """The canonical text reads back to the same signature."""
    signature = parse_signature(text)
    assert parse_signature(signature.text) == signature


@pytest.mark.parametrize(
    "instructions",
    [
        "Answer.",
        "  padded  ",
        "one\n    two\n      three\n",
        "\n\n  a\n\n  b\n\n",
        "\tx\n\t\ty  ",
        "é\u2028z",
    ],
)
def test_instructions_agree(instructions: str) -> None:
    """Instructions are cleaned as DSPy cleans them."""
    ours = parse_signature("a -> b").with_instructions(instructions)
    assert ours.effective_instructions == by_dspy("a -> b", instructions).instructions


BLANK = st.sampled_from(["", "", "", " ", "  ", "\t", "\n", " \n ", "\x0c", "\\\n", "\r\n"])
NAME = st.from_regex(r"[a-z][A-Za-z0-9_]{0,12}", fullmatch=True).filter(is_valid_field_name)
CONSTANT_TEXT = st.text(
    st.sampled_from(
        string.ascii_letters + string.digits + " _.,:;[](){}|#=*/-+!?é日\U0001f600\\'\"\n\t"
    ),
    max_size=8,
).filter(lambda text: "->" not in text)


def _quoted(text: str, style: int) -> str:
    if style == 1 and not any(char in text for char in "\\'\n\""):
        return f"r'{text}'"
    if style == 2 and not any(char in text for char in '\\"\n'):
        return f'"{text}"'
    if style == 3 and not any(char in text for char in "\\'"):
        return f"'''{text}'''"
    return repr(text).replace("->", "-\\x3e")


CONSTANT = st.one_of(
    st.builds(_quoted, CONSTANT_TEXT, st.integers(0, 3)),
    st.integers(0, 2**63 - 1).map(str),
    st.integers(0, 999).map(hex),
    st.sampled_from(["True", "False", "None"]),
)
SCALAR = st.sampled_from(
    [
        "str",
        "int",
        "float",
        "bool",
        "bytes",
        "Any",
        "typing.Any",
        "Text",
        "list",
        "dict",
        "set",
        "tuple",
        "datetime.date",
        "datetime.datetime",
        "dspy.Image",
        "dspy.History",
        "dspy.Tool",
    ]
)


@st.composite
def _joined(
    draw: st.DrawFn, parts: st.SearchStrategy[list[str]], opening: str, closing: str
) -> str:
    items = draw(parts)
    text = ",".join(f"{draw(BLANK)}{item}{draw(BLANK)}" for item in items)
    tail = draw(st.sampled_from(["", "", ","]))
    return f"{opening}{draw(BLANK)}[{text}{tail}]{draw(BLANK)}{closing}"


def _containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    nested = st.one_of(inner, st.sampled_from(["None", "NoneType"]))

    def lists(size: int, most: int | None = None) -> st.SearchStrategy[list[str]]:
        return st.lists(nested, min_size=size, max_size=most or size)

    def either(names: list[str], parts: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
        return st.sampled_from(names).flatmap(lambda name: _joined(parts, name, ""))

    return st.one_of(
        either(["list", "List", "typing.List", "set", "Set", "Optional"], lists(1)),
        either(["dict", "Dict", "typing.Dict"], lists(2)),
        either(["tuple", "Tuple"], lists(1, 3)),
        either(["tuple", "Tuple"], lists(1).map(lambda items: [*items, "..."])).filter(
            lambda text: not text.rstrip().removesuffix("]").rstrip().endswith(",")
        ),
        either(["Union", "typing.Union"], lists(1, 3)),
        either(["Literal", "typing.Literal"], st.lists(CONSTANT, min_size=1, max_size=4)),
        st.builds(lambda a, b, gap: f"{a}{gap}|{gap}{b}", inner, nested, BLANK),
        inner.map(lambda text: f"({text})"),
    )


TYPE = st.recursive(SCALAR, _containers, max_leaves=6)


@st.composite
def _field(draw: st.DrawFn, name: str) -> str:
    if draw(st.integers(0, 3)) == 0:
        return f"{draw(BLANK)}{name}{draw(BLANK)}"
    return f"{draw(BLANK)}{name}{draw(BLANK)}:{draw(BLANK)}{draw(TYPE)}{draw(BLANK)}"


@st.composite
def signatures(draw: st.DrawFn) -> str:
    """Give strings that DSPy accepts and keeps whole."""
    names = draw(st.lists(NAME, min_size=2, max_size=6, unique=True))
    cut = draw(st.integers(1, len(names) - 1))
    sides = [",".join(draw(_field(name)) for name in side) for side in (names[:cut], names[cut:])]
    return "->".join(sides)


@FEW
@given(signatures())
def test_generated_strings_agree(text: str) -> None:
    """What DSPy accepts and keeps whole means the same to both, and to the canonical text."""
    try:
        theirs = by_dspy(text)
    except ValueError as error:
        # Beside a dotted name DSPy forgets that it knows NoneType.
        if "Unknown name: NoneType" not in str(error):
            raise
        assume(False)
    ours = parse_signature(text)
    assert_same(ours, theirs)
    assert parse_signature(ours.text) == ours


WORDS = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "int",
        "str",
        "list",
        "dict",
        "Literal",
        "Optional",
        "Union",
        "tuple",
        "None",
        "NoneType",
        "typing",
        "[",
        "]",
        "(",
        ")",
        ",",
        ":",
        "|",
        "->",
        "1",
        "'x'",
        "...",
        "True",
        ".",
        "'",
        '"',
        "-",
        "set",
        "Dict",
        "\\",
        "r'x'",
        "0x1f",
        "1_0",
        "=",
        "*",
        "/",
        "#",
        "\n",
    ]
)
EDITS = st.lists(st.tuples(st.sampled_from("+-="), st.integers(0, 200), WORDS), max_size=4)


def _edited(text: str, edits: list[tuple[str, int, str]], glue: str) -> str:
    words = re.findall(r"'[^']*'|\w+|->|\.\.\.|\S", text)
    for edit, place, word in edits:
        at = place % len(words) if words else 0
        words[at : at + (edit != "+")] = [] if edit == "-" else [word]
    return glue.join(words)


@settings(FEW, max_examples=500)
@given(st.builds(_edited, st.sampled_from(WRITTEN), EDITS, st.sampled_from(["", " "])))
def test_no_string_means_two_things(text: str) -> None:
    """However a string is bent: where both accept it, it means the same to both."""
    try:
        ours = parse_signature(text)
    except SignatureError:
        return
    try:
        theirs = by_dspy(text)
    except DSPY_ERRORS:
        return
    assert_same(ours, theirs)


DROPPED = [
    ("a: int = 3 -> b", "DefaultDropped", "="),
    ("c, a: str='x' -> b", "DefaultDropped", "="),
    ("a # the a\n -> b", "CommentDropped", "#"),
    ("a, a -> b", "DuplicateField", "a"),
    ("a -> b, b: int", "DuplicateField", "b"),
    ("-> b", "EmptySide", "->"),
    ("a ->", "EmptySide", "the end of the text"),
    ("->", "EmptySide", "->"),
    ("a, /, b -> c", "SlashDropped", "/"),
    ("*a, d -> b", "StarDropped", "*"),
    ("a, *, b -> c", "StarDropped", "*"),
    ("**a -> b", "StarDropped", "*"),
    ("a: None -> b", "NoneAlone", "None"),
    ("a: (None) -> b", "NoneAlone", "(None)"),
    ("a: Annotated[int, Field(gt=1)] -> b", "UnknownType", "Annotated"),
    ("a: decimal.Decimal -> b", "UnknownType", "decimal.Decimal"),
    ("a: pathlib.Path -> b", "UnknownType", "pathlib.Path"),
    ("a: builtins.int -> b", "UnknownType", "builtins.int"),
    ("a: dspy.Code -> b", "UnknownType", "dspy.Code"),
    ("a: complex -> b", "UnknownType", "complex"),
    ("a: frozenset[int] -> b", "UnknownType", "frozenset"),
    ("a: Sequence[int] -> b", "UnknownType", "Sequence"),
    ("a: list['int'] -> b", "UnknownType", "'int'"),
    ("a: list[int, str] -> b", "WrongArguments", "list[int, str]"),
    ("a: Literal[int] -> b", "NotConstant", "int"),
    ("a: Literal[1.5] -> b", "NotConstant", "1.5"),
    ("a: Literal[b'x'] -> b", "NotConstant", "b'x'"),
    ("a): pass\ndef g(b -> c", "UnexpectedToken", ")"),
]


@pytest.mark.parametrize(("text", "code", "found"), DROPPED)
def test_what_dspy_drops_or_imports_is_refused(text: str, code: str, found: str) -> None:
    """DSPy takes these without a word; here they are refused with their place."""
    by_dspy(text)
    with pytest.raises(SignatureError) as caught:
        parse_signature(text)
    diagnostic = caught.value.diagnostics[0]
    assert (diagnostic.code, diagnostic.found) == (code, found)
    assert diagnostic.source == text
    assert diagnostic.start is not None
    assert diagnostic.remedy or diagnostic.expected
    assert "^" in diagnostic.render()
