"""accuracy: the share of values that are equal."""

from typing import Any

from dspex.native.config import Config
from dspex.native.metrics.base import Metric, failed


class AccuracyConfig(Config):
    """Options of accuracy.

    Attributes:
        ignore_case: Compare strings without case and without blanks around them.
    """

    ignore_case: bool = False


class Accuracy(Metric):
    """The share of equal values of two lists; of two single values 1.0 or 0.0."""

    name = "accuracy"
    summary = (
        "The share of positions at which two lists of the same length are equal; 1 or 0 for two "
        "single values. Numbers compare by value, true is not 1."
    )
    config = AccuracyConfig

    def compare(self, prediction: Any, reference: Any, config: AccuracyConfig) -> float:
        """Compare two lists item by item, or two values."""
        if isinstance(prediction, list) != isinstance(reference, list):
            raise failed("accuracy compares two lists or two single values, not one of each")
        if not isinstance(prediction, list):
            return float(_equal(prediction, reference, config))
        if len(prediction) != len(reference):
            raise failed(
                f"prediction has {len(prediction)} items and reference {len(reference)}; under "
                "onError: Continue use the step's indices to pick the references that are left"
            )
        if not prediction:
            raise failed("prediction and reference are empty: there is nothing to compare")
        equal = sum(_equal(*pair, config) for pair in zip(prediction, reference, strict=True))
        return equal / len(prediction)


def _equal(first: Any, second: Any, config: AccuracyConfig) -> bool:
    if isinstance(first, bool) != isinstance(second, bool):
        return False
    if config.ignore_case and isinstance(first, str) and isinstance(second, str):
        return first.strip().casefold() == second.strip().casefold()
    return bool(first == second)
