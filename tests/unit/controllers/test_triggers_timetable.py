"""The times of a schedule: what is due, what comes next, and the days on which clocks change."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspex.controllers import schedule
from dspex.controllers.schedule import MANY, Timetable

ZURICH = "Europe/Zurich"  # forward on 2026-03-29 at 01:00Z, back on 2026-10-25 at 01:00Z


def at(text: str) -> datetime.datetime:
    """Read a moment in UTC, such as `2026-03-29 01:30`."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def times(cron: str, zone: str | None, begin: str, end: str) -> list[str]:
    """List the times after one moment and not after another, in UTC."""
    table, found, moment = Timetable(cron, zone), list[str](), at(begin)
    while (upcoming := table.next(moment)) is not None and upcoming <= at(end):
        found.append(f"{upcoming:%d %H:%M}")
        moment = upcoming
    return found


def test_without_a_zone_it_is_utc() -> None:
    """The zone of nobody's machine matters."""
    assert times("0 9 * * MON-FRI", None, "2026-11-20 09:00", "2026-11-23 10:00") == ["23 09:00"]


def test_the_wall_clock_of_the_zone_counts() -> None:
    """Nine o'clock is another moment in summer than in winter."""
    assert times("0 9 * * *", ZURICH, "2026-03-27 12:00", "2026-03-30 12:00") == [
        "28 08:00",
        "29 07:00",
        "30 07:00",
    ]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        # 02:00 to 03:00 is left out: what is in it comes right after the change.
        ("30 2 * * *", ["28 01:30", "29 01:00", "30 00:30"]),
        ("0,30 2 * * *", ["28 01:00", "28 01:30", "29 01:00", "30 00:00", "30 00:30"]),
        ("0 2,3 * * *", ["28 01:00", "28 02:00", "29 01:00", "30 00:00", "30 01:00"]),
        # By the time that passes: nothing is made up for.
        ("*/30 2 * * *", ["28 01:00", "28 01:30", "30 00:00", "30 00:30"]),
    ],
)
def test_where_clocks_go_forward_no_time_is_lost(cron: str, expected: list[str]) -> None:
    """One that is left out is taken right after the change, and no moment comes twice."""
    assert times(cron, ZURICH, "2026-03-27 12:00", "2026-03-30 03:00") == expected


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        # 02:00 to 03:00 comes twice, at 00:00Z and at 01:00Z.
        ("30 2 * * *", ["24 00:30", "25 00:30", "26 01:30"]),
        ("0 2,3 * * *", ["24 00:00", "24 01:00", "25 00:00", "25 02:00", "26 01:00", "26 02:00"]),
        (
            "0-59/45 2 * * *",
            ["24 00:00", "24 00:45", "25 00:00", "25 00:45", "26 01:00", "26 01:45"],
        ),
        (
            "*/45 2 * * *",
            [
                "24 00:00",
                "24 00:45",
                "25 00:00",
                "25 00:45",
                "25 01:00",
                "25 01:45",
                "26 01:00",
                "26 01:45",
            ],
        ),
    ],
)
def test_where_clocks_go_back_no_time_comes_twice(cron: str, expected: list[str]) -> None:
    """The first pass counts; what goes by the time that passes has both."""
    assert times(cron, ZURICH, "2026-10-23 12:00", "2026-10-26 02:00") == expected


def test_an_hourly_schedule_goes_by_the_time_that_passes() -> None:
    """Twenty-five runs on the long day and twenty-three on the short one."""
    assert len(times("0 * * * *", ZURICH, "2026-10-24 21:59", "2026-10-25 22:59")) == 25
    assert len(times("0 * * * *", ZURICH, "2026-03-28 22:59", "2026-03-29 21:59")) == 23


def test_in_the_second_pass_the_next_time_is_not_the_first_pass() -> None:
    """The wall clock reads 02:10 again, and 02:30 has been."""
    assert Timetable("30 2 * * *", ZURICH).next(at("2026-10-25 01:10")) == at("2026-10-26 01:30")


def test_due_is_the_latest_time_and_how_many_came_before() -> None:
    """After the first moment, up to the second."""
    table = Timetable("0 * * * *", None)
    assert table.due(at("2026-11-22 09:00"), at("2026-11-22 09:59")) is None
    due = table.due(at("2026-11-22 09:00"), at("2026-11-22 12:00"))
    assert due is not None
    assert (due.time, due.missed) == (at("2026-11-22 12:00"), 2)


def test_a_moment_with_a_fraction_does_not_come_before_its_second() -> None:
    """A run may start as late as it likes after its time, and never before it."""
    table = Timetable("0 * * * *", None)
    early = at("2026-11-22 09:59:59.999")
    assert table.due(at("2026-11-22 09:00"), early) is None
    assert table.next(early) == at("2026-11-22 10:00")


def test_after_a_long_time_only_the_count_is_given_up() -> None:
    """A month of minutes is not walked through, and the latest time is still right."""
    due = Timetable("* * * * *", ZURICH).due(at("2026-10-01 00:00"), at("2026-11-22 12:00:30"))
    assert due is not None
    assert due.time == at("2026-11-22 12:00")
    assert due.missed > MANY


def test_in_the_second_pass_the_latest_time_is_of_the_first() -> None:
    """However many were missed before: at 02:10 for the second time, 02:59 has been."""
    due = Timetable("0-59 2 * * *", ZURICH).due(at("2026-10-01 00:00"), at("2026-10-25 01:10"))
    assert due is not None
    assert due.time == at("2026-10-25 00:59")


def test_a_time_that_is_years_away_is_found() -> None:
    """There is no 29th of February in 2100."""
    assert Timetable("0 0 29 2 *", None).next(at("2096-03-01 00:00")) == at("2104-02-29 00:00")


CRONS = ["30 2 * * *", "0,30 1,2,3 * * *", "*/15 2 * * *", "15 * * * *", "0 */2 * * *", "0 0 * * *"]
ZONES = [ZURICH, "Europe/London", "America/New_York", "America/St_Johns", "Asia/Beirut"]


@settings(max_examples=150, deadline=None)
@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from(ZONES),
    hours=st.integers(0, 365 * 24),
    minutes=st.integers(6 * 60, 40 * 60),
)
def test_the_latest_time_is_the_last_of_those_that_come(
    cron: str, zone: str, hours: int, minutes: int
) -> None:
    """Looked for backwards, where many were missed, it is what one finds going forward."""
    table = Timetable(cron, zone)
    begin = at("2026-01-01 00:00") + datetime.timedelta(hours=hours)
    now = begin + datetime.timedelta(minutes=minutes)
    latest, moment = None, table.next(begin)
    while moment is not None and moment <= now:
        latest, moment = moment, table.next(moment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "MANY", -1)
        due = table.due(begin, now)
    assert (None if due is None else due.time) == latest
