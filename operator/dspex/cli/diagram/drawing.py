"""What is drawn of a pipeline: its steps, and what waits for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dspex.api.pipeline import Pipeline
from dspex.api.step import Step
from dspex.pipeline import graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A step.

    Attributes:
        name: Its name.
        work: What it does, such as `Predict in small`.
        notes: What else matters, such as `if $(…)`, `for each of $(…)`.
        in_finally: Whether it is a finally step.
    """

    name: str
    work: str
    notes: tuple[str, ...] = ()
    in_finally: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`target` waits for `source`; `reads` is false where only `after` says so."""

    source: str
    target: str
    reads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A pipeline's graph; `levels` groups the nodes by what must come before."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    levels: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def by_name(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    def sources(self, name: str) -> list[str]:
        """Return what a node waits for."""
        return [edge.source for edge in self.edges if edge.target == name]


def draw(
    pipeline: Pipeline, needs: Mapping[str, Sequence[str]], reads: Mapping[str, Sequence[str]]
) -> Drawing:
    """Make the drawing of a pipeline whose dependencies are known.

    Args:
        pipeline: The manifest.
        needs: For each step those that must end before.
        reads: Those among them that its expressions name.
    """
    spec = pipeline.spec
    nodes = [_node(step, in_finally=False) for step in spec.steps]
    nodes += [_node(step, in_finally=True) for step in spec.finally_]
    edges = [
        Edge(source=source, target=node.name, reads=source in reads[node.name])
        for node in nodes
        for source in needs[node.name]
    ]
    return Drawing(
        title=pipeline.name,
        nodes=tuple(nodes),
        edges=tuple(edges),
        levels=_levels(needs, [step.name for step in spec.steps], [s.name for s in spec.finally_]),
    )


def _levels(
    needs: Mapping[str, Sequence[str]], steps: Sequence[str], last: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Group steps by their depth; finally steps come below all others, whatever they read."""
    found = []
    for side in (steps, last):
        own = {name: [need for need in needs[name] if need in side] for name in side}
        found += [tuple(level) for level in graph.levels(own)]
    return tuple(found)


def _node(step: Step, *, in_finally: bool) -> Node:
    notes = []
    if step.if_ is not None:
        notes.append(f"if {step.if_.strip()}")
    if step.for_each is not None:
        notes.append(f"for each of {step.for_each.items.strip()}")
    if step.repeat is not None:
        notes.append(f"until {step.repeat.until.strip()}")
    if step.retry is not None and step.retry.attempts > 1:
        notes.append(f"up to {step.retry.attempts} attempts")
    for other in step.fallback:
        where = other.pool_ref.name if other.pool_ref is not None else other.module
        notes.append(f"else {where or 'fixed outputs'}")
    if step.on_error is not None:
        notes.append(f"on error {step.on_error}")
    return Node(name=step.name, work=_work(step), notes=tuple(notes), in_finally=in_finally)


def _work(step: Step) -> str:
    """Say what a step does, in a few words."""
    if step.dspy is not None:
        return f"{step.dspy.module} in {step.dspy.pool_ref.name}"
    if step.pipeline_ref is not None:
        return f"pipeline {step.pipeline_ref.name}"
    if step.metric is not None:
        judge = step.metric.pool_ref
        return f"metric {step.metric.name}" + ("" if judge is None else f" in {judge.name}")
    if step.transform is not None:
        return f"transform {step.transform.name}"
    if step.native is not None:
        return f"native {step.native.operation}"
    return "template" if step.template is not None else "validate"
