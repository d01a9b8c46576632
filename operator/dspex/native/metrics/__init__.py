"""Metrics: one file each, and one line here. A package adds its own as entry point `dspex.metrics`.

Where `dspy.evaluate` has the metric, the numbers are its own; a differential test holds that.
"""

from dspex.native.metrics.accuracy import Accuracy
from dspex.native.metrics.base import Metric
from dspex.native.metrics.complete_and_grounded import CompleteAndGrounded
from dspex.native.metrics.contains import Contains
from dspex.native.metrics.exact_match import ExactMatch
from dspex.native.metrics.f1 import F1
from dspex.native.metrics.hotpot_f1 import HotpotF1
from dspex.native.metrics.judged import JudgedMetric
from dspex.native.metrics.numeric import Numeric
from dspex.native.metrics.passage_match import PassageMatch
from dspex.native.metrics.precision import Precision
from dspex.native.metrics.recall import Recall
from dspex.native.metrics.semantic_f1 import SemanticF1
from dspex.native.registry import Registry

METRICS: Registry[Metric] = Registry(
    "metric",
    Metric,
    "dspex.metrics",
    {
        plugin.name: plugin
        for plugin in (
            Accuracy(),
            CompleteAndGrounded(),
            Contains(),
            ExactMatch(),
            F1(),
            HotpotF1(),
            Numeric(),
            PassageMatch(),
            Precision(),
            Recall(),
            SemanticF1(),
        )
    },
)


def metric(name: str) -> Metric:
    """Return a metric by its name in manifests; raises CompileError where there is none."""
    return METRICS.get(name)


__all__ = ["METRICS", "JudgedMetric", "Metric", "metric"]
