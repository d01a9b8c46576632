"""What a former process of the run had finished, as its journal tells it."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from dspex.pipeline.plan import Plan, Step
from dspex.pipeline.record import ItemRecord, StepRecord

COSTLY: Final = frozenset({"dspy", "native"})
"""Kinds of steps whose results must not be made twice: they cost money, or have effects."""


class StepLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="step"):
    """A step that ended.

    Attributes:
        record: As the engine gave it.
        fields: Names of the outputs of a forEach, whose values its items' lines hold.
        brief: Whether it is only here to be shown: its outputs are not kept.
    """

    record: StepRecord
    fields: tuple[str, ...] | None = None
    brief: bool = False


class ItemLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="item"):
    """An item of a forEach that succeeded."""

    step: str
    index: int
    record: ItemRecord


Line: TypeAlias = StepLine | ItemLine


class Kept:
    """Answers the engine's question what is done already (its `Resume`)."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self._steps: dict[str, StepLine] = {}
        self._items: dict[str, dict[int, ItemLine]] = {}
        for line in lines:
            if isinstance(line, ItemLine):
                self._items.setdefault(line.step, {})[line.index] = line
            else:
                self._steps[line.record.name] = line

    def __len__(self) -> int:
        return len(self._steps) + sum(map(len, self._items.values()))

    def step(self, name: str) -> StepRecord | None:
        """Return the record of a step that had ended, None if it had not."""
        line = self._steps.get(name)
        if line is None:
            return None
        if line.brief:
            # Shown when the step around it is done; otherwise it must give its outputs anew.
            around = self._steps.get(name.rpartition("/")[0])
            return line.record if around is not None else None
        if line.fields is None:
            return line.record
        outputs = self._collected(name, line)
        return None if outputs is None else dataclasses.replace(line.record, outputs=outputs)

    def item(self, name: str, index: int) -> ItemRecord | None:
        """Return the record of an item that had succeeded, None if it had not."""
        line = self._items.get(name, {}).get(index)
        return None if line is None else line.record

    def _collected(self, name: str, line: StepLine) -> Mapping[str, Any] | None:
        items = self._items.get(name, {})
        indices = line.record.indices or ()
        if any(index not in items for index in indices):
            return None
        return {
            field: [items[index].record.outputs.get(field) for index in indices]
            for field in line.fields or ()
        }


def costly_steps(plan: Plan) -> frozenset[str]:
    """Return the paths of the steps whose results are worth a checkpoint."""
    return frozenset(path for path, step in paths(plan, plan) if _costs(step, plan))


def paths(plan: Plan, whole: Plan, prefix: str = "") -> Iterator[tuple[str, Step]]:
    """Give every step that a run reports, with its path.

    Args:
        plan: The run's own, or a sub-pipeline's.
        whole: The run's own: it holds all sub-pipelines.
        prefix: Path of the step around, with a slash.
    """
    for step in plan.all_steps:
        yield prefix + step.name, step
        if step.sub_pipeline is not None:
            yield from paths(whole.pipelines[step.sub_pipeline], whole, f"{prefix}{step.name}/")


def _costs(step: Step, whole: Plan) -> bool:
    if step.kind != "pipelineRef":
        return step.kind in COSTLY
    inner = whole.pipelines[str(step.body["name"])]
    return any(_costs(each, whole) for each in inner.all_steps)
