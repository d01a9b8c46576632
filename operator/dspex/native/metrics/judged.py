"""Metrics that ask a model: a worker of a Pool works them out."""

from abc import abstractmethod
from typing import Any, ClassVar

from dspex.native.field import Field
from dspex.native.metrics.base import Metric, failed


class JudgedMetric(Metric):
    """A metric for which a model reads the texts; its step names a Pool.

    Attributes:
        inputs: What the step takes.
        outputs: What it gives; `score` among them.
    """

    inputs: ClassVar[tuple[Field, ...]]
    outputs: ClassVar[tuple[Field, ...]]

    @abstractmethod
    def module(self, config: Any) -> str:
        """Return the name of the worker's module; `config` is an instance of the class's own."""

    def compare(self, prediction: Any, reference: Any, config: Any) -> float:
        """Fail: without a model there is no score."""
        raise failed(f"{self.name} asks a model: it needs a step of its own, with a poolRef")
