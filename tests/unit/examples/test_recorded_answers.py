"""The recorded endpoint of the examples: which answer a request gets, and in which form."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).parents[3] / "examples" / "recorded" / "answers.py"
ANSWERS: Any = runpy.run_path(str(FILE))
TOLD = (
    "Your input fields are:\n1. `message` (str):\nYour output fields are:\n"
    "1. `mood` (str):\nAll interactions will be structured in the following way"
)


def request(said: str, form: str = "") -> Any:
    """Read a request that asks for `mood`, as an adapter writes it."""
    messages = [
        {"role": "system", "content": f"{TOLD}\n{form}"},
        {"role": "user", "content": said},
    ]
    return ANSWERS["read"]({"messages": messages})


def answer(number: int, *when: str, **outputs: Any) -> Any:
    """Make an answer."""
    return ANSWERS["Answer"](f"answer {number}", when, outputs)


def test_the_answer_with_most_text_is_given() -> None:
    """A retry says more than the first attempt, and so does its answer."""
    both = [answer(1, "kettle", mood="sad"), answer(2, "kettle", "not\na mood", mood="unhappy")]
    choose = ANSWERS["choose"]
    assert choose(both, request("my kettle")).outputs == {"mood": "sad"}
    assert choose(both, request("my kettle: sad is not  a mood")).outputs == {"mood": "unhappy"}


def test_an_answer_has_exactly_the_fields_that_are_asked_for() -> None:
    """Inputs are no outputs, and a field more or less does not fit."""
    assert request("x").asked == {"mood"}
    other = [answer(1, "x", mood="sad", reasoning="because"), answer(2, "x", message="x")]
    with pytest.raises(ANSWERS["NoAnswerError"]):
        ANSWERS["choose"](other, request("x"))


def test_a_request_without_an_answer_names_the_nearest() -> None:
    """The answer that lacks least, and what it lacks."""
    known = [answer(1, "lamp", "broken", mood="sad"), answer(2, "kettle", "broken", mood="sad")]
    with pytest.raises(ANSWERS["NoAnswerError"]) as caught:
        ANSWERS["choose"](known, request("my kettle leaks"))
    assert "the nearest is answer 2, but the request does not say ['broken']" in str(caught.value)
    with pytest.raises(ANSWERS["NoAnswerError"], match="none is recorded at all"):
        ANSWERS["choose"]([], request("my kettle leaks"))


def test_the_form_is_the_adapters() -> None:
    """Headers for Chat, a JSON object otherwise."""
    given = answer(1, mood="sad", score=1.5)
    chat = ANSWERS["write"](given, request("x", "[[ ## completed ## ]]"))
    assert chat == ("[[ ## mood ## ]]\nsad\n\n[[ ## score ## ]]\n1.5\n\n[[ ## completed ## ]]")
    assert json.loads(ANSWERS["write"](given, request("x"))) == {"mood": "sad", "score": 1.5}


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    """The place and what was found."""
    file = tmp_path / "answers.yaml"
    file.write_text("- {wen: [x], outputs: {}}\n")
    with pytest.raises(ValueError, match=r"answer 1: expected when and outputs, found .*wen"):
        ANSWERS["load"](file)
