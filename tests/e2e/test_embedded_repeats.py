"""The embedded model gives equal answers to equal calls, whatever it was asked before."""

from typing import Any

from dspex_worker.lm.embedded import REMEMBERED, EmbeddedModel
from dspex_worker.lm.slots import Slots


def ask(task: str, question: str) -> list[dict[str, Any]]:
    """Return a chat with a beginning of its own for each task."""
    return [
        {"role": "system", "content": f"{task} Write a long answer."},
        {"role": "user", "content": "What is a kettle?"},
        {"role": "assistant", "content": "A vessel in which water is brought to the boil."},
        {"role": "user", "content": question},
    ]


LINES = {
    "type": "array",
    "minItems": 9,
    "maxItems": 9,
    "items": {"type": "string", "maxLength": 60},
}
SCHEMA = {
    "type": "object",
    "properties": {"lines": LINES},
    "required": ["lines"],
    "additionalProperties": False,
}
WILD: dict[str, Any] = {"temperature": 1.5, "seed": 1}
STORY = ask("You tell stories.", "Tell me about a dog that found a shoe.")
OTHERS = [
    ask("You tell stories.", "Tell me about a dog that lost its way."),
    ask("You explain things.", "Tell me about a dog that found a shoe."),
    ask("You write letters.", "Complain about a parcel that never came."),
    [{"role": "user", "content": "Tell me about a dog."}],
]


async def test_what_was_asked_before_changes_no_answer() -> None:
    """Drawn with a seed, so that the last digit of a sum soon leads to another word."""
    with EmbeddedModel() as model:
        first = await model.complete(STORY, SCHEMA, **WILD)
    with EmbeddedModel() as model:
        for other in OTHERS[1:]:
            await model.complete(other, max_tokens=3)
        later = await model.complete(STORY, SCHEMA, **WILD)
    assert first.completion_tokens > 50
    assert later.text == first.text


def test_the_slot_that_was_used_longest_ago_is_given_away() -> None:
    """Two beginnings in turns keep their slots; a third takes the older one's."""
    slots = Slots(REMEMBERED)
    one, two = slots.take("one"), slots.take("two")
    assert (one[1], two[1]) == (False, False)
    assert one[0] != two[0]
    assert slots.take("one") == (one[0], True)
    assert slots.take("three") == (two[0], False)
    assert slots.take("one") == (one[0], True)
    assert slots.take("two") == (two[0], False)
