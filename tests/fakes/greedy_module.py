"""A module for a worker's pod, to which a ConfigMap brings it: it takes all memory there is."""

import pathlib

import dspy


class Greedy(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Takes more memory than there is at its first call, and whenever it is asked "always"."""

    async def aforward(self, question: str) -> dspy.Prediction:
        """Answer, or be killed."""
        # The pod's own folder outlives its container.
        mark = pathlib.Path("/tmp/fed")  # noqa: S108 -- in the container
        if question == "always" or not mark.exists():
            mark.touch()
            hoard = [bytes([1]) * 2**20 for _ in range(2**14)]
            return dspy.Prediction(answer=str(len(hoard)))
        return dspy.Prediction(answer="fed")
