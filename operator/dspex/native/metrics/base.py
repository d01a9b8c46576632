"""What a metric is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from dspex.errors import NativeError, Reason
from dspex.native.config import Config, NoConfig, read_config


class Metric(ABC):
    """Compares a prediction with a reference. Without state: one instance serves every step.

    Attributes:
        name: Its name in manifests.
        config: The struct of its options.
        summary: What it measures, in one sentence, for the reference page.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    config: ClassVar[type[Config]] = NoConfig

    def check(self, config: Mapping[str, Any] | None) -> None:
        """Check a manifest's `config` when a pipeline is compiled.

        Raises:
            CompileError: An option is unknown, missing or wrong.
        """
        read_config(self.config, config)

    def score(
        self, prediction: Any, reference: Any, config: Mapping[str, Any] | None = None
    ) -> float:
        """Return the score of wire values, from 0.0 to 1.0 where the metric does not say otherwise.

        Raises:
            NativeError: `MetricFailed`: the values are not of the types that it compares.
            CompileError: The config is wrong.
        """
        return float(self.compare(prediction, reference, read_config(self.config, config)))

    @abstractmethod
    def compare(self, prediction: Any, reference: Any, config: Any) -> float:
        """Return the score; `config` is an instance of the class's own struct."""


def failed(message: str) -> NativeError:
    """Say that values can't be compared."""
    return NativeError(Reason.METRIC_FAILED, message)
