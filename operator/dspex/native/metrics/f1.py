"""f1: DSPy's `F1` over words."""

from collections import Counter
from typing import Any

from dspex.native.config import NoConfig
from dspex.native.metrics.base import Metric
from dspex.native.metrics.text import normalised, prediction_text, reference_texts


class F1(Metric):
    """The harmonic mean of precision and recall of the prediction's words."""

    name = "f1"
    summary = (
        "The words that prediction and reference share, as the harmonic mean of precision and "
        "recall, after the same normalisation as exact_match; of several references the best."
    )

    def compare(self, prediction: Any, reference: Any, config: NoConfig) -> float:
        """Compare with each reference and take the best."""
        words = normalised(prediction_text(prediction)).split()
        return max(_f1(words, normalised(one).split()) for one in reference_texts(reference))


def _f1(words: list[str], wanted: list[str]) -> float:
    shared = sum((Counter(words) & Counter(wanted)).values())
    if shared == 0:
        return 0.0
    precision = shared / len(words)
    recall = shared / len(wanted)
    return (2 * precision * recall) / (precision + recall)
