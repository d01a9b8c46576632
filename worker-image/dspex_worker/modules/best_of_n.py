"""BestOfN: the best of several attempts, by a reward; adds the output `reward`."""

from collections.abc import Sequence
from typing import Any, Final

import dspy

from dspex.bridge.protocol.allowed import ATTEMPTS
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.types import FLOAT
from dspex_worker.modules.program import ModuleArguments, with_added
from dspex_worker.modules.reward import Reward
from dspex_worker.signatures import dspy_signature

REWARD: Final = Field(name="reward", type=FLOAT)

WARMTH: Final = 1.0
"""Temperature of the attempts, as in DSPy: at 0 they would all be the same."""


class BestOfNProgram:
    """What `dspy.BestOfN` does, on the loop.

    An attempt that reaches the threshold ends it. One that fails is left out, unlike in DSPy not
    for a printed line: where all fail, the call fails of the last one's error.
    """

    name = "BestOfN"

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        self.signature = with_added(signature, REWARD, self.name)
        self._given = signature
        self._attempts = arguments.attempts or ATTEMPTS
        self._threshold = arguments.threshold
        self._reward = Reward(arguments.needed_reward(self.name), signature)
        self._base = getattr(dspy, arguments.base)
        self._module = self._base(dspy_signature(signature))

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Make attempts until one is good enough, or all were made; return the best."""
        best: dict[str, Any] | None = None
        failures: list[Exception] = []
        advice = ""
        for number in range(self._attempts):
            try:
                found = await self._attempt(inputs, demos, advice)
                found[REWARD.name] = await self._reward.of(inputs, found)
            except Exception as error:  # noqa: BLE001 -- the next attempt may do better
                failures.append(error)
                continue
            if best is None or found[REWARD.name] > best[REWARD.name]:
                best = found
            if self._threshold is not None and found[REWARD.name] >= self._threshold:
                break
            if number + 1 < self._attempts:
                advice = await self._advice(inputs, found)
        if best is None:
            raise failures[-1]
        return best

    async def _attempt(
        self, inputs: dict[str, Any], demos: Sequence[Any], advice: str
    ) -> dict[str, Any]:
        """Return one attempt's outputs; it takes no advice."""
        return await self._asked(self._module, inputs, demos)

    async def _asked(
        self, module: Any, inputs: dict[str, Any], demos: Sequence[Any]
    ) -> dict[str, Any]:
        config = {"temperature": WARMTH}
        prediction = await module.acall(**inputs, demos=list(demos), config=config)
        return {field.name: prediction[field.name] for field in self._given.outputs}

    async def _advice(self, inputs: dict[str, Any], found: dict[str, Any]) -> str:
        """Return what the next attempt is told of one that fell short: nothing."""
        return ""
