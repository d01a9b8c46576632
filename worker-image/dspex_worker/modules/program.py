"""The interface between a call and a DSPy module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dspex.native.signatures import Signature
from dspex_worker.tools import SafeTool


@dataclass(frozen=True, slots=True)
class ModuleArguments:
    """What a module is built from, besides its signature.

    Attributes:
        tools: For ReAct.
        max_iters: For ReAct; None means DSPy's default.
    """

    tools: tuple[SafeTool, ...] = ()
    max_iters: int | None = None


class Program(Protocol):
    """A built module. It is shared by calls that run side by side, so it holds no state."""

    @property
    def signature(self) -> Signature:
        """The signature with what the module adds to the outputs."""
        ...

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it on Python values and `dspy.Example`s; returns Python values by output name."""
        ...
