"""A run that has a Job: how its pod stands, and what is to be done where no runner speaks."""

import datetime
from dataclasses import dataclass
from typing import Any, Final

from dspex.api.duration import format_duration
from dspex.controllers.decision import Change, Decision, Object, Ref
from dspex.controllers.run_start import POD_STARTS, Frozen, frozen_plan, plan_again, plan_lost
from dspex.controllers.run_view import RunView, moment
from dspex.controllers.world import World
from dspex.errors import ConditionReason, Reason
from dspex.kube.kind import JOB, POD, POOL, SECRET
from dspex.resources import names
from dspex.resources.pod_trouble import has_ended, last_words, pod_trouble, taken_away, worst

AT_WORK: Final = "its runner is at work"

LAST_WORD: Final = 3.0
"""Seconds in which the last word of a runner that is gone may still come through."""

OVERTIME: Final = 60.0
"""Seconds past a run's timeout after which the operator ends it: its runner did not."""

RENEWAL: Final = 10.0
"""Seconds that a Job lasts at least where its pod was taken away before it did anything."""

PODLESS: Final = 20.0
"""Seconds after which a Job without any pod is worth a word: a quota or a policy may refuse it."""

LOST: Final = 30.0
"""Seconds past the time at which a pod had to be gone; then its node is lost, and nobody waits."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A run's Job, with what belongs to it.

    Attributes:
        run: The run.
        item: The Job.
        pods: All pods of the run that are there.
        frozen: What is known of its plan; None if that was taken away.
    """

    run: RunView
    item: Object
    pods: tuple[Object, ...]
    frozen: Frozen | None

    @property
    def live(self) -> list[Object]:
        """The pods that have not ended."""
        return [pod for pod in self.pods if not has_ended(pod)]

    @property
    def digest(self) -> Object:
        """What status has of the plan; what it had before stays where the plan is gone."""
        return {} if self.frozen is None else {"planDigest": self.frozen.digest}

    @property
    def created(self) -> datetime.datetime:
        """When the Job was made."""
        return moment(self.item["metadata"]["creationTimestamp"])

    def condition(self, *kinds: str) -> Object | None:
        """Return the first condition of one of some types."""
        for each in (self.item.get("status") or {}).get("conditions") or ():
            if each["type"] in kinds:
                found: Object = each
                return found
        return None

    @property
    def over(self) -> Object | None:
        """The condition by which it is over; None while it is not."""
        found = self.condition("Complete", "Failed")
        return found if found is not None and found["status"] == "True" else None

    @property
    def newest(self) -> Object | None:
        """The last pod of this very Job; those of one that it replaced may be there still."""
        uid = self.item["metadata"]["uid"]
        own = [pod for pod in self.pods if uid in _owners(pod)]
        return max(own, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)

    @property
    def taken(self) -> str:
        """Words for a last pod that was taken away; empty where one lives, or ended by itself."""
        if self.live:
            return ""
        if self.newest is not None:
            return taken_away(self.newest)
        # Only what somebody deletes is gone: a pod that ended by itself stays, for people to read.
        return "its pod was deleted" if (self.item.get("status") or {}).get("failed") else ""

    def suspend(self, wanted: bool) -> tuple[Change, ...]:
        """Return what suspends the Job, or has it go on."""
        run = self.run
        return (Change(JOB, run.namespace, run.job, {"spec": {"suspend": wanted}}),)

    def active(self, reason: str, message: str, now: datetime.datetime, **rest: Any) -> Decision:
        """Return the Decision about a run that goes on; `rest` is what else is to be done."""
        status, notes = self.run.active(reason, message, now, **self.digest)
        return Decision(status=status, notes=notes, **rest)

    def failed(self, reason: str, message: str, now: datetime.datetime, **rest: Any) -> Decision:
        """Return the Decision that ends the run; `rest` is what else is to be done."""
        status, notes = self.run.finished(False, reason, message, now, **self.digest)
        return Decision(status=status, notes=notes, requeue=0.0, **rest)


def under_way(run: RunView, job: Object, world: World, now: datetime.datetime) -> Decision:
    """Say what follows for a run that has a Job and has not ended.

    Args:
        run: The run.
        job: Its Job.
        world: What is known.
        now: The time of day.
    """
    pods = world.find(POD, run.namespace, names.RUN_UID_LABEL, run.uid)
    within = _Job(run, job, pods, frozen_plan(run, world))
    if run.cancelled or (run.stopped and not run.claimed):
        return _winding_up(within, now)
    if within.over is not None:
        return _without_last_word(within, within.over, now)
    if within.frozen is None:
        return _plan_gone(within, world, now)
    left = _overtime(within, within.frozen, now)
    if left is not None and left <= 0:
        return _ended_by_time(within, within.frozen, now)
    change = within.suspend(run.suspended)
    if run.suspended:
        words = "its pod winds up" if within.live else "spec.suspend holds it"
        held = ConditionReason.ENDING if within.live else ConditionReason.SUSPENDED
        return within.active(held, words, now, change=change)
    if not within.live and any(_phase(pod) == "Succeeded" for pod in pods):
        # The Job is about to be complete; and the last word about to come, if it has not.
        return Decision(change=change, requeue=left)
    if within.taken:
        return _in_another_job(within, within.taken, now)
    reason, words = _standing(within, world, now)
    due = [each for each in (left, _podless(within, now)) if each is not None and each > 0]
    return within.active(reason, words, now, change=change, requeue=min(due, default=None))


def _standing(job: _Job, world: World, now: datetime.datetime) -> tuple[str, str]:
    """Return reason and message of a run that nobody asked to end."""
    leaving = [taken_away(pod) for pod in job.live]
    if leaving and all(leaving):
        return ConditionReason.EVICTED, f"{leaving[0]}; another pod takes its place"
    trouble = worst(job.live)
    if trouble is not None:
        return trouble.reason, trouble.message
    if _at_work(job):
        return ConditionReason.RUNNING, _pools_awaited(job, world)
    former = None if job.live else job.newest
    ended = None if former is None else pod_trouble(former)
    if ended is not None:
        return ended.reason, f"{ended.message}; another pod takes its place"
    if lacking := _lacking(job, world):
        return ConditionReason.CONTAINER_CONFIG, lacking
    wait = _podless(job, now)
    if wait is None or wait > 0:
        return ConditionReason.STARTING, POD_STARTS
    name, namespace = job.run.job, job.run.namespace
    return ConditionReason.REFUSED, (
        f"Job {name} can't make its pod: a quota or an admission policy may refuse it; "
        f"kubectl -n {namespace} describe job {name} has the words"
    )


def _podless(job: _Job, now: datetime.datetime) -> float | None:
    """Return in how many seconds a Job without pods is worth a word; None: it has one."""
    status = job.item.get("status") or {}
    if job.pods or any(status.get(key) for key in ("active", "failed")):
        return None
    held = job.condition("Suspended")
    if held is not None and held["status"] == "True":
        return None
    since = job.created if held is None else moment(held["lastTransitionTime"])
    return PODLESS - (now - since).total_seconds()


def _lacking(job: _Job, world: World) -> str:
    """Name what a pod waits for that can't start: the kubelet says it in Events alone."""
    wanted = job.frozen.secrets if job.frozen is not None else ()
    found = world.read(SECRET, job.run.namespace, *sorted({each.secret for each in wanted}))
    missing = [f"Secret {name}" for name, there in found.items() if there is None]
    missing += [
        f"key {each.key!r} of Secret {each.secret}"
        for each in wanted
        if (there := found[each.secret]) is not None and each.key not in (there.get("data") or {})
    ]
    return f"there is no {', no '.join(missing)} (spec.inputsFrom)" if missing else ""


def _in_another_job(job: _Job, words: str, now: datetime.datetime) -> Decision:
    """Take a Job away whose pod was, so that the run goes on at once, in one of the same name.

    Kubernetes counts such a pod as a failure: it waits for 10 seconds, then for 20 and so on, and
    gives the run up in the end.
    """
    newest, message = job.newest, f"{words}; another pod takes its place"
    begun = newest is not None and newest["metadata"]["uid"] == job.run.runner.get("podUID")
    wait = 0.0 if begun else RENEWAL - (now - job.created).total_seconds()
    if wait > 0:
        return job.active(ConditionReason.EVICTED, message, now, requeue=wait)
    return job.active(ConditionReason.EVICTED, message, now, delete=_gone(job))


def _at_work(job: _Job) -> bool:
    """Say whether the pod that has claimed the run is there."""
    claimed = job.run.runner.get("podUID")
    return any(pod["metadata"]["uid"] == claimed for pod in job.live)


def _pools_awaited(job: _Job, world: World) -> str:
    """Name the Pools that the run may call and that do not answer."""
    lines = []
    for name in job.frozen.pools if job.frozen is not None else ():
        pool = world.get(POOL, job.run.namespace, name)
        if pool is None:
            lines.append(f"Pool {name} is gone")
            continue
        lines += [
            f"Pool {name} is not ready: {each['reason']}"
            for each in (pool.get("status") or {}).get("conditions") or ()
            if each["type"] == "Ready" and each["status"] == "False"
        ]
    return "\n".join(lines) or AT_WORK


def _plan_gone(job: _Job, world: World, now: datetime.datetime) -> Decision:
    """Put a plan back that somebody took away; without it no further pod can start."""
    config_map = plan_again(job.run, world)
    if config_map is not None:
        return Decision(create=(config_map,))
    if _at_work(job):
        return job.active(ConditionReason.RUNNING, AT_WORK, now)
    return job.failed(ConditionReason.PLAN_LOST, plan_lost(job.run), now, delete=_gone(job))


def _winding_up(job: _Job, now: datetime.datetime) -> Decision:
    """End a run's pod, and the run itself where no runner says the last word."""
    run, change = job.run, job.suspend(True)
    since = _still_since(job)
    left = max((_lost_in(pod, now) for pod in job.live), default=0.0)
    if left > 0 or since is None:
        requeue = left if 0 < left < float("inf") else None
        return job.active(
            ConditionReason.ENDING, "its pod winds up", now, change=change, requeue=requeue
        )
    wait = LAST_WORD - (now - since).total_seconds()
    if wait > 0 and run.claimed:
        return Decision(change=change, requeue=wait)
    reason = Reason.CANCELLED if run.cancelled else Reason.STOPPED
    begun = "its runner has not said how far it came" if run.claimed else "no step had begun"
    words = f"{'cancelled' if run.cancelled else 'stopped'}; {begun}"
    return job.failed(reason, words, now, change=change)


def _still_since(job: _Job) -> datetime.datetime | None:
    """Return since when a Job starts no pod: it is suspended, or over; None: it still may."""
    held = job.condition("Suspended")
    found = held if held is not None and held["status"] == "True" else job.over
    return None if found is None else moment(found["lastTransitionTime"])


def _lost_in(pod: Object, now: datetime.datetime) -> float:
    """Return in how many seconds nobody waits for a pod's end any more."""
    end = pod["metadata"].get("deletionTimestamp")
    if end is None:
        return float("inf")
    return LOST + (moment(end) - now).total_seconds()


def _without_last_word(job: _Job, over: Object, now: datetime.datetime) -> Decision:
    """End a run whose Job is over and whose runner has not said how it ended."""
    wait = LAST_WORD - (now - moment(over["lastTransitionTime"])).total_seconds()
    if wait > 0:
        return Decision(requeue=wait)
    if over["type"] == "Complete":
        words = "its pod ended, and no word of the run's end came"
        return job.failed(ConditionReason.RUNNER_LOST, words, now)
    newest = job.newest
    if newest is not None and (taken := taken_away(newest)):
        return _in_another_job(job, taken, now)
    trouble = None if newest is None else pod_trouble(newest)
    last = "" if newest is None or trouble is None else last_words(newest) or trouble.message
    message = over.get("message") or "its Job failed"
    out = trouble is not None and trouble.reason is ConditionReason.OUT_OF_MEMORY
    reason = ConditionReason.OUT_OF_MEMORY if out else ConditionReason.RUNNER_FAILED
    return job.failed(reason, f"{message}; last: {last}" if last else message, now)


def _overtime(job: _Job, frozen: Frozen, now: datetime.datetime) -> float | None:
    """Return in how many seconds the operator must end the run itself; None: not now.

    A run's time goes on while it is suspended; but then its next pod has to come and say so.
    """
    held = job.condition("Suspended")
    if frozen.timeout is None or job.run.suspended or (held or {}).get("status") == "True":
        return None
    resumed = job.created if held is None else moment(held["lastTransitionTime"])
    begun = job.run.runner.get("startTime")
    start = resumed if begun is None else moment(begun)
    end = max(start + datetime.timedelta(seconds=frozen.timeout), resumed)
    return OVERTIME + (end - now).total_seconds()


def _ended_by_time(job: _Job, frozen: Frozen, now: datetime.datetime) -> Decision:
    trouble = worst(job.live)
    why = f": {trouble.message}" if trouble is not None else ""
    limit = f" ({format_duration(frozen.timeout)})" if frozen.timeout is not None else ""
    words = f"it ran out of time{limit}, and its runner did not say so{why}"
    return job.failed(Reason.RUN_TIMEOUT, words, now, delete=_gone(job))


def _gone(job: _Job) -> tuple[Ref, ...]:
    """Return what takes the Job away: no pod can begin then what has ended."""
    return (Ref(JOB, job.run.namespace, job.run.job, job.item["metadata"].get("uid", "")),)


def _owners(pod: Object) -> list[str]:
    return [each["uid"] for each in pod["metadata"].get("ownerReferences") or ()]


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", ""))
