"""What triggers start and when: schedules, changes of the digest, policies, what is remembered."""

import datetime
from typing import Any

import pytest

from dspex.api.pipeline import Pipeline
from dspex.api.pipelinerun import PipelineRun
from dspex.api.trigger import TriggerStatus
from dspex.controllers.pipeline_runs import standing
from dspex.controllers.triggers import MAX_WAIT, Followed, follow
from fakes.items import Object

HOURLY: Object = {"name": "hourly", "schedule": {"cron": "0 * * * *"}}
CHECK: Object = {"name": "check", "onChange": {}}
BORN = "2026-11-22T08:30:00Z"
UID = "5e0a4c70-6f0e-4a8e-9d55-b1c2d3e4f5a6"
STEP = {"name": "a", "template": {"source": "x"}}
ENDED = {"conditions": [{"type": "Succeeded", "status": "True", "reason": "Succeeded"}]}


def at(clock: str, day: int = 22) -> datetime.datetime:
    """Return a time of the day, in UTC."""
    time = datetime.time.fromisoformat(clock)
    return datetime.datetime.combine(datetime.date(2026, 11, day), time, datetime.UTC)


class Life:
    """A Pipeline's life: its status and its runs, as they would stand in a cluster."""

    def __init__(self, *triggers: Object, first: str = "08:45", **spec: Any) -> None:
        """Begin with a Pipeline that was first looked at then; at no time if that is empty."""
        self.status: Object = {"observedGeneration": 1} if first else {}
        self.runs: dict[str, Object] = {}
        self.deleted: list[str] = []
        self.last = Followed()
        self.change(*triggers, **spec)
        if first:
            self.look(first)

    def change(self, *triggers: Object, born: str = BORN, **spec: Any) -> None:
        """Apply other triggers."""
        metadata = {"name": "support", "namespace": "shop", "uid": UID, "creationTimestamp": born}
        given = {"steps": [STEP], "triggers": triggers, **spec}
        self.pipeline = Pipeline.model_validate({"metadata": metadata, "spec": given})

    def look(self, clock: str, digest: str = "sha256:aa", day: int = 22) -> list[str]:
        """Have the triggers looked at; return which runs are started, by time or digest."""
        runs = standing(self.runs.values())
        self.last = follow(self.pipeline, self.status, digest, runs, at(clock, day))
        started = [run for run in self.last.create if run["metadata"]["name"] not in self.runs]
        for run in started:
            self.runs[run["metadata"]["name"]] = run
        for ref in self.last.delete:
            self.deleted.append(ref.name)
            self.runs.pop(ref.name)
        self.status = {"observedGeneration": 1, "triggers": self.last.states}
        for state in self.last.states:
            TriggerStatus.model_validate(state)
        return [_is_for(run) for run in started]

    def end(self) -> None:
        """Have all runs end."""
        self.runs = {name: {**run, "status": ENDED} for name, run in self.runs.items()}

    @property
    def said(self) -> list[str]:
        """What the last look said, by reason."""
        return [note.reason for note in self.last.notes]

    @property
    def state(self) -> Object:
        """The only trigger's state, without its name."""
        (state,) = self.status["triggers"]
        return {name: part for name, part in state.items() if name != "name"}


def _is_for(run: Object) -> str:
    time = run["metadata"]["annotations"]["dspex.dev/scheduled-time"]
    return str(time[11:16])


def hourly(**schedule: Any) -> Object:
    """Make an hourly trigger."""
    return {**HOURLY, "schedule": {"cron": "0 * * * *", **schedule}}


# By schedule.


def test_a_run_starts_at_its_time_and_once() -> None:
    """Not before, and not again until the next time."""
    life = Life(HOURLY)
    assert life.look("08:59") == []
    assert life.look("08:59:59.9") == []
    assert life.look("09:00") == ["09:00"]
    assert life.said == ["Triggered"]
    assert life.look("09:00:01") == life.look("09:59") == []
    assert life.said == []
    assert life.look("10:00") == ["10:00"]


def test_status_remembers_and_shows_the_times() -> None:
    """What was started last, and what comes next."""
    life = Life(HOURLY)
    assert life.state == {
        "schedule": "0 * * * * UTC",
        "since": "2026-11-22T08:45:00Z",
        "nextScheduleTime": "2026-11-22T09:00:00Z",
    }
    life.look("09:00:00.3")
    assert life.state == {
        "schedule": "0 * * * * UTC",
        "lastScheduleTime": "2026-11-22T09:00:00Z",
        "nextScheduleTime": "2026-11-22T10:00:00Z",
    }


def test_between_two_times_nothing_changes() -> None:
    """A status that is the same is not written."""
    life = Life(HOURLY, CHECK)
    life.look("09:00")
    before = life.status
    for clock in ("09:01", "09:30", "09:59:59"):
        life.look(clock)
        assert life.status == before


def test_a_new_trigger_looks_forward_only() -> None:
    """One that is added to a Pipeline has missed nothing of the time before."""
    life = Life(first="08:00")
    life.change(HOURLY)
    assert life.look("12:30") == []
    assert life.look("13:00") == ["13:00"]


def test_a_new_pipeline_counts_from_its_creation() -> None:
    """Created at half past eight, with an operator that is there again at half past nine."""
    assert Life(HOURLY, first="").look("09:30") == ["09:00"]


def test_of_missed_times_only_the_latest_is_made_up_for() -> None:
    """And an Event says how many there were."""
    life = Life(HOURLY)
    assert life.look("12:30") == ["12:00"]
    assert life.said == ["Triggered", "MissedSchedule"]
    assert life.last.notes[1].message.startswith("trigger hourly: 3 times were missed")
    assert life.look("12:31") == []


def test_very_many_missed_times_are_no_burden() -> None:
    """A month of minutes starts one run."""
    often = {"name": "often", "schedule": {"cron": "* * * * *"}}
    life = Life(first="")
    life.change(often, born="2026-11-01T08:30:00Z")
    assert life.look("12:30:20") == ["12:30"]
    assert "more than 100 times were missed" in life.last.notes[1].message


@pytest.mark.parametrize(("clock", "started"), [("09:10", ["09:00"]), ("09:10:01", [])])
def test_the_deadline_bounds_how_late_a_run_starts(clock: str, started: list[str]) -> None:
    """Up to it a run still starts; past it the time is given up, and said so once."""
    life = Life(hourly(startingDeadline="10m"))
    assert life.look(clock) == started
    assert life.said == (["Triggered"] if started else ["MissedSchedule"])
    assert life.look("09:20") == []
    assert life.said == []
    assert life.look("10:00") == ["10:00"]


def test_a_time_that_was_given_up_is_remembered() -> None:
    """Beside the last one for which there was a run."""
    life = Life(hourly(startingDeadline="10m"))
    life.look("09:00")
    life.look("09:00:01")
    life.look("10:30")
    assert life.state["lastScheduleTime"] == "2026-11-22T09:00:00Z"
    assert life.state["since"] == "2026-11-22T10:00:00Z"
    assert life.look("10:31") == life.said == []


@pytest.mark.parametrize(("deadline", "started"), [(None, ["11:00"]), ("5m", [])])
def test_a_suspended_trigger_starts_nothing(deadline: str | None, started: list[str]) -> None:
    """What it missed is made up for by one run, within the deadline."""
    given = hourly() if deadline is None else hourly(startingDeadline=deadline)
    life = Life({**given, "suspend": True})
    assert life.look("09:00") == life.look("10:00") == []
    assert (life.said, life.last.requeue) == ([], None)
    assert "nextScheduleTime" not in life.state
    life.change({**given, "suspend": False})
    assert life.look("11:10") == started
    assert life.look("12:00") == ["12:00"]


def test_a_pipeline_that_does_not_compile_starts_nothing() -> None:
    """The time counts as missed, and is made up for once it does."""
    life = Life(HOURLY)
    assert life.look("09:00", digest="") == []
    assert life.look("09:05") == ["09:00"]


def test_another_schedule_begins_anew() -> None:
    """At noon one changes to the times of the morning: they are over."""
    life = Life({"name": "daily", "schedule": {"cron": "0 3 * * *"}}, first="02:00")
    assert life.look("03:00") == ["03:00"]
    life.change({"name": "daily", "schedule": {"cron": "0 9 * * *"}})
    assert life.look("12:00") == []
    assert life.look("09:00", day=23) == ["09:00"]
    zoned = {"name": "daily", "schedule": {"cron": "0 9 * * *", "timeZone": "Asia/Tokyo"}}
    life.change(zoned)
    assert life.look("09:01", day=23) == []
    assert life.look("00:00", day=24) == ["00:00"]


def test_a_run_that_was_deleted_is_not_started_again() -> None:
    """Neither its TTL nor a person brings it back."""
    life = Life(HOURLY)
    life.look("09:00")
    life.runs.clear()
    assert life.look("09:01") == []


def test_after_a_crash_the_same_run_is_meant() -> None:
    """The run is there, its status was not written: the name is the same, so there is one run."""
    life = Life(hourly(concurrencyPolicy="Replace"))
    before = life.status
    life.look("09:00")
    life.status = before
    assert life.look("09:00:05") == []
    assert [run["metadata"]["name"] for run in life.last.create] == [*life.runs]
    assert life.deleted == []
    assert life.state["lastScheduleTime"] == "2026-11-22T09:00:00Z"


def test_it_looks_again_at_the_next_time() -> None:
    """To the moment, of the trigger that is next; but within an hour, for clocks are set."""
    daily = {"name": "daily", "schedule": {"cron": "@daily"}}
    life = Life(HOURLY, daily)
    life.look("08:59:59.5")
    assert life.last.requeue == pytest.approx(0.5)
    assert Life(daily).last.requeue == MAX_WAIT
    assert Life(CHECK).last.requeue is None


def test_a_trigger_that_is_taken_out_is_forgotten() -> None:
    """Its state goes with it, and what it would start too."""
    life = Life(HOURLY, CHECK)
    life.change(CHECK)
    assert life.look("09:00") == []
    assert [each["name"] for each in life.status["triggers"]] == ["check"]


# Policies.


def test_by_default_runs_are_side_by_side() -> None:
    """A long run holds up nothing."""
    life = Life(HOURLY)
    life.look("09:00")
    assert life.look("10:00") == ["10:00"]
    assert len(life.runs) == 2


def test_forbid_waits_for_the_former_run() -> None:
    """Then the latest time is made up for, and Events say so."""
    life = Life(hourly(concurrencyPolicy="Forbid"))
    life.look("09:00")
    assert life.look("10:00") == life.look("11:00") == []
    assert life.said == ["TriggerWaits"]
    (former,) = life.runs
    assert former in life.last.notes[0].message
    life.end()
    assert life.look("11:20") == ["11:00"]
    assert life.said == ["Triggered", "MissedSchedule"]


def test_forbid_keeps_to_the_deadline() -> None:
    """A time that waited too long is given up."""
    life = Life(hourly(concurrencyPolicy="Forbid", startingDeadline="10m"))
    life.look("09:00")
    life.look("10:00")
    life.end()
    assert life.look("10:20") == []
    assert life.said == ["MissedSchedule"]


def test_replace_deletes_the_former_run() -> None:
    """This very object, by its uid; one that has ended stays."""
    life = Life(hourly(concurrencyPolicy="Replace"))
    life.look("09:00")
    life.end()
    life.look("10:00")
    (second,) = [name for name, run in life.runs.items() if "status" not in run]
    life.runs[second]["metadata"]["uid"] = "second"
    assert life.look("11:00") == ["11:00"]
    assert life.deleted == [second]
    assert [ref.uid for ref in life.last.delete] == ["second"]


@pytest.mark.parametrize("policy", ["Replace", "Forbid"])
def test_runs_of_others_are_no_concern(policy: str) -> None:
    """Those of another trigger, of a person, and of a namesake of the Pipeline that is gone."""
    life = Life(hourly(concurrencyPolicy=policy), {**HOURLY, "name": "other"})
    life.look("09:00")
    labels = {"dspex.dev/trigger": "hourly"}
    owner = {"kind": "Pipeline", "name": "support", "uid": "another"}
    life.runs = {
        name: run
        for name, run in life.runs.items()
        if run["metadata"]["labels"]["dspex.dev/trigger"] == "other"
    }
    for name, owners in (("person", []), ("namesake", [owner])):
        metadata = {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": owners}
        life.runs[name] = {"metadata": metadata}
    assert life.look("10:00") == ["10:00", "10:00"]
    assert life.deleted == []


# On change.


def test_the_first_digest_starts_nothing() -> None:
    """Each new one does, and a former one that comes back, under a name of its own."""
    life = Life(CHECK, first="")
    assert life.look("09:00", "") == []
    assert life.state == {}
    assert life.look("09:01") == life.look("09:02") == []
    assert life.state == {"lastDigest": "sha256:aa", "changes": 0}
    for change, digest in enumerate(["bb", "aa", "bb"], 1):
        assert life.look("09:03", f"sha256:{digest}") == ["09:03"]
        assert life.look("09:04", f"sha256:{digest}") == []
        assert life.state == {"lastDigest": f"sha256:{digest}", "changes": change}
    assert len(life.runs) == 3


def test_a_pipeline_that_is_broken_for_a_while_has_not_changed() -> None:
    """It is the digest that counts, once there is one again."""
    life = Life(CHECK)
    life.look("09:00")
    assert life.look("09:01", "") == life.look("09:02") == []


def test_a_suspended_trigger_makes_up_for_changes_by_one_run() -> None:
    """For the digest that there is then, if it is another one."""
    life = Life({**CHECK, "suspend": True})
    for digest in ("aa", "bb", "cc"):
        assert life.look("09:00", f"sha256:{digest}") == []
    life.change(CHECK)
    assert life.look("10:00", "sha256:cc") == ["10:00"]
    life.change({**CHECK, "suspend": True})
    life.look("11:00", "sha256:dd")
    life.look("11:01", "sha256:cc")
    life.change(CHECK)
    assert life.look("12:00", "sha256:cc") == []


def test_forbid_waits_with_the_change() -> None:
    """And takes the digest that there is when the former run has ended."""
    life = Life({**CHECK, "onChange": {"concurrencyPolicy": "Forbid"}})
    life.look("09:00")
    life.look("09:01", "sha256:bb")
    assert life.look("09:02", "sha256:cc") == life.look("09:03", "sha256:dd") == []
    assert life.said == ["TriggerWaits"]
    life.end()
    assert life.look("09:04", "sha256:dd") == ["09:04"]
    assert life.state == {"lastDigest": "sha256:dd", "changes": 2}


def test_replace_keeps_the_run_of_the_newest_digest() -> None:
    """What is overtaken need not go on."""
    life = Life({**CHECK, "onChange": {"concurrencyPolicy": "Replace"}})
    life.look("09:00")
    life.look("09:01", "sha256:bb")
    assert life.look("09:02", "sha256:cc") == ["09:02"]
    assert len(life.deleted) == len(life.runs) == 1


def test_after_a_crash_the_same_change_is_meant() -> None:
    """The run is there, its status was not written."""
    life = Life(CHECK)
    life.look("09:00")
    before = life.status
    life.look("09:01", "sha256:bb")
    life.status = before
    assert life.look("09:02", "sha256:bb") == []
    assert life.state == {"lastDigest": "sha256:bb", "changes": 1}


def test_a_trigger_that_becomes_another_kind_begins_anew() -> None:
    """A schedule's state says nothing about digests."""
    life = Life({**HOURLY, "name": "check"})
    life.look("09:00")
    life.change(CHECK)
    assert life.look("09:01") == []
    assert life.look("09:02", "sha256:bb") == ["09:02"]


# The runs.


def test_a_run_is_what_its_template_says() -> None:
    """Inputs evaluated for the time that it is for; and a manifest that is right."""
    template = {
        "metadata": {"labels": {"team": "a"}, "annotations": {"b": "c"}},
        "inputs": {"day": "$(trigger.time)"},
        "inputsFrom": [{"configMapRef": {"name": "x"}}],
        "timeout": "1h",
        "ttlAfterFinished": "24h",
    }
    inputs = [{"name": "day", "type": "str"}]
    life = Life({**HOURLY, "runTemplate": template}, inputs=inputs)
    life.look("09:00:07")
    (run,) = life.last.create
    assert run["spec"] == {
        "pipelineRef": {"name": "support"},
        "inputs": {"day": "2026-11-22T09:00:00+00:00"},
        "inputsFrom": [{"configMapRef": {"name": "x"}}],
        "timeout": "1h",
        "ttlAfterFinished": "24h",
    }
    PipelineRun.model_validate(run)


def test_an_expression_that_fails_leaves_a_run_out() -> None:
    """It is said, others go on, nothing is replaced, and the next time is tried again."""
    template = {"inputs": {"count": "$(6 / (trigger.time.getHours() - 10))"}}
    inputs = [{"name": "count", "type": "int"}]
    broken = {**hourly(concurrencyPolicy="Replace"), "runTemplate": template}
    life = Life(broken, {"name": "other", "schedule": {"cron": "0 * * * *"}}, inputs=inputs)
    life.look("09:00")
    assert len(life.look("10:00")) == 1
    assert life.said == ["TriggerFailed", "Triggered"]
    assert "division" in life.last.notes[0].message.replace("divide", "division")
    assert life.deleted == []
    assert life.status["triggers"][0]["lastScheduleTime"] == "2026-11-22T09:00:00Z"
    assert life.status["triggers"][0]["since"] == "2026-11-22T10:00:00Z"
    assert life.look("10:01") == []
    assert len(life.look("11:00")) == 2
