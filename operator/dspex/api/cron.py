"""Schedules as cron writes them, and the time zones in which they are read."""

import re
from typing import Final

from dspex.errors import nearest

CRON_PATTERN: Final = (
    r"^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)"
    r"|[0-9*,/-]+ +[0-9*,/-]+ +[0-9*?,/-]+ +([0-9*,/-]|[A-Za-z]{3})+ +([0-9*?,/-]|[A-Za-z]{3})+)$"
)
"""Regular expression of a schedule's form; whether its numbers make sense is not in it."""

MAX_CRON: Final = 128
"""Characters of a schedule."""

TIME_ZONE_PATTERN: Final = r"^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$"
"""Regular expression of the names in the IANA time zone database."""

MAX_TIME_ZONE: Final = 64
"""Characters of a time zone's name."""

_FORM: Final = re.compile(CRON_PATTERN)
_ZONE: Final = re.compile(TIME_ZONE_PATTERN)
_WORDS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS: Final = ("minute", "hour", "day-of-month", "month", "day-of-week")


def plain_cron(cron: str) -> str:
    """Return the five fields that a schedule stands for, as cronsim reads them."""
    return _WORDS.get(cron, cron).replace("?", "*")


def check_cron(cron: str) -> str | None:
    """Say why a text is no schedule; None if it is one."""
    if len(cron) > MAX_CRON:
        return f"a schedule has at most {MAX_CRON} characters, this one has {len(cron)}"
    if not _FORM.fullmatch(cron):
        return _wrong_form(cron)
    # 50 ms that only those wait who have a schedule.
    import datetime

    from cronsim import CronSim, CronSimError

    try:
        CronSim(plain_cron(cron), datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        number = f"field {_FIELDS.index(field) + 1}, " if field in _FIELDS else ""
        return f"{number}the {field}, stands for no time" if number else str(error)
    return None


def check_time_zone(name: str) -> str | None:
    """Say why a text is no name of a time zone; None if it is one."""
    import zoneinfo

    if not _ZONE.fullmatch(name) or len(name) > MAX_TIME_ZONE:
        return f"{name[:MAX_TIME_ZONE]!r} is no name of a time zone"
    try:
        zoneinfo.ZoneInfo(name)
    # A folder of the database, such as Europe, is an OSError.
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, sorted(zoneinfo.available_timezones()))
        return f"there is no time zone {name!r}" + (f"; did you mean {near}?" if near else "")
    return None


def _wrong_form(cron: str) -> str:
    if cron.startswith("@"):
        return f"{cron!r} is none of {', '.join(_WORDS)}"
    count = len(cron.split())
    if count == len(_FIELDS) + 1:
        return "a schedule has five fields, without seconds"
    if count != len(_FIELDS):
        return f"a schedule has five fields, this one has {count}"
    return f"{cron!r} holds what no schedule does"
