"""Triggers as people write them: schedules, time zones, what runs are like."""

import datetime
from typing import Any
from zoneinfo import available_timezones

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dspex.api.cron import check_cron, check_time_zone, plain_cron
from dspex.api.trigger import Trigger

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def wrong(**spec: Any) -> str:
    """Return what is said of a trigger that is refused."""
    with pytest.raises(ValidationError) as caught:
        Trigger.model_validate({"name": "nightly", **spec})
    return "; ".join(error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "*/15 0-6,22 1,15 JAN-mar mon",
        "0 9 * * MON-FRI",
        "0 0 ? * 7",
        "0  9  *  *  *",
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
    ],
)
def test_schedules_of_cronjobs_are_taken(cron: str) -> None:
    """Numbers, names, ranges, lists, steps, question marks and words."""
    assert check_cron(cron) is None
    assert next(CronSim(plain_cron(cron), NOON)) > NOON


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("* * * *", "five fields, this one has 4"),
        ("0 * * * * *", "five fields, without seconds"),
        ("", "this one has 0"),
        ("60 * * * *", "field 1, the minute"),
        ("* 24 * * *", "field 2, the hour"),
        ("* * 0 * *", "field 3, the day-of-month"),
        ("0 0 30 2 *", "field 3, the day-of-month"),
        ("* * * 13 *", "field 4, the month"),
        ("* * * * MON-SUN", "field 5, the day-of-week"),
        ("* * * * 8", "field 5, the day-of-week"),
        ("*/0 * * * *", "field 1, the minute"),
        ("0 0 L * *", "holds what no schedule does"),
        ("0 0 * * 5L", "holds what no schedule does"),
        ("0 0 * * MON#1", "holds what no schedule does"),
        ("@every 5m", "is none of @yearly"),
        ("TZ=UTC 0 9 * * *", "five fields, without"),
        ("0 9 * * *\n", "holds what no schedule does"),
        ("1," * 80 + "1 * * * *", "at most 128 characters"),
    ],
)
def test_other_texts_are_refused_with_the_reason(cron: str, reason: str) -> None:
    """A person reads which field is wrong."""
    assert reason in str(check_cron(cron))
    with pytest.raises(ValidationError):
        Trigger.model_validate({"name": "nightly", "schedule": {"cron": cron}})


@settings(deadline=None)
@given(st.text(alphabet="0123456789*/,-? LWMONJA#@", max_size=20))
def test_what_is_taken_has_times(cron: str) -> None:
    """Whatever passes can be read by cronsim, and comes to a time."""
    if check_cron(cron) is None:
        assert next(CronSim(plain_cron(cron), NOON)) > NOON


def test_every_time_zone_of_the_database_is_taken() -> None:
    """The pattern of the CRD leaves out none but the machine's own."""
    assert [name for name in available_timezones() if check_time_zone(name)] in ([], ["localtime"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Europe/Zürich", "is no name of a time zone"),
        ("Europe/Zurih", "did you mean Europe/Zurich?"),
        ("Europe", "there is no time zone"),
        ("Local", "there is no time zone"),
        ("localtime", "is no name of a time zone"),
        ("../etc/passwd", "is no name of a time zone"),
        ("A" * 65, "is no name of a time zone"),
    ],
)
def test_an_unknown_time_zone_is_refused(name: str, reason: str) -> None:
    """With the name that is nearest."""
    assert reason in str(check_time_zone(name))
    with pytest.raises(ValidationError):
        Trigger.model_validate({"name": "a", "schedule": {"cron": "@daily", "timeZone": name}})


@pytest.mark.parametrize("spec", [{}, {"schedule": {"cron": "@daily"}, "onChange": {}}])
def test_a_trigger_has_one_cause(spec: dict[str, Any]) -> None:
    """Neither none nor both."""
    assert "exactly one of schedule and onChange" in wrong(**spec)


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_own_labels_are_not_given_by_people(where: str) -> None:
    """One such as dspex.dev/finished would make the operator overlook the run."""
    template = {"metadata": {where: {"dspex.dev/finished": "true"}}}
    assert "dspex.dev/" in wrong(onChange={}, runTemplate=template)


def test_a_trigger_is_written_as_it_was_read() -> None:
    """Nothing is filled in that nobody gave."""
    given = {"name": "check", "onChange": {}, "runTemplate": {"inputs": {"a": "$(trigger.name)"}}}
    assert Trigger.model_validate(given).to_json() == given
