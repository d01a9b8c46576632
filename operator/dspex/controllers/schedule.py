"""The times of a schedule: which have come, which comes next, also where clocks change."""

import datetime
import itertools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cronsim import CronSim

from dspex.api.cron import plain_cron

MANY: Final = 100
"""Missed times that are counted; the trouble is then another one than a restart."""

_SECOND: Final = datetime.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Due:
    """What has come since a moment.

    Attributes:
        time: The latest time, in UTC.
        missed: How many came before it; more than `MANY` are not counted further.
    """

    time: datetime.datetime
    missed: int


class Timetable:
    """The times of a schedule in a time zone.

    A schedule for certain hours has one time for each, whatever clocks do, as Debian's cron has it:
    one that is left out where clocks go forward is taken right after the change, one that comes
    twice where they go back is taken the first time. Where minute or hour begins with `*` it goes
    by the time that passes: it has none in an hour that is left out, and all of them in both
    passes of an hour that comes twice.

    Args:
        cron: The schedule, one that `check_cron` has nothing against.
        zone: Name of the time zone; None for UTC.
    """

    def __init__(self, cron: str, zone: str | None) -> None:
        self._cron = plain_cron(cron)
        self._zone = datetime.UTC if zone is None else zoneinfo.ZoneInfo(zone)
        self.text: Final = f"{cron} {zone or 'UTC'}"
        """Schedule and time zone; what has another text has other times."""

    def next(self, moment: datetime.datetime) -> datetime.datetime | None:
        """Return the first time after a moment, in UTC; None if there is none for 50 years."""
        return next(self._after(moment), None)

    def due(self, since: datetime.datetime, now: datetime.datetime) -> Due | None:
        """Return what has come after one moment and not after another; None if nothing has."""
        come = itertools.takewhile(lambda time: time <= now, self._after(since))
        found = list(itertools.islice(come, MANY + 2))
        if not found:
            return None
        latest = found[-1] if len(found) < MANY + 2 else self._latest(now)
        return Due(latest, len(found) - 1)

    def _after(self, moment: datetime.datetime) -> Iterator[datetime.datetime]:
        last = moment
        # By the wall clock alone, cronsim comes past some times again where clocks change.
        for time in CronSim(self._cron, moment.astimezone(self._zone)):
            utc = time.astimezone(datetime.UTC)
            if utc > last:
                yield utc
                last = utc

    def _latest(self, now: datetime.datetime) -> datetime.datetime:
        """Return the latest time up to now, where it is known that there is one."""
        # In the second pass of an hour that comes twice, all of its times have been.
        first_pass = now.astimezone(self._zone).replace(fold=0)
        begin = now + (now - first_pass.astimezone(datetime.UTC)) + _SECOND
        begin = begin.astimezone(self._zone)
        times = (each.astimezone(datetime.UTC) for each in CronSim(self._cron, begin, reverse=True))
        return next(time for time in times if time <= now)
