"""The module that the workers of the benchmark run: it does nothing."""

import dspy


class Constant(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Answers at once, so that what is left of a call is its dispatch."""

    async def aforward(self, question: str) -> dspy.Prediction:
        """Answer."""
        return dspy.Prediction(answer="yes")
