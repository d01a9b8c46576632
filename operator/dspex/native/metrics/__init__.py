"""Metrics: one file each, and one line here. A package adds its own as entry point `dspex.metrics`.

The numbers of `exact_match` and `f1` are those of `dspy.evaluate`; a differential test holds that.
"""

from dspex.native.metrics.accuracy import Accuracy
from dspex.native.metrics.base import Metric
from dspex.native.metrics.exact_match import ExactMatch
from dspex.native.metrics.f1 import F1
from dspex.native.registry import Registry

METRICS: Registry[Metric] = Registry(
    "metric",
    Metric,
    "dspex.metrics",
    {plugin.name: plugin for plugin in (Accuracy(), ExactMatch(), F1())},
)


def metric(name: str) -> Metric:
    """Return a metric by its name in manifests; raises CompileError where there is none."""
    return METRICS.get(name)


__all__ = ["METRICS", "Metric", "metric"]
