"""f1: DSPy's `F1` over words."""

from typing import Any

from dspex.native.config import NoConfig
from dspex.native.metrics.base import Metric
from dspex.native.metrics.text import prediction_text, reference_texts, shared, words


class F1(Metric):
    """The harmonic mean of precision and recall of the prediction's words."""

    name = "f1"
    summary = (
        "The words that prediction and reference share, as the harmonic mean of precision and "
        "recall, after the same normalisation as exact_match; of several references the best."
    )

    def compare(self, prediction: Any, reference: Any, config: NoConfig) -> float:
        """Compare with each reference and take the best."""
        return best_f1(prediction_text(prediction), reference_texts(reference))


def best_f1(text: str, references: list[str]) -> float:
    """Return the best score of a text beside some references."""
    found = words(text)
    return max(f1_of(found, words(one)) for one in references)


def f1_of(found: list[str], wanted: list[str]) -> float:
    """Return the harmonic mean of precision and recall, 0.0 where nothing is shared."""
    common = shared(found, wanted)
    if common == 0:
        return 0.0
    precision = common / len(found)
    recall = common / len(wanted)
    return (2 * precision * recall) / (precision + recall)
