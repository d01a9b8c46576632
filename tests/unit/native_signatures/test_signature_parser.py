"""The parser of signatures: findings, bounds, and that no text does harm."""

import random
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.errors import SignatureError
from dspex.native.signatures import MAX_FIELDS, MAX_LENGTH, Signature, parse_signature
from dspex.native.signatures.parser import MAX_FINDINGS
from dspex.native.types import INT, STR, ListOf


def findings(text: str) -> list[tuple[str, int | None]]:
    """Parse a wrong text, and give code and place of what was found."""
    with pytest.raises(SignatureError) as caught:
        parse_signature(text)
    return [(each.code, each.start) for each in caught.value.diagnostics]


def test_fields_come_in_order_with_their_types() -> None:
    """Names, order and types are the text's; a field without a type is a str."""
    signature = parse_signature("question, context: list[str] -> answer: int")
    assert [(field.name, field.type) for field in signature.inputs] == [
        ("question", STR),
        ("context", ListOf(STR)),
    ]
    assert [(field.name, field.type) for field in signature.outputs] == [("answer", INT)]


def test_all_wrong_fields_are_found_at_once() -> None:
    """Each field that is wrong has its finding; the good ones between them have none."""
    text = "a: Foo, good: int, on, b: list[int -> c: int = 3, good2, d: dict[str], a"
    assert findings(text) == [
        ("UnknownType", 3),
        ("InvalidName", 19),
        ("NotClosed", 30),
        ("DefaultDropped", 45),
        ("WrongArguments", 60),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("MissingArrow", 0)]),
        ("question", [("MissingArrow", 8)]),
        ("a -> b -> c", [("SecondArrow", 7)]),
        ("a -> b -> c -> d", [("SecondArrow", 7), ("SecondArrow", 12)]),
        ("a,, b -> c", [("UnexpectedToken", 2)]),
        (", a -> c", [("UnexpectedToken", 0)]),
        ("a b -> c", [("UnexpectedToken", 2)]),
        ("(a) -> b", [("UnexpectedToken", 0)]),
        (": int -> b", [("UnexpectedToken", 0)]),
        ("a: -> b", [("MissingType", 3)]),
        ("a -> a", [("DuplicateField", 5)]),
        ("Big: Foo -> b", [("InvalidName", 0), ("UnknownType", 5)]),
        ("a: Literal['x -> b", [("NotClosed", 11)]),
        ("a.b -> c", [("UnexpectedToken", 1)]),
        ("a; b -> c", [("UnexpectedToken", 1)]),
        ("a: Literal['''x'] -> b", [("UnexpectedToken", 17), ("MissingArrow", 22)]),
    ],
)
def test_wrong_texts_are_refused_at_their_place(
    text: str, expected: list[tuple[str, int | None]]
) -> None:
    """Code and place of every finding."""
    if "'''" in text:
        assert findings(text)[0][0] in ("NotClosed", "UnexpectedToken")
    else:
        assert findings(text) == expected


def test_a_field_that_was_refused_does_not_empty_its_side() -> None:
    """One mistake is reported once."""
    assert findings("a: Foo -> b") == [("UnknownType", 3)]
    assert findings("a -> b: Foo") == [("UnknownType", 8)]


def test_the_findings_of_one_text_are_bounded() -> None:
    """A text that was not meant as a signature does not answer with thousands of lines."""
    assert len(findings("A," * 1000)) == MAX_FINDINGS


def test_an_arrow_inside_a_constant_is_text() -> None:
    """Only the arrow between the sides cuts."""
    signature = parse_signature("a: Literal['->', \"x -> y\"] -> b")
    assert [field.name for field in signature.fields] == ["a", "b"]


def test_the_number_of_fields_is_bounded() -> None:
    """64 fields are read, one more is refused."""
    names = [f"f{index}" for index in range(MAX_FIELDS)]
    assert len(parse_signature(f"{', '.join(names[1:])} -> {names[0]}").fields) == MAX_FIELDS
    assert findings(f"{', '.join(names)} -> out") == [("TooManyFields", 0)]


def test_the_length_is_bounded_in_bytes() -> None:
    """4 KiB are read, one byte more is refused before anything is parsed."""
    text = "a: Literal['{}'] -> b"
    fits = text.format("é" * ((MAX_LENGTH - len(text) + 2) // 2))
    assert len(fits.encode()) in (MAX_LENGTH, MAX_LENGTH - 1)
    parse_signature(fits)
    assert findings(fits + "  ")[0][0] == "TooLong"
    assert findings("x" * 1_000_000) == [("TooLong", MAX_LENGTH)]


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text("abc[](),:|->.='\"\\ \n#*/_0123Literastnukow", max_size=80),
    st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape")),
    st.builds(lambda part, count: part * count, st.text(max_size=6), st.integers(0, 700)),
)


@settings(deadline=None, max_examples=500)
@given(HOSTILE)
def test_any_text_is_a_signature_or_refused_with_places(text: str) -> None:
    """No text raises anything else, and every finding has its place and can be printed."""
    signature = _try(text)
    if signature is not None:
        assert parse_signature(signature.text) == signature
        return
    with pytest.raises(SignatureError) as caught:
        parse_signature(text)
    assert caught.value.diagnostics
    for diagnostic in caught.value.diagnostics:
        assert diagnostic.source == text
        assert diagnostic.start is not None
        assert diagnostic.end is not None
        assert 0 <= diagnostic.start < diagnostic.end <= len(text) + 1
        assert diagnostic.message
        diagnostic.render()


REPEATED = [
    "(",
    "[",
    "list[",
    "Literal[",
    "Literal[(",
    "a: (",
    "'",
    "'''",
    '"""\\',
    "\\\n",
    " ",
    "\\",
    "a,",
    "a: int|",
    "a: Literal['",
    "->",
    "a.",
    "0",
    "r'",
    "tuple[(",
    "a:b,",
    "Literal[1]|",
    "é",
]


@pytest.mark.parametrize("part", REPEATED)
def test_no_text_takes_long(part: str) -> None:
    """The longest text allowed of any one part ends in well under a second."""
    texts = [
        part * (MAX_LENGTH // len(part.encode())),
        ("a: " + part * 1000)[:4000] + "x",
        ("a: " + " ".join([part] * 1000))[:4000] + " -> b",
    ]
    started = time.process_time()
    for text in texts:
        with pytest.raises(SignatureError):
            parse_signature(text)
    assert time.process_time() - started < 1.0


def test_many_different_constants_do_not_take_long() -> None:
    """Options of a union are compared by their hashes, not one with each other."""
    options = "|".join(f"Literal[{index}]" for index in range(300))
    started = time.process_time()
    parse_signature(f"a: {options} -> b")
    assert time.process_time() - started < 0.2


def test_parsing_imports_and_evaluates_nothing(watched: list[str]) -> None:
    """Names of modules stay text, whatever stands in the string."""
    texts = [
        "a: antigravity -> b",
        "a: os.system -> b: __import__('os')",
        "a: Literal['x'.upper()] -> b",
        "a: list['__import__(1)'] -> b",
        "a: this.s -> b: Literal[exec('1')]",
        "a: typing.List[int] -> b: dspy.Image",
    ]
    results = [_try(text) for text in texts]
    assert watched == []
    assert [isinstance(result, Signature) for result in results] == [False] * 5 + [True]


@pytest.fixture
def watched() -> Iterator[list[str]]:
    """Give the list of what the interpreter imports, compiles, runs and opens meanwhile."""
    events: list[str] = []
    watching = True

    def hook(event: str, _: tuple[object, ...]) -> None:
        if watching and event in ("import", "compile", "exec", "open", "subprocess.Popen"):
            events.append(event)

    sys.addaudithook(hook)  # it stays, and does nothing once `watching` is off
    yield events
    watching = False


def _try(text: str) -> Signature | None:
    try:
        return parse_signature(text)
    except SignatureError:
        return None


def test_shuffled_tokens_never_break_the_parser() -> None:
    """Tokens in any order, most of them nonsense, end in a signature or in findings."""
    source = random.Random(7)
    words = "a b : , -> [ ] ( ) | list dict Literal 'x' 1 None ... . tuple Union = Optional - r'y'"
    for _ in range(2000):
        _try(" ".join(source.choices(words.split(), k=source.randint(1, 25))))
