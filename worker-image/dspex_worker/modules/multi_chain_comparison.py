"""MultiChainComparison: several chains of thought, and one that compares them."""

import asyncio
import warnings
from collections.abc import Sequence
from typing import Any, Final

import dspy

from dspex.bridge.protocol.allowed import ATTEMPTS
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.types import STR
from dspex_worker.modules.program import ModuleArguments, with_added
from dspex_worker.signatures import dspy_signature

RATIONALE: Final = Field(name="rationale", type=STR)

WARMTH: Final = 1.0
"""Temperature of the chains: equal ones would leave nothing to compare."""


class MultiChainComparisonProgram:
    """`dspy.MultiChainComparison` over chains that it asks for itself, side by side.

    DSPy's own wants to be given the chains. It compares by the signature's last output; adds
    `rationale`.
    """

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        self.signature = with_added(signature, RATIONALE, "MultiChainComparison")
        self._count = arguments.attempts or ATTEMPTS
        given = dspy_signature(signature)
        self._last = signature.outputs[-1].name
        self._chain = dspy.ChainOfThought(given)
        with warnings.catch_warnings():
            # DSPy's own code uses what it has deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._comparison = dspy.MultiChainComparison(given, M=self._count)
        self._predict = self._comparison.predict
        # It has no asynchronous path; what it would ask is taken from it, and asked on the loop.
        self._comparison.predict = dict

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Ask for the chains, then compare; one chain that fails fails the call."""
        config = {"temperature": WARMTH}
        async with asyncio.TaskGroup() as group:
            chains = [
                group.create_task(
                    self._chain.acall(**inputs, demos=list(demos), config=dict(config))
                )
                for _ in range(self._count)
            ]
        found = [chain.result() for chain in chains]
        attempts = [{"reasoning": each.reasoning, self._last: each[self._last]} for each in found]
        asked = self._comparison.forward(attempts, **inputs)
        prediction = await self._predict.acall(**asked)
        return {field.name: prediction[field.name] for field in self.signature.outputs}
