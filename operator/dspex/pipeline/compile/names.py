"""Names that stand twice."""

from collections.abc import Iterable

from dspex.api.pipeline import PipelineSpec
from dspex.pipeline.context import Context


def check_names(spec: PipelineSpec, context: Context) -> None:
    """Report steps, inputs and outputs whose name is taken."""
    _check("input", [("inputs", each.name) for each in spec.inputs], context)
    _check("output", [("outputs", each.name) for each in spec.outputs], context)
    steps = [("steps", each.name) for each in spec.steps]
    finally_ = [("finally", each.name) for each in spec.finally_]
    _check("step", [*steps, *finally_], context)


def _check(what: str, named: Iterable[tuple[str, str]], context: Context) -> None:
    places: dict[str, str] = {}
    counts: dict[str, int] = {}
    for side, name in named:
        index = counts.get(side, 0)
        counts[side] = index + 1
        place = f"{side}[{index}].name"
        if name in places:
            context.error(
                "DuplicateName",
                f"the {what} {name} is there twice; the first is at {context.path}.{places[name]}",
                path=place,
                remedy="rename one",
            )
        else:
            places[name] = place
