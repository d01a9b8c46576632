"""Conditions as kstatus reads them."""

import datetime

import pytest

from dspex.api import conditions
from dspex.api.base import Condition

NOW = "2026-11-22T20:57:00Z"
LATER = "2026-11-22T20:58:00Z"


def _states(found: tuple[Condition, ...]) -> dict[str, str]:
    return {condition.type: condition.status for condition in found}


def test_a_new_object_is_not_done() -> None:
    """Before anybody has looked, Ready is unknown and Reconciling is true."""
    assert _states(conditions.pending()) == {"Ready": "Unknown", "Reconciling": "True"}
    assert _states(conditions.pending(run=True))["Succeeded"] == "Unknown"
    assert {each.last_transition_time for each in conditions.pending()} == {conditions.EPOCH}


def test_the_builders_say_what_kstatus_expects() -> None:
    """Each state of an object has its own set of conditions."""
    ready = conditions.ready("Compiled", "fine", now=NOW, generation=3)
    assert _states(ready) == {"Ready": "True", "Reconciling": "False", "Stalled": "False"}
    assert {each.observed_generation for each in ready} == {3}
    waiting = conditions.reconciling("Waiting", "for a pool", now=NOW)
    assert _states(waiting) == {"Ready": "False", "Reconciling": "True", "Stalled": "False"}
    stalled = conditions.stalled("Invalid", "wrong", now=NOW)
    assert _states(stalled) == {"Ready": "False", "Reconciling": "False", "Stalled": "True"}


def test_a_run_is_reconciling_until_it_ends() -> None:
    """Succeeded goes from Unknown to True or False, and a failed run is stalled."""
    active = _states(conditions.run_active("Running", "", now=NOW))
    assert (active["Succeeded"], active["Reconciling"]) == ("Unknown", "True")
    good = _states(conditions.run_ended(True, "Succeeded", "", now=NOW))
    assert (good["Succeeded"], good["Ready"], good["Stalled"]) == ("True", "True", "False")
    bad = _states(conditions.run_ended(False, "StepsFailed", "", now=NOW))
    assert (bad["Succeeded"], bad["Ready"], bad["Stalled"]) == ("False", "False", "True")
    assert good["Reconciling"] == bad["Reconciling"] == "False"


def test_a_transition_time_stays_while_the_status_stays() -> None:
    """Only a condition whose status changed gets the new time."""
    before = conditions.reconciling("Waiting", "for a pool", now=NOW)
    after = conditions.carry_over(before, conditions.ready("Compiled", "", now=LATER))
    times = {each.type: each.last_transition_time for each in after}
    assert times == {"Ready": LATER, "Reconciling": LATER, "Stalled": NOW}
    assert conditions.carry_over((), before) == before


def test_the_first_look_is_a_transition() -> None:
    """What an object is created with was never so at a time: nobody reads 1970 in its status."""
    after = conditions.carry_over(
        conditions.pending(run=True), conditions.run_active("Running", "", now=NOW)
    )
    assert {each.last_transition_time for each in after} == {NOW}


def test_timestamps_are_utc() -> None:
    """A moment of any zone is written in UTC, to the second or the microsecond."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2026, 11, 22, 22, 57, 0, 5, tzinfo=zone)
    assert conditions.timestamp(moment) == NOW
    assert conditions.timestamp(moment, micro=True) == "2026-11-22T20:57:00.000005Z"
    with pytest.raises(ValueError, match="time zone"):
        conditions.timestamp(moment.replace(tzinfo=None))
