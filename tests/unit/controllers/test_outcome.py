"""From findings to conditions and Events, the same way for all kinds."""

from typing import Any

import pytest

from dspex.api.limits import MAX_DESCRIPTION
from dspex.controllers import outcome
from dspex.controllers.decision import Note
from dspex.errors import Diagnostic
from fakes.controller_bench import NOW, Clock
from fakes.items import Object, signature

THEN = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:01:00Z"
FINDING = Diagnostic(code="UnknownType", message="there is no type strr", remedy="write str")


def states(found: list[Object]) -> dict[str, str]:
    """Return the conditions' status by type."""
    return {each["type"]: each["status"] for each in found}


def times(found: list[Object]) -> dict[str, str]:
    """Return the conditions' times by type."""
    return {each["type"]: each["lastTransitionTime"] for each in found}


def test_what_is_good_is_ready() -> None:
    """With the generation that was looked at, and the time."""
    found = outcome.ready(signature("a", metadata={"generation": 4}), "Parsed", "a -> b", NOW)
    assert states(found) == {"Ready": "True", "Reconciling": "False", "Stalled": "False"}
    assert {each["reason"] for each in found} == {"Parsed"}
    assert {each["message"] for each in found} == {"a -> b"}
    assert {each["observedGeneration"] for each in found} == {4}
    assert set(times(found).values()) == {THEN}


def test_what_lacks_something_is_reconciling() -> None:
    """Never Stalled: it goes on by itself."""
    found = outcome.waiting(signature("a"), "MissingReference", "there is no Pool p", NOW)
    assert states(found) == {"Ready": "False", "Reconciling": "True", "Stalled": "False"}


def test_what_a_person_has_to_change_is_stalled() -> None:
    """The reason is the first finding's; the message has all of them with their remedies."""
    other = Diagnostic(code="Other", message="something else")
    found = outcome.stalled(signature("a"), iter([FINDING, other]), NOW)
    assert states(found) == {"Ready": "False", "Reconciling": "False", "Stalled": "True"}
    assert {each["reason"] for each in found} == {"UnknownType"}
    message = found[0]["message"]
    assert message == outcome.render([FINDING, other])
    assert [part in message for part in ("strr", "write str", "something else")] == [True] * 3


def test_a_time_stays_as_long_as_the_status_does() -> None:
    """A message may change meanwhile; what is another than before gets the new time."""
    clock = Clock()
    first = outcome.waiting(signature("a"), "MissingReference", "one", clock.now)
    clock.pass_(60)
    owner = signature("a", status={"conditions": first})
    second = outcome.waiting(owner, "MissingReference", "two", clock.now)
    assert set(times(second).values()) == {THEN}
    third = outcome.ready(owner, "Parsed", "", clock.now)
    assert times(third) == {"Ready": LATER, "Reconciling": LATER, "Stalled": THEN}


@pytest.mark.parametrize("size", [MAX_DESCRIPTION, MAX_DESCRIPTION + 1])
def test_a_message_is_cut_to_what_a_condition_holds(size: int) -> None:
    """An ellipsis says so; every way to conditions cuts."""
    text, owner = "x" * size, signature("a")
    long = Diagnostic(code="Long", message=text)
    for found in (
        outcome.ready(owner, "Parsed", text, NOW),
        outcome.waiting(owner, "Missing", text, NOW),
        outcome.stalled(owner, [long], NOW),
    ):
        message = found[0]["message"]
        assert len(message) <= MAX_DESCRIPTION
    assert outcome.cut(text).endswith("…") is (size > MAX_DESCRIPTION)


@pytest.mark.parametrize("status", [{}, {"status": None}, {"status": {"conditions": None}}])
def test_an_object_without_conditions_has_none(status: dict[str, Any]) -> None:
    """However their absence is written."""
    assert outcome.observed(signature("a") | status) == ()


def test_an_event_tells_of_another_state_or_reason() -> None:
    """Not of another message: that would be said again and again."""
    owner = signature("a")
    made = outcome.waiting(owner, "MissingReference", "one", NOW)
    assert outcome.transition(owner, made) == (Note("MissingReference", "one"),)
    owner["status"] = {"conditions": made}
    other = outcome.waiting(owner, "MissingReference", "two", NOW)
    assert outcome.transition(owner, other) == ()
    other = outcome.waiting(owner, "Queued", "two", NOW)
    assert outcome.transition(owner, other) == (Note("Queued", "two"),)
    done = outcome.ready(owner, "MissingReference", "three", NOW)
    assert outcome.transition(owner, done) == (Note("MissingReference", "three"),)


def test_an_event_warns_of_what_is_wrong() -> None:
    """Of what is Stalled, and of reasons that a kind finds alarming."""
    owner = signature("a")
    [note] = outcome.transition(owner, outcome.stalled(owner, [FINDING], NOW))
    assert note.warning
    made = outcome.waiting(owner, "Crashing", "", NOW)
    assert [each.warning for each in outcome.transition(owner, made)] == [False]
    found = outcome.transition(owner, made, alarming={"Crashing"})
    assert [each.warning for each in found] == [True]
