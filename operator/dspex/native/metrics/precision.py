"""precision: the share of the prediction's words that the reference has."""

from typing import Any

from dspex.native.config import NoConfig
from dspex.native.metrics.base import Metric
from dspex.native.metrics.text import prediction_text, reference_texts, shared, words


class Precision(Metric):
    """How much of the prediction is right, by words."""

    name = "precision"
    summary = (
        "The share of the prediction's words that the reference has, after the same normalisation "
        "as exact_match; of several references the best."
    )

    def compare(self, prediction: Any, reference: Any, config: NoConfig) -> float:
        """Compare with each reference and take the best; without words it is 0.0."""
        found = words(prediction_text(prediction))
        most = max(shared(found, words(one)) for one in reference_texts(reference))
        return most / len(found) if most else 0.0
