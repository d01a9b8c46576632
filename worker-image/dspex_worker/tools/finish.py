"""ReAct's own last tool, which takes whatever arguments the model gives it."""

from typing import Any

import dspy


class FinishTool(dspy.Tool):  # type: ignore[misc]  # dspy has no types
    """Ends the steps; DSPy's own refuses arguments with a traceback that the model then reads."""

    async def acall(self, /, **_: Any) -> str:
        """Say that it is done."""
        return _completed()

    def __call__(self, /, **_: Any) -> str:
        """Say that it is done."""
        return _completed()


def finish(description: str) -> FinishTool:
    """Return the tool `finish`."""
    return FinishTool(func=_completed, name="finish", desc=description, args={})


def _completed() -> str:
    return "Completed."
