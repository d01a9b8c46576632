"""From a new run to a frozen plan and a Job; or what it waits for, or why it ends."""

import datetime
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from dspex.api.conditions import PENDING
from dspex.api.duration import parse_duration
from dspex.api.pipeline import Pipeline, Runner
from dspex.api.pipelinerun import PipelineRun
from dspex.api.pool import Pool
from dspex.controllers import outcome
from dspex.controllers.decision import Decision, Note, Object
from dspex.controllers.judge import judge
from dspex.controllers.key import Key
from dspex.controllers.plans import compile_plan, describe_missing
from dspex.controllers.run_view import RunView
from dspex.controllers.world import PIPELINE_FIELD, World
from dspex.errors import CompileError, ConditionReason, ConfigurationError, Diagnostic, Reason
from dspex.kube.kind import CONFIG_MAP, JOB, PIPELINE, PIPELINE_RUN, POOL, SECRET, SERVICE_ACCOUNT
from dspex.native.validation import Validator, Violation
from dspex.pipeline.plan import Plan
from dspex.resources import names
from dspex.resources.pool_children import pool_host
from dspex.resources.run_inputs import (
    RunInputs,
    SecretKey,
    input_sources,
    resolve_inputs,
    sensitive_inputs,
)
from dspex.resources.run_plan import PoolAddress, plan_config_map
from dspex.resources.runner_job import RunnerSettings, runner_job

POD_STARTS: Final = "its pod starts"
"""Message of a run with a Job and no runner at work; one for all of that time, so one write."""

SHOWN_DIGEST: Final = 19
"""Characters of a digest in an Event: `sha256:` and the first twelve."""

START_DEADLINE: Final = datetime.timedelta(minutes=10)
"""How long a run may wait for what it names: from its making, or from the end of another wait."""

LOOK_AGAIN: Final = 60.0
"""Seconds after which a run that waits for its turn looks again, should nothing have woken it."""

PLAN_ANNOTATION: Final = "dspex.dev/plan"
"""On a run's frozen plan: what the operator must know of it, without reading it, as JSON."""

_STARTING: Final = "starting"
"""Kept in memory for a run that has its place, and of which nothing may be there yet."""

_PASSED: Final = frozenset({ConditionReason.SUSPENDED, ConditionReason.MISSING_REFERENCE})
"""Reasons of waiting runs that later ones need not wait for."""

_NO_OTHER_WAIT: Final = frozenset({"", PENDING, ConditionReason.MISSING_REFERENCE})
"""Reasons of a run that has waited for nothing yet but what it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What is known of a plan that was frozen.

    Attributes:
        digest: Of the plan.
        pools: The Pools that it may call, with their addresses.
        secrets: The keys of Secrets that are inputs.
        timeout: Seconds that the run may take in all; None: any.
        runner: What the Pipeline said of its runs' pods; None: nothing.
    """

    digest: str
    pools: Mapping[str, PoolAddress]
    secrets: tuple[SecretKey, ...]
    timeout: float | None
    runner: Runner | None

    def text(self) -> str:
        """Return it as it stands in the annotation."""
        return json.dumps(
            {
                "digest": self.digest,
                "pools": {name: [pool.host, pool.audience] for name, pool in self.pools.items()},
                "secrets": [[each.secret, each.key] for each in self.secrets],
                "timeout": self.timeout,
                "runner": None if self.runner is None else self.runner.to_json(),
            },
            sort_keys=True,
        )


def frozen_plan(run: RunView, world: World) -> Frozen | None:
    """Return what is known of a run's frozen plan, None where there is none."""
    found = world.get(CONFIG_MAP, run.namespace, names.plan_name(run.job))
    text = ((found or {}).get("metadata", {}).get("annotations") or {}).get(PLAN_ANNOTATION)
    if text is None:
        return None
    given: dict[str, Any] = json.loads(text)
    runner = given["runner"]
    return Frozen(
        digest=given["digest"],
        pools={
            name: PoolAddress(host=host, audience=audience)
            for name, (host, audience) in given["pools"].items()
        },
        secrets=tuple(SecretKey(secret, key) for secret, key in given["secrets"]),
        timeout=given["timeout"],
        runner=None if runner is None else Runner.model_validate(runner),
    )


def start(settings: RunnerSettings, run: RunView, world: World, now: datetime.datetime) -> Decision:
    """Say what follows for a run that has no Job.

    Args:
        settings: What the operator brings to runs.
        run: The run; it has not ended.
        world: What is known.
        now: The time of day.
    """
    if run.cancelled or (run.stopped and not run.claimed):
        return _never_begun(run, now)
    if run.suspended:
        return _wait(run, ConditionReason.SUSPENDED, "spec.suspend holds it", world, now)
    model = world.model(PIPELINE_RUN, run.namespace, run.name)
    if not isinstance(model, PipelineRun):
        words = outcome.render(judge(run.item)[1])
        return _end(run, ConditionReason.RUN_INVALID, words, now)
    if world.get(SERVICE_ACCOUNT, run.namespace, names.RUNNER_SERVICE_ACCOUNT) is None:
        words = "the namespace is being set up"
        return _wait(run, ConditionReason.PREPARING, words, world, now)
    frozen = frozen_plan(run, world)
    try:
        if frozen is None:
            return _begin(settings, run, model, world, now)
        return _again(settings, run, model, frozen, world, now)
    except _Waiting as waiting:
        if waiting.reason is ConditionReason.QUEUED:
            return _wait(run, waiting.reason, str(waiting), world, now, LOOK_AGAIN)
        return _wait_in_time(run, waiting, world, now)
    except _Ending as ending:
        return _end(run, ending.reason, str(ending), now)


def plan_again(run: RunView, world: World) -> Object | None:
    """Return the ConfigMap of a run whose own was taken away; None if that plan can't be made now.

    Args:
        run: The run; it was frozen.
        world: What is known.
    """
    model = world.model(PIPELINE_RUN, run.namespace, run.name)
    if not isinstance(model, PipelineRun):
        return None
    try:
        return _freeze(run, model, world)[1]
    except (_Waiting, _Ending):
        return None


class _Waiting(Exception):  # noqa: N818 -- no error: the run goes on once something has changed
    def __init__(self, reason: ConditionReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Ending(Exception):  # noqa: N818 -- the run's error, not the operator's
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _begin(
    settings: RunnerSettings,
    run: RunView,
    model: PipelineRun,
    world: World,
    now: datetime.datetime,
) -> Decision:
    """Freeze the plan of a run, and make its Job."""
    frozen, config_map = _freeze(run, model, world)
    job = _job(settings, model, frozen)
    return _started(run, frozen, (config_map, job), now)


def _again(
    settings: RunnerSettings,
    run: RunView,
    model: PipelineRun,
    frozen: Frozen,
    world: World,
    now: datetime.datetime,
) -> Decision:
    """Make the Job of a run whose plan is frozen: it was taken away, or never came to be."""
    _take_place(run, world)
    return _started(run, frozen, (_job(settings, model, frozen),), now)


def _started(
    run: RunView, frozen: Frozen, create: tuple[Object, ...], now: datetime.datetime
) -> Decision:
    notes: tuple[Note, ...] = ()
    if not run.frozen:
        message = f"Job {run.job} runs plan {frozen.digest[:SHOWN_DIGEST]}"
        notes = (Note(ConditionReason.STARTED, message),)
    elif run.reason != ConditionReason.EVICTED:
        # Else the operator took the Job away itself, and has said why.
        message = f"Job {run.job} was gone before the run had ended; it goes on in a new one"
        notes = (Note(ConditionReason.RESTARTED, message, warning=True),)
    status, _ = run.active(ConditionReason.STARTING, POD_STARTS, now, planDigest=frozen.digest)
    return Decision(create=create, status=status, notes=notes)


def _freeze(run: RunView, model: PipelineRun, world: World) -> tuple[Frozen, Object]:
    """Return what is frozen for a run, and the ConfigMap that holds it."""
    pipeline, plan = _plan(run, world)
    bound = run.claimed or _job_known(run, world)
    if bound and plan.digest != run.status.get("planDigest", plan.digest):
        # What it has done, or its pod, is of another plan.
        raise _Ending(ConditionReason.PLAN_LOST, plan_lost(run))
    inputs = _inputs(run, model, pipeline, plan, world)
    addresses = {name: _address(run, name, world) for name in plan.pools}
    _take_place(run, world)
    frozen = Frozen(
        digest=plan.digest,
        pools=addresses,
        secrets=tuple(inputs.secret.values()),
        timeout=_seconds(model, plan),
        runner=pipeline.spec.runner,
    )
    try:
        config_map = plan_config_map(model, plan, addresses, inputs)
    except CompileError as error:
        words = outcome.render(error.diagnostics)
        raise _Ending(ConditionReason.PLAN_TOO_LARGE, words) from error
    config_map["metadata"].setdefault("annotations", {})[PLAN_ANNOTATION] = frozen.text()
    return frozen, config_map


def plan_lost(run: RunView) -> str:
    """Say of a run that its plan was taken away, and can't be made again."""
    return (
        f"ConfigMap {names.plan_name(run.job)} with its plan was deleted, and Pipeline "
        f"{run.pipeline} does not make the same plan any more"
    )


def _job(settings: RunnerSettings, model: PipelineRun, frozen: Frozen) -> Object:
    return runner_job(
        model,
        settings=settings,
        pools=frozen.pools,
        secrets=frozen.secrets,
        runner=frozen.runner,
    )


def _plan(run: RunView, world: World) -> tuple[Pipeline, Plan]:
    namespace, name = run.namespace, run.pipeline
    pipeline = world.get(PIPELINE, namespace, name)
    if pipeline is None:
        raise _Waiting(ConditionReason.MISSING_REFERENCE, f"there is no Pipeline {name}")
    model = world.model(PIPELINE, namespace, name)
    found = compile_plan(world, namespace, name)
    if found is None or not isinstance(model, Pipeline):
        raise _Ending(ConditionReason.PIPELINE_INVALID, outcome.render(judge(pipeline)[1]))
    if found.compiled.errors:
        raise _Ending(ConditionReason.PIPELINE_INVALID, outcome.render(found.compiled.errors))
    if found.compiled.plan is None:
        words = describe_missing(world, namespace, found.compiled.missing)
        raise _Waiting(ConditionReason.MISSING_REFERENCE, words)
    return model, found.compiled.plan


def _inputs(
    run: RunView, model: PipelineRun, pipeline: Pipeline, plan: Plan, world: World
) -> RunInputs:
    named = input_sources(model)
    maps, secrets = _sources(run, model, world)
    lacking = [f"Secret {name}" for name in named.secrets if name not in secrets]
    lacking += [f"ConfigMap {name}" for name in named.config_maps if name not in maps]
    if lacking:
        words = f"there is no {', no '.join(lacking)} (spec.inputsFrom)"
        raise _Waiting(ConditionReason.MISSING_REFERENCE, words)
    fields, sensitive = plan.input_fields, sensitive_inputs(pipeline)
    try:
        found = resolve_inputs(model, fields, sensitive, config_maps=maps, secret_keys=secrets)
    except ConfigurationError as error:
        raise _Ending(Reason.INPUT_INVALID, outcome.render(error.diagnostics)) from error
    visible = [field for field in fields if field.name not in found.secret]
    wrong = Validator(visible).validate(dict(found.values)).violations
    if wrong:
        findings = [_unfit(each, model, sensitive) for each in wrong]
        raise _Ending(Reason.INPUT_INVALID, outcome.render(findings))
    return found


def _unfit(violation: Violation, model: PipelineRun, sensitive: Collection[str]) -> Diagnostic:
    """Say of an input where it stands, or would have to, and what is wrong about it."""
    name = violation.path.partition(".")[0].partition("[")[0]
    remedy = "start a new run with inputs that fit the Pipeline's"
    path = f"spec.inputs.{violation.path}"
    if name in sensitive:
        path = "spec.inputsFrom"
        remedy = f"put it into a Secret under the key {name}, name that there, start a new run"
    elif name not in (model.spec.inputs or {}) and violation.found:
        path = "spec.inputsFrom"
    return Diagnostic(
        code=Reason.INPUT_INVALID,
        message=f"input {violation.path!r} {violation.message}",
        expected=violation.expected or None,
        found=violation.found or None,
        path=path,
        remedy=remedy,
    )


def _sources(
    run: RunView, model: PipelineRun, world: World
) -> tuple[dict[str, Mapping[str, str]], dict[str, tuple[str, ...]]]:
    """Return the ConfigMaps' texts, and the Secrets' keys, that a run's inputsFrom names."""
    named = input_sources(model)
    maps = world.read(CONFIG_MAP, run.namespace, *named.config_maps) if named.config_maps else {}
    secrets = world.read(SECRET, run.namespace, *named.secrets) if named.secrets else {}
    texts = {name: dict(each.get("data") or {}) for name, each in maps.items() if each is not None}
    keys = {
        name: tuple(each.get("data") or {}) for name, each in secrets.items() if each is not None
    }
    return cast("dict[str, Mapping[str, str]]", texts), keys


def _take_place(run: RunView, world: World) -> None:
    """Take one of the places that maxActiveRuns leaves, the oldest run first.

    The place is taken at once, before anything is written: another run that is looked at meanwhile
    must see it.
    """
    pipeline = world.model(PIPELINE, run.namespace, run.pipeline)
    most = pipeline.spec.max_active_runs if isinstance(pipeline, Pipeline) else None
    if most is not None and not _has_place(run, world):
        _wait_for_turn(run, most, world)
    world.memo[_key(run)] = _STARTING


def _wait_for_turn(run: RunView, most: int, world: World) -> None:
    """Return if it is a run's turn.

    A run that waits has read the one that is next before it; the first has read those under way.
    Had each read all of them, each write of any run would wake all that wait.
    """
    started: list[str] = []
    older: list[tuple[datetime.datetime, str]] = []
    own = (run.created, run.name)
    for item in world.marked(PIPELINE_RUN, run.namespace, PIPELINE_FIELD, run.pipeline):
        if "completionTime" in (item.get("status") or {}):
            # Most have ended, and there may be thousands.
            continue
        other = RunView(item)
        if other.ended or other.name == run.name:
            continue
        if _has_place(other, world):
            started.append(other.name)
        elif (other.created, other.name) < own and not _held(other):
            older.append((other.created, other.name))
    if len(started) + len(older) < most:
        return
    for name in [max(older)[1]] if older else started:
        world.get(PIPELINE_RUN, run.namespace, name)
    raise _Waiting(
        ConditionReason.QUEUED,
        f"Pipeline {run.pipeline} lets {most} run{'' if most == 1 else 's'} go on at the same "
        "time; the oldest starts first",
    )


def _has_place(run: RunView, world: World) -> bool:
    return run.frozen or world.memo.get(_key(run)) == _STARTING or _job_known(run, world)


def _job_known(run: RunView, world: World) -> bool:
    return world.known(Key(JOB, run.namespace, run.job)) is not None


def _held(run: RunView) -> bool:
    """Say whether a waiting run could not start anyway, and so lets others pass."""
    return (
        run.suspended
        or run.cancelled
        or run.stopped
        or "deletionTimestamp" in run.item["metadata"]
        or run.reason in _PASSED
    )


def _key(run: RunView) -> Key:
    return Key(PIPELINE_RUN, run.namespace, run.name)


def _address(run: RunView, name: str, world: World) -> PoolAddress:
    pool = world.model(POOL, run.namespace, name)
    if not isinstance(pool, Pool):
        raise _Waiting(ConditionReason.MISSING_REFERENCE, f"there is no Pool {name}")
    return PoolAddress(host=pool_host(pool), audience=names.audience(run.namespace, name))


def _seconds(model: PipelineRun, plan: Plan) -> float | None:
    own = model.spec.timeout
    return plan.timeouts.total if own is None else parse_duration(own)


def _never_begun(run: RunView, now: datetime.datetime) -> Decision:
    reason = Reason.CANCELLED if run.cancelled else Reason.STOPPED
    words = (
        "it was cancelled while it had no pod"
        if run.cancelled
        else "it was stopped before it began"
    )
    return _end(run, reason, words, now)


def _wait(
    run: RunView,
    reason: str,
    message: str,
    world: World,
    now: datetime.datetime,
    requeue: float | None = None,
) -> Decision:
    world.memo.pop(_key(run), None)
    status, notes = run.active(reason, message, now)
    return Decision(status=status, notes=notes, requeue=requeue)


def _wait_in_time(
    run: RunView, waiting: _Waiting, world: World, now: datetime.datetime
) -> Decision:
    """Wait for what a run names, up to a deadline.

    Since when it waits is kept in memory: after a restart it counts from the run's making.
    """
    since = world.memo.get(_key(run))
    if not isinstance(since, datetime.datetime):
        since = run.created if run.reason in _NO_OTHER_WAIT else now
    deadline = since + START_DEADLINE
    if now >= deadline:
        minutes = int(START_DEADLINE.total_seconds() // 60)
        words = f"not there within {minutes} minutes: {waiting}"
        return _end(run, ConditionReason.START_TIMEOUT, words, now)
    rest = (deadline - now).total_seconds()
    decision = _wait(run, waiting.reason, str(waiting), world, now, rest)
    world.memo[_key(run)] = since
    return decision


def _end(run: RunView, reason: str, message: str, now: datetime.datetime) -> Decision:
    status, notes = run.finished(False, reason, message, now)
    return Decision(status=status, notes=notes, requeue=0.0)
