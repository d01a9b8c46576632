"""exact_match: DSPy's `EM`."""

from typing import Annotated, Any

import msgspec

from dspex.native.config import Config
from dspex.native.metrics.base import Metric
from dspex.native.metrics.f1 import best_f1
from dspex.native.metrics.text import normalised, prediction_text, reference_texts


class ExactMatchConfig(Config):
    """Options of exact_match.

    Attributes:
        normalize: Compare as DSPy does: without case, punctuation, articles and extra blanks.
        frac: Below 1.0 an f1 of at least this much is a match, as in DSPy's `answer_exact_match`.
    """

    normalize: bool = True
    frac: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0

    def __post_init__(self) -> None:
        if self.frac < 1 and not self.normalize:
            raise ValueError("frac compares normalized words: leave normalize out")


class ExactMatch(Metric):
    """1.0 where the prediction equals a reference, else 0.0."""

    name = "exact_match"
    summary = (
        "1 where prediction and reference (or one of a list) are the same text, as DSPy's EM has "
        "it: without case, punctuation, articles and extra blanks."
    )
    config = ExactMatchConfig

    def compare(self, prediction: Any, reference: Any, config: ExactMatchConfig) -> float:
        """Compare with each reference; one that matches is enough."""
        text, references = prediction_text(prediction), reference_texts(reference)
        if config.frac < 1:
            return float(best_f1(text, references) >= config.frac)
        if not config.normalize:
            return float(text in references)
        wanted = normalised(text)
        return float(any(normalised(one) == wanted for one in references))
