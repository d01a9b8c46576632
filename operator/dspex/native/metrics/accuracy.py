"""accuracy: the share of values that are equal, or how alike they are by another metric."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from dspex.errors import CompileError, Diagnostic, NativeError
from dspex.native.config import Config, read_config
from dspex.native.metrics.base import Metric, failed
from dspex.native.metrics.judged import JudgedMetric

Pair: TypeAlias = Callable[[Any, Any], float]


class PairMetric(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The metric that compares two items.

    Attributes:
        name: Its name.
        config: Its options.
    """

    name: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class AccuracyConfig(Config):
    """Options of accuracy.

    Attributes:
        ignore_case: Compare strings without case and without blanks around them.
        metric: Compares two items in place of equality; the score is the mean of its scores.
    """

    ignore_case: bool = False
    metric: PairMetric | None = None

    def __post_init__(self) -> None:
        if self.metric is not None and self.ignore_case:
            raise ValueError("ignoreCase belongs to equality: give `metric` options of its own")


class Accuracy(Metric):
    """The share of equal values of two lists; of two single values 1.0 or 0.0."""

    name = "accuracy"
    summary = (
        "The share of positions at which two lists of the same length are equal; 1 or 0 for two "
        "single values. Numbers compare by value, true is not 1. With `metric` the mean of that "
        "metric's scores over a dataset's items."
    )
    config = AccuracyConfig

    def check(self, config: Mapping[str, Any] | None) -> None:
        """Check the options, and those of the metric that they name; raises CompileError."""
        given = read_config(AccuracyConfig, config).metric
        if given is None:
            return
        try:
            found = _named(given.name)
            found.check(given.config)
            if isinstance(found, JudgedMetric):
                raise CompileError(_judged(given.name))
        except CompileError as error:
            raise CompileError(*(_within(each) for each in error.diagnostics)) from None

    def compare(self, prediction: Any, reference: Any, config: AccuracyConfig) -> float:
        """Compare two lists item by item, or two values."""
        pair = _pair(config)
        if isinstance(prediction, list) != isinstance(reference, list):
            raise failed("accuracy compares two lists or two single values, not one of each")
        if not isinstance(prediction, list):
            return pair(prediction, reference)
        if len(prediction) != len(reference):
            raise failed(
                f"prediction has {len(prediction)} items and reference {len(reference)}; under "
                "onError: Continue use the step's indices to pick the references that are left"
            )
        if not prediction:
            raise failed("prediction and reference are empty: there is nothing to compare")
        total = 0.0
        for index, (first, second) in enumerate(zip(prediction, reference, strict=True)):
            try:
                total += pair(first, second)
            except NativeError as error:
                raise failed(f"item {index}: {error.message}") from None
        return total / len(prediction)


def _pair(config: AccuracyConfig) -> Pair:
    """Return what compares two items."""
    if config.metric is None:
        return lambda first, second: float(_equal(first, second, config.ignore_case))
    found, options = _named(config.metric.name), config.metric.config
    return lambda first, second: found.score(first, second, options)


def _named(name: str) -> Metric:
    # The registry has accuracy in it, and so can't be there before.
    from dspex.native.metrics import METRICS

    return METRICS.get(name)


def _within(finding: Diagnostic) -> Diagnostic:
    """Place a finding about the metric that is named: an option has a path, the metric has none."""
    return finding.at(path="metric.name" if finding.path is None else "metric.config")


def _judged(name: str) -> Diagnostic:
    return Diagnostic(
        code="WrongConfig",
        message=f"{name} asks a model, and accuracy asks none",
        remedy=f"score each item in a {name} step with forEach, and take the mean of its scores",
    )


def _equal(first: Any, second: Any, ignore_case: bool) -> bool:
    if isinstance(first, bool) != isinstance(second, bool):
        return False
    if ignore_case and isinstance(first, str) and isinstance(second, str):
        return first.strip().casefold() == second.strip().casefold()
    return bool(first == second)
