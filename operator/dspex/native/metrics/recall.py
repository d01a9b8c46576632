"""recall: the share of the reference's words that the prediction has."""

from typing import Any

from dspex.native.config import NoConfig
from dspex.native.metrics.base import Metric
from dspex.native.metrics.text import prediction_text, reference_texts, shared, words


class Recall(Metric):
    """How much of the reference was found, by words."""

    name = "recall"
    summary = (
        "The share of the reference's words that the prediction has, after the same normalisation "
        "as exact_match; of several references the best."
    )

    def compare(self, prediction: Any, reference: Any, config: NoConfig) -> float:
        """Compare with each reference and take the best; without words it is 0.0."""
        found = words(prediction_text(prediction))
        return max(_recall(found, words(one)) for one in reference_texts(reference))


def _recall(found: list[str], wanted: list[str]) -> float:
    common = shared(found, wanted)
    return common / len(wanted) if common else 0.0
