"""Types: what their texts spell, and that they read back."""

import pytest
from hypothesis import given, settings

from dspex.errors import SignatureError
from dspex.native.signatures import parse_signature, parse_type
from dspex.native.types import (
    ANY,
    DATE,
    DATETIME,
    INT,
    NONE,
    OBJECT,
    STR,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    TupleOf,
    Type,
    UnionOf,
    is_optional,
    optional,
    union,
    without_none,
)
from fakes.typed_values import TYPES


@settings(deadline=None, max_examples=300)
@given(TYPES)
def test_every_type_reads_back(type_: Type) -> None:
    """`str(type)` is a text that spells the same type, alone and in a signature."""
    assert parse_type(str(type_)) == type_
    signature = parse_signature("a -> b")
    text = signature.text.replace("b: str", "b: ") + str(type_).replace("->", "-\\x3e")
    if type_ != NONE:
        assert parse_signature(text).outputs[0].type == type_


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("date", DATE),
        ("datetime", DATETIME),
        ("object", OBJECT),
        ("Image", Media("Image")),
        ("List", ListOf(ANY)),
        ("Dict", DictOf(ANY, ANY)),
        ("Tuple", TupleOf((ANY,), variadic=True)),
        ("Literal[-1, -9223372036854775808]", LiteralOf((-1, -(2**63)))),
        ("Literal['->']", LiteralOf(("->",))),
        ("str|None", UnionOf((STR, NONE))),
        ("None | str | None", UnionOf((STR, NONE))),
    ],
)
def test_spellings_beyond_dspys(text: str, type_: Type) -> None:
    """These mean what they look like, though DSPy's strings don't take them."""
    assert parse_type(text) == type_


def test_an_arrow_in_a_constant_stays_out_of_the_canonical_text() -> None:
    """DSPy cuts a signature at every arrow; the canonical text has just one."""
    signature = parse_signature("a: Literal['->', '\\\\->'] -> b")
    assert signature.text.count("->") == 1
    assert parse_signature(signature.text) == signature


@pytest.mark.parametrize(
    ("text", "code", "start", "end"),
    [
        ("", "MissingType", 0, 1),
        ("int int", "UnexpectedToken", 4, 7),
        ("list[int", "NotClosed", 4, 5),
        ("list[int)", "UnexpectedToken", 8, 9),
        ("list[]", "MissingType", 0, 6),
        ("list[int, str]", "WrongArguments", 0, 14),
        ("list[...]", "UnexpectedToken", 0, 9),
        ("dict[str]", "WrongArguments", 0, 9),
        ("Optional[int, str]", "WrongArguments", 0, 18),
        ("Union[()]", "WrongArguments", 0, 9),
        ("tuple[int, str, ...]", "WrongArguments", 0, 20),
        ("tuple[..., int]", "UnexpectedToken", 11, 14),
        ("tuple[...]", "WrongArguments", 0, 10),
        ("int[str]", "NotGeneric", 0, 4),
        ("Optional", "WrongArguments", 0, 8),
        ("()", "MissingType", 0, 2),
        ("(int, str)", "UnexpectedToken", 4, 5),
        ("'int'", "UnknownType", 0, 5),
        ("'int", "NotClosed", 0, 1),
        ("Literal[]", "MissingType", 0, 9),
        ("Literal[()]", "MissingType", 0, 11),
        ("Literal[a]", "NotConstant", 8, 9),
        ("Literal[a.b]", "NotConstant", 8, 11),
        ("Literal['a]", "NotClosed", 8, 9),
        ("Literal[,]", "NotConstant", 8, 9),
        ("Literal[1.5]", "NotConstant", 8, 11),
        ("Literal[-x]", "NotConstant", 8, 10),
        ("Literal[9223372036854775808]", "NotConstant", 8, 27),
        ("Literal[-9223372036854775809]", "NotConstant", 8, 28),
        (f"Literal[{'9' * 90}]", "NotConstant", 8, 98),
        ("Literal[b'x']", "NotConstant", 8, 12),
        ("Literal[f'x']", "NotConstant", 8, 12),
        ("Literal[ur'x']", "NotConstant", 8, 13),
        ("Literal['\\ud800']", "NotConstant", 8, 16),
        ("Literal['\\N{NO SUCH}']", "NotConstant", 8, 21),
        ("Literal['\\U00110000']", "NotConstant", 8, 20),
        ("Literal['\\x4']", "NotConstant", 8, 13),
        ("Literal['a' b]", "UnexpectedToken", 12, 13),
        ("typing.", "UnexpectedToken", 0, 7),
        ("typing.Annotated[int]", "UnknownType", 0, 16),
        ("os.system", "UnknownType", 0, 9),
        ("int |", "MissingType", 5, 6),
        ("int = 3", "DefaultDropped", 4, 5),
        ("list[" * 33 + "int" + "]" * 33, "TooDeep", 164, 165),
        ("(" * 33 + "int" + ")" * 33, "TooDeep", 32, 33),
    ],
)
def test_a_wrong_type_is_refused_at_its_place(text: str, code: str, start: int, end: int) -> None:
    """The finding names the first wrong token."""
    with pytest.raises(SignatureError) as caught:
        parse_type(text)
    [diagnostic] = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.start, diagnostic.end) == (code, start, end)
    assert diagnostic.source == text


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("Sequence[int]", "write list[…]"),
        ("typing.Mapping", "write dict[…, …]"),
        ("string", "write str"),
        ("strr", "write str"),
        ("Lits[int]", "write list"),
        ("dspy.Imag", "write Image"),
        ("mymodule.Image", "write Image"),
        ("frozenset[int]", "write set[…]"),
        ("Annotated[int, 3]", "constraints into"),
        ("Widget", "DSPy would import others by name"),
    ],
)
def test_an_unknown_type_comes_with_what_to_write(text: str, remedy: str) -> None:
    """Types of elsewhere and misspelt ones name the one that was probably meant."""
    with pytest.raises(SignatureError) as caught:
        parse_type(text)
    assert remedy in str(caught.value.diagnostics[0].remedy)


def test_32_open_brackets_are_allowed() -> None:
    """The bound itself is inside."""
    assert str(parse_type("list[" * 32 + "int" + "]" * 32)).count("list") == 32


def test_literals_of_1_and_true_differ() -> None:
    """Python's 1 == True must not make two types one."""
    assert LiteralOf((1,)) != LiteralOf((True,))
    assert LiteralOf((1,)) != STR
    assert union(LiteralOf((1,)), LiteralOf((True,))) == UnionOf(
        (LiteralOf((1,)), LiteralOf((True,)))
    )


def test_optional_types() -> None:
    """None is found among options and constants, and can be taken out."""
    assert is_optional(optional(STR))
    assert is_optional(LiteralOf(("a", None)))
    assert is_optional(NONE)
    assert is_optional(ANY)
    assert not is_optional(LiteralOf(("a",)))
    assert not is_optional(union(STR, INT))
    assert without_none(optional(STR)) == STR
    assert without_none(NONE) == NONE
    assert without_none(union(STR, INT, NONE)) == union(STR, INT)
