"""From what was found about an object to its conditions and Events, the same way for all kinds."""

import datetime
from collections.abc import Collection, Iterable, Sequence
from typing import TypedDict

from dspex.api import conditions
from dspex.api.base import Condition
from dspex.api.conditions import READY, STALLED, carry_over, timestamp
from dspex.api.limits import MAX_DESCRIPTION
from dspex.controllers.decision import Note, Object
from dspex.errors import Diagnostic


class _Stamp(TypedDict):
    now: str
    generation: int | None


def observed(item: Object) -> tuple[Condition, ...]:
    """Return the conditions that an object has."""
    given = (item.get("status") or {}).get("conditions") or ()
    return tuple(Condition.model_validate(each) for each in given)


def carried_over(item: Object, after: Sequence[Condition]) -> list[Object]:
    """Return conditions as status has them; what did not change keeps its time."""
    return [each.to_json() for each in carry_over(observed(item), after)]


def ready(item: Object, reason: str, message: str, now: datetime.datetime) -> list[Object]:
    """Return the conditions of an object that is done and good."""
    return carried_over(item, conditions.ready(reason, cut(message), **_stamp(item, now)))


def waiting(item: Object, reason: str, message: str, now: datetime.datetime) -> list[Object]:
    """Return the conditions of an object that is worked on, or lacks something."""
    return carried_over(item, conditions.reconciling(reason, cut(message), **_stamp(item, now)))


def stalled(item: Object, findings: Iterable[Diagnostic], now: datetime.datetime) -> list[Object]:
    """Return the conditions of an object that a person has to change, with what is wrong."""
    found = tuple(findings)
    reason = found[0].code
    made = conditions.stalled(reason, cut(render(found)), **_stamp(item, now))
    return carried_over(item, made)


def transition(
    item: Object, after: Iterable[Object], *, alarming: Collection[str] = ()
) -> tuple[Note, ...]:
    """Return the Event for new conditions: where Ready or its reason is another than before.

    Args:
        item: The object, with the conditions that it has.
        after: Those that it gets.
        alarming: Reasons that are warnings though the object is not Stalled.
    """
    before = {each.type: each for each in observed(item)}
    now = {each["type"]: each for each in after}
    old, new = before.get(READY), now[READY]
    if old is not None and (old.status, old.reason) == (new["status"], new["reason"]):
        return ()
    wrong = now.get(STALLED, {}).get("status") == "True" or new["reason"] in alarming
    return (Note(new["reason"], new.get("message", ""), warning=wrong),)


def render(findings: Iterable[Diagnostic]) -> str:
    """Print findings for a condition: each with place, caret line and remedy, as on a terminal."""
    return "\n".join(finding.render() for finding in findings)


def cut(text: str) -> str:
    """Cut a text to what a condition holds."""
    return text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 1] + "…"


def _stamp(item: Object, now: datetime.datetime) -> _Stamp:
    return {"now": timestamp(now), "generation": item["metadata"].get("generation")}
