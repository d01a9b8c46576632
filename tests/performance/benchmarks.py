"""All benchmarks: a new one is a file and a line here."""

from collections.abc import Mapping
from typing import Final

from performance.cluster.cost import cost
from performance.cluster.start import start
from performance.cluster.steps import steps
from performance.dispatch import dispatch
from performance.expression import expression
from performance.linear import linear
from performance.native_step import native_step
from performance.session import Benchmark
from performance.signature_parse import signature_parse
from performance.startup import startup
from performance.template import template
from performance.throughput import endurance, throughput
from performance.validation import validation

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "signature": signature_parse,
    "native-step": native_step,
    "linear": linear,
    "dispatch": dispatch,
    "throughput": throughput,
    "endurance": endurance,
    "expression": expression,
    "template": template,
    "validation": validation,
    "startup": startup,
}

CLUSTER_BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "cluster-start": start,
    "cluster-steps": steps,
    "cluster-cost": cost,
}
"""Those on a real cluster."""
