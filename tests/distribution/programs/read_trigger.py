"""A trigger with a schedule: cronsim is there, and the time zones, whatever the system has."""

import zoneinfo

from dspex.api.trigger import Trigger

zoneinfo.reset_tzpath(to=[])
schedule = {"cron": "0 3 * * MON-FRI", "timeZone": "Europe/Zurich"}
trigger = Trigger.model_validate({"name": "nightly", "schedule": schedule})
assert trigger.to_json()["schedule"] == schedule, trigger
