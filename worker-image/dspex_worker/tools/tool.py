"""A tool of the Pool's as DSPy's modules take it."""

from typing import Any, Self

import dspy

from dspex_worker.tools.guard import Guard


class SafeTool(dspy.Tool):  # type: ignore[misc]  # dspy has no types
    """A tool whose errors are told to the model in a line, and that never blocks the loop."""

    _guard: Guard

    def guarded(self, guard: Guard) -> Self:
        """Have all calls go through a guard."""
        self._guard = guard
        return self

    # A model may name an argument `self`.
    async def acall(self, /, **kwargs: Any) -> Any:
        """Call the tool; what it raises comes back as text."""
        return await self._guard.call(kwargs)

    def __call__(self, /, **kwargs: Any) -> Any:
        """Call the tool from a module without an asynchronous path, in that module's thread."""
        return self._guard.call_from_thread(kwargs)
