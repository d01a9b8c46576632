"""hotpot_f1: DSPy's `HotPotF1`."""

from typing import Any, Final

from dspex.native.config import NoConfig
from dspex.native.metrics.base import Metric
from dspex.native.metrics.f1 import f1_of
from dspex.native.metrics.text import normalised, prediction_text, reference_texts

LABELS: Final = frozenset({"yes", "no", "noanswer"})
"""Answers that are right or wrong as a whole."""


class HotpotF1(Metric):
    """Like f1, but yes, no and noanswer share nothing with anything else."""

    name = "hotpot_f1"
    summary = (
        "As f1, but where either side is yes, no or noanswer both must be the same: HotPotQA's "
        "own score, and DSPy's HotPotF1."
    )

    def compare(self, prediction: Any, reference: Any, config: NoConfig) -> float:
        """Compare with each reference and take the best."""
        found = normalised(prediction_text(prediction))
        return max(_score(found, normalised(one)) for one in reference_texts(reference))


def _score(found: str, wanted: str) -> float:
    if found != wanted and (found in LABELS or wanted in LABELS):
        return 0.0
    return f1_of(found.split(), wanted.split())
