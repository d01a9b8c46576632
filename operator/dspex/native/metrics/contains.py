"""contains: whether a text contains another."""

from typing import Any

from dspex.native.config import Config
from dspex.native.metrics.base import Metric
from dspex.native.metrics.text import normalised, prediction_text, reference_texts


class ContainsConfig(Config):
    """Options of contains.

    Attributes:
        normalize: Look for whole words, without case, punctuation, articles and extra blanks.
        all: Of several references all must be there, and the score is the share of those that are.
    """

    normalize: bool = True
    all: bool = False


class Contains(Metric):
    """1.0 where the prediction contains a reference, else 0.0."""

    name = "contains"
    summary = (
        "1 where the prediction contains the reference, or one of a list, as whole words after "
        "the same normalisation as exact_match; with `all` the share of the list that it contains."
    )
    config = ContainsConfig

    def compare(self, prediction: Any, reference: Any, config: ContainsConfig) -> float:
        """Look for each reference in the prediction."""
        text, references = prediction_text(prediction), reference_texts(reference)
        found = [_contains(text, one, config.normalize) for one in references]
        return sum(found) / len(found) if config.all else float(any(found))


def _contains(text: str, wanted: str, normalize: bool) -> bool:
    if not normalize:
        return wanted in text
    # Blanks around both keep `art` out of `party`.
    return f" {normalised(wanted)} ".replace("  ", " ") in f" {normalised(text)} "
