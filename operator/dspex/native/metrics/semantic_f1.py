"""semantic_f1: DSPy's `SemanticF1`."""

from dspex.native.config import Config
from dspex.native.field import Field
from dspex.native.metrics.judged import JudgedMetric
from dspex.native.types import FLOAT, STR


class SemanticF1Config(Config):
    """Options of semantic_f1.

    Attributes:
        decompositional: Have the model list the key ideas of both texts before it judges.
    """

    decompositional: bool = False


class SemanticF1(JudgedMetric):
    """How much of the reference's meaning the prediction has, and the other way round."""

    name = "semantic_f1"
    summary = (
        "The harmonic mean of precision and recall of the prediction's ideas, as a model judges "
        "them for a question: DSPy's SemanticF1, asked in its own words."
    )
    config = SemanticF1Config
    inputs = (
        Field(name="question", type=STR),
        Field(name="prediction", type=STR),
        Field(name="reference", type=STR),
    )
    outputs = (
        Field(name="score", type=FLOAT),
        Field(name="precision", type=FLOAT),
        Field(name="recall", type=FLOAT),
    )

    def module(self, config: SemanticF1Config) -> str:
        """Return the worker's module."""
        return "DecompositionalSemanticF1" if config.decompositional else "SemanticF1"
