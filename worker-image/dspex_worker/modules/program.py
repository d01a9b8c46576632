"""The interface between a call and a DSPy module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dspex.bridge.protocol.allowed import BASES
from dspex.errors import Reason
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex_worker.failures import CallError
from dspex_worker.tools import SafeTool


@dataclass(frozen=True, slots=True)
class ModuleArguments:
    """What a module is built from, besides its signature.

    Attributes:
        tools: For ReAct.
        max_iters: For ReAct; None means DSPy's default.
        attempts: How often a module is repeated; None means three times.
        base: What BestOfN and Refine repeat, `Predict` or `ChainOfThought`.
        reward: What tells BestOfN and Refine how good an attempt is.
        threshold: The reward at which no further attempt is made; None: all are made.
    """

    tools: tuple[SafeTool, ...] = ()
    max_iters: int | None = None
    attempts: int | None = None
    base: str = BASES[0]
    reward: SafeTool | None = None
    threshold: float | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells these arguments from others."""
        return (
            tuple(tool.name for tool in self.tools),
            self.max_iters,
            self.attempts,
            self.base,
            None if self.reward is None else self.reward.name,
            self.threshold,
        )

    def needed_reward(self, module: str) -> SafeTool:
        """Return the reward; raises CallError, RequestRefused, where there is none."""
        if self.reward is None:
            raise CallError(
                Reason.REQUEST_REFUSED,
                f"{module} needs config.reward: the name of a tool of the Pool that returns a "
                "number",
            )
        return self.reward


def with_added(signature: Signature, field: Field, module: str) -> Signature:
    """Return a signature with the output that a module adds behind its own.

    Raises:
        CallError: RequestRefused where it has a field of that name.
    """
    if any(each.name == field.name for each in signature.fields):
        raise CallError(
            Reason.REQUEST_REFUSED,
            f"{module} adds the output {field.name!r}; the signature has one already",
        )
    return signature.with_output_appended(field)


class Program(Protocol):
    """A built module. It is shared by calls that run side by side, so it holds no state."""

    @property
    def signature(self) -> Signature:
        """The signature with what the module adds to the outputs."""
        ...

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it on Python values and `dspy.Example`s; returns Python values by output name."""
        ...
