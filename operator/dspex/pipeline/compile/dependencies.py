"""Which steps must end before which: read from expressions and `after`, before types are known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dspex.api.pipeline import PipelineSpec
from dspex.api.step import Step
from dspex.errors import ExpressionError, nearest
from dspex.native.expressions import references
from dspex.pipeline import graph
from dspex.pipeline.context import Context


@dataclass(frozen=True, slots=True)
class Dependencies:
    """For each step, finally steps too, by name.

    Attributes:
        needs: Steps that must have ended before, in manifest order.
        reads: Steps among them that its expressions name.
    """

    needs: Mapping[str, list[str]]
    reads: Mapping[str, list[str]]


def find_dependencies(spec: PipelineSpec, context: Context) -> Dependencies | None:
    """Read the dependencies; report unknown names in `after` and cycles; None if there is one."""
    main = [step.name for step in spec.steps]
    finally_ = [step.name for step in spec.finally_]
    needs: dict[str, list[str]] = {}
    reads: dict[str, list[str]] = {}
    broken = False
    for side, steps, known in (("steps", spec.steps, main), ("finally", spec.finally_, finally_)):
        rank = {name: index for index, name in enumerate([*main, *finally_])}
        visible = set(known) | set(main)
        for index, step in enumerate(steps):
            inside = context.at(f"{side}[{index}]")
            try:
                named = step_references(step)
            except ExpressionError:
                # The step's own compiler reports it, with its place.
                named = set()
            own = {step.name} if step.repeat is not None else set()
            reads[step.name] = sorted((named & visible) - own, key=rank.__getitem__)
            after = _after(step, visible, known if side == "steps" else [*main, *known], inside)
            needs[step.name] = sorted({*reads[step.name], *after}, key=rank.__getitem__)
        broken |= _report_cycle({name: needs[name] for name in known}, set(known), side, context)
    return None if broken else Dependencies(needs, reads)


def step_references(step: Step) -> set[str]:
    """Name the steps that a step's expressions read."""
    return steps_named(references(step_values(step)))


def step_values(step: Step) -> list[Any]:
    """List every value of a step in which expressions are read."""
    values: list[Any] = [dict(step.inputs or {}), step.if_]
    if step.for_each is not None:
        values.append(step.for_each.items)
    if step.repeat is not None:
        values.append(step.repeat.until)
    if step.default is not None:
        values.append(dict(step.default.outputs))
    return values


def steps_named(names: Iterable[str]) -> set[str]:
    """Take the step from each dotted name that begins with `steps.`."""
    parts = (name.split(".") for name in names)
    return {part[1] for part in parts if part[0] == "steps" and len(part) > 1}


def _after(step: Step, visible: set[str], candidates: list[str], context: Context) -> set[str]:
    for index, name in enumerate(step.after):
        if name not in visible:
            near = nearest(name, candidates)
            context.error(
                "UnknownStep",
                f"there is no step {name} that {step.name} could come after",
                path=f"after[{index}]",
                expected=f"one of {', '.join(sorted(visible - {step.name}))}",
                remedy=f"did you mean {near}?" if near else "name a step, or leave it out",
            )
    return {name for name in step.after if name in visible}


def _report_cycle(
    needs: Mapping[str, list[str]], nodes: set[str], side: str, context: Context
) -> bool:
    cycle = graph.find_cycle(
        {name: [need for need in before if need in nodes] for name, before in needs.items()}
    )
    if cycle is None:
        return False
    index = list(needs).index(cycle[0])
    context.error(
        "StepCycle",
        f"steps wait for each other in a cycle: {' → '.join(cycle)}",
        path=f"{side}[{index}]",
        remedy="take one of these references out"
        if len(cycle) > 2
        else "a step may read its own outputs only under repeat",
    )
    return True
