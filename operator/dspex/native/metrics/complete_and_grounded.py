"""complete_and_grounded: DSPy's `CompleteAndGrounded`."""

from dspex.native.config import NoConfig
from dspex.native.field import Field
from dspex.native.metrics.judged import JudgedMetric
from dspex.native.types import FLOAT, STR


class CompleteAndGrounded(JudgedMetric):
    """How complete an answer is beside the reference, and how grounded in what was retrieved."""

    name = "complete_and_grounded"
    summary = (
        "The harmonic mean of an answer's completeness beside the reference and its groundedness "
        "in the context, as a model judges them: DSPy's CompleteAndGrounded, in its own words."
    )
    config = NoConfig
    inputs = (
        Field(name="question", type=STR),
        Field(name="prediction", type=STR),
        Field(name="reference", type=STR),
        Field(name="context", type=STR),
    )
    outputs = (
        Field(name="score", type=FLOAT),
        Field(name="completeness", type=FLOAT),
        Field(name="groundedness", type=FLOAT),
    )

    def module(self, config: NoConfig) -> str:
        """Return the worker's module."""
        return "CompleteAndGrounded"
