"""Pipelines: compiled whenever they or what they name change; runs counted, started, cleared."""

import datetime
from collections.abc import Sequence
from typing import Any, Final

from dspex.api.limits import MAX_LIST
from dspex.api.pipeline import Pipeline
from dspex.controllers import outcome
from dspex.controllers.decision import Decision, Object
from dspex.controllers.judge import judge
from dspex.controllers.pipeline_runs import MAX_DELETED, count, standing, too_old
from dspex.controllers.plans import Compilation, compile_plan, describe_missing
from dspex.controllers.triggers import follow
from dspex.controllers.world import PIPELINE_FIELD, World
from dspex.errors import ConditionReason, Diagnostic
from dspex.kube.kind import PIPELINE, PIPELINE_RUN
from dspex.pipeline.plan import Plan

SOON: Final = 1.0
"""Seconds until the next ones of many runs are deleted."""


def decide(item: Object, world: World, now: datetime.datetime) -> Decision:
    """Compile a Pipeline, count its runs, start those that its triggers want, delete old ones."""
    metadata = item["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    found = compile_plan(world, namespace, name)
    conditions = _conditions(item, world, found, now)
    runs = standing(world.find(PIPELINE_RUN, namespace, PIPELINE_FIELD, name))
    former = item.get("status") or {}
    counted = count(former, runs, now)
    status = {
        "observedGeneration": metadata["generation"],
        "conditions": conditions,
        **_understood(found),
        **counted.status,
    }
    notes = outcome.transition(item, conditions)
    pipeline = world.model(PIPELINE, namespace, name)
    if not isinstance(pipeline, Pipeline) or "deletionTimestamp" in metadata:
        kept = {"triggers": former["triggers"]} if "triggers" in former else {}
        return Decision(status={**status, **kept}, notes=notes, requeue=counted.requeue)
    followed = follow(pipeline, former, found.plan_digest if found else "", runs, now)
    if followed.states:
        status["triggers"] = followed.states
    old = too_old(pipeline, runs)
    again = SOON if len(old) == MAX_DELETED else None
    return Decision(
        create=tuple(followed.create),
        delete=(*followed.delete, *old),
        status=status,
        notes=(*notes, *followed.notes),
        requeue=_soonest(counted.requeue, followed.requeue, again),
    )


def graph(plan: Plan) -> list[dict[str, Any]]:
    """Return the steps with what each waits for."""
    late = {step.name for step in plan.finally_}
    described = []
    for step in plan.all_steps:
        each: dict[str, Any] = {"name": step.name, "kind": step.kind}
        if step.needs:
            each["dependsOn"] = list(step.needs)
        if step.name in late:
            each["finally"] = True
        described.append(each)
    return described


def summary(plan: Plan) -> str:
    """Say in a few words what a plan is."""
    number = len(plan.all_steps)
    pools = f", pools {', '.join(plan.pools)}" if plan.pools else ""
    return f"{number} step{'' if number == 1 else 's'}{pools}"


def _conditions(
    item: Object, world: World, found: Compilation | None, now: datetime.datetime
) -> list[Object]:
    if found is None:
        return outcome.stalled(item, judge(item)[1], now)
    if found.compiled.errors:
        return outcome.stalled(item, found.compiled.errors, now)
    if found.compiled.plan is None:
        namespace = item["metadata"]["namespace"]
        message = describe_missing(world, namespace, found.compiled.missing)
        return outcome.waiting(item, ConditionReason.MISSING_REFERENCE, message, now)
    return outcome.ready(item, ConditionReason.COMPILED, summary(found.compiled.plan), now)


def _understood(found: Compilation | None) -> Object:
    """Return what status says of the plan, and of what is allowed but probably not meant."""
    if found is None:
        return {}
    understood: Object = {}
    if found.compiled.plan is not None:
        understood = {"graph": graph(found.compiled.plan), "digest": found.plan_digest}
    return understood | _warnings(found.compiled.warnings)


def _warnings(found: Sequence[Diagnostic]) -> Object:
    if not found:
        return {}
    return {"warnings": [outcome.cut(outcome.render([each])) for each in found[:MAX_LIST]]}


def _soonest(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)
