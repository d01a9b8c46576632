"""Plans for the engine: template steps side by side, one after the other, and over items."""

from collections.abc import Iterable

from dspex.api.pipeline import Pipeline
from dspex.pipeline.plan import Plan
from fakes.objects import pipeline, plan

SOURCE = "Dear customer, {{ v }} was noted."
"""The template of every step."""

_TEMPLATE = f"template: {{source: {SOURCE!r}}}"


def wide_pipeline(width: int) -> Pipeline:
    """Return a pipeline of steps that nothing ties."""
    return pipeline(_wide(width))


def wide(width: int) -> Plan:
    """Return its plan."""
    return plan(_wide(width))


def long(length: int) -> Plan:
    """Return a plan of steps each of which reads the one before."""
    reads = ["$(inputs.q)", *(f"$(steps.s{number}.outputs.text)" for number in range(length - 1))]
    template = "template: {source: '{{ v|length }} characters were read.'}"
    return plan(
        _spec(
            f"- {{name: s{number}, {template}, inputs: {{v: {read}}}}}"
            for number, read in enumerate(reads)
        )
    )


def over_items() -> Plan:
    """Return a plan of one step that renders its template for each item of the input `q`."""
    return plan(
        "inputs: [{name: q, type: 'list[int]'}]\n"
        f"steps: [{{name: s, forEach: {{items: $(inputs.q), maxItems: 100000}}, {_TEMPLATE}, "
        "inputs: {v: $(item)}}]"
    )


def _wide(width: int) -> str:
    return _spec(
        f"- {{name: s{number}, {_TEMPLATE}, inputs: {{v: $(inputs.q)}}}}" for number in range(width)
    )


def _spec(steps: Iterable[str]) -> str:
    return "inputs: [{name: q}]\nsteps:\n" + "\n".join(steps)
