"""What adapters forgive, and what they do not."""

from typing import Any

import dspy
import pytest
from dspy.utils.exceptions import AdapterParseError

from dspex.bridge.protocol import Feedback
from dspex.native.signatures import parse_signature
from dspex_worker.adapters import ADAPTERS, CheckedChatAdapter, CheckedJSONAdapter
from dspex_worker.adapters.frame import MAX_ANSWER, MAX_ERRORS, Frame, feedback_turns, framed
from dspex_worker.failures import OutputInvalidError
from dspex_worker.signatures import dspy_signature


def chat(signature: str, **sections: str) -> dict[str, Any]:
    """Parse a Chat answer with these sections."""
    text = "\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in sections.items())
    parsed: dict[str, Any] = CheckedChatAdapter().parse(
        dspy_signature(parse_signature(signature)), "Sure!\n" + text
    )
    return parsed


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("str", "3", "3"),
        ("int", "3", 3),
        ("bool", "True", True),
        ("bool", "no", False),
        ("list[str]", '["a", "b"]', ["a", "b"]),
        ("list[str]", "['a', 'b']", ["a", "b"]),
        ("dict[str, int]", '{"a": 1}', {"a": 1}),
        ("Literal['true', 'false']", "true", "true"),
        ("Literal['a b']", '"A B"', "a b"),
        ("str | int", "3", "3"),
        ("Any", "[1]", [1]),
        ("Any", "just text", "just text"),
        ("float", "0.5", 0.5),
        ("set[int]", "[1, 1]", {1}),
    ],
)
def test_chat_text_becomes_a_value_of_the_type(type_: str, text: str, value: Any) -> None:
    """A section's text is taken as the type means it."""
    assert chat(f"q -> a: {type_}", a=text) == {"a": value}


def test_strict_takes_json_text_as_it_is_and_repairs_nothing() -> None:
    """In Chat every value is text: strict reads it as JSON, and no further."""
    with framed(Frame(strict=True)):
        assert chat("q -> a: int, b: list[str]", a="3", b='["x"]') == {"a": 3, "b": ["x"]}
        with pytest.raises(OutputInvalidError):
            chat("q -> a: list[str]", a="['x']")
        signature = dspy_signature(parse_signature("q -> a: int"))
        with pytest.raises(AdapterParseError):
            CheckedJSONAdapter().parse(signature, "Sure: {'a': 3}")
        with pytest.raises(OutputInvalidError):
            CheckedJSONAdapter().parse(signature, '{"a": "3"}')


def test_an_optional_output_may_be_missing_and_others_may_not() -> None:
    """None stands for a missing optional field; a missing other one is no answer."""
    assert chat("q -> a, b: str | None", a="x") == {"a": "x", "b": None}
    with pytest.raises(AdapterParseError):
        chat("q -> a, b", a="x")


def test_the_first_of_two_sections_counts_and_unknown_ones_are_left_out() -> None:
    """As DSPy reads them."""
    text = "[[ ## a ## ]] one\n[[ ## a ## ]]\ntwo\n[[ ## z ## ]]\nthree"
    signature = dspy_signature(parse_signature("q -> a"))
    assert CheckedChatAdapter().parse(signature, text) == {"a": "one"}


@pytest.mark.parametrize(
    "text", ['```json\n{"a": 1}\n```', 'The answer: {"a": 1,} ok', '{"a": "1"}']
)
def test_json_in_prose_is_found(text: str) -> None:
    """Text around the object and small mistakes are forgiven."""
    signature = dspy_signature(parse_signature("q -> a: int"))
    assert CheckedJSONAdapter().parse(signature, text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "none", "[1]", '{"a": 1', "}{"])
def test_what_is_no_object_is_no_answer(text: str) -> None:
    """Half an object is not repaired into a whole one."""
    signature = dspy_signature(parse_signature("q -> a: int"))
    with pytest.raises(AdapterParseError):
        CheckedJSONAdapter().parse(signature, text)


@pytest.mark.parametrize("name", ADAPTERS)
def test_fields_of_a_modules_own_signature_are_parsed_as_dspy_does(name: str) -> None:
    """A field without native type goes by its annotation, and fails as DSPy's do."""
    signature = dspy.Signature("q -> a: int")
    good = {"Chat": "[[ ## a ## ]]\n3"}.get(name, '{"a": "3"}')
    bad = {"Chat": "[[ ## a ## ]]\nmany"}.get(name, '{"a": "many"}')
    adapter: Any = ADAPTERS[name]()
    assert adapter.parse(signature, good) == {"a": 3}
    with pytest.raises(AdapterParseError):
        adapter.parse(signature, bad)


def test_feedback_is_bounded() -> None:
    """Neither a long answer nor a thousand errors fill the prompt."""
    feedback = (Feedback(answer="x" * 100_000, errors=[f"e{i}" for i in range(1000)]),)
    with framed(Frame(outputs=frozenset({"a"}), feedback=feedback)):
        answer, errors = feedback_turns({"a", "reasoning"})
        assert feedback_turns({"other"}) == []
    assert len(answer["content"]) == MAX_ANSWER
    assert errors["content"].count("\n- e") == MAX_ERRORS
