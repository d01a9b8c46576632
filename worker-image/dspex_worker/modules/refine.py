"""Refine: attempts that learn from the one before, by a reward; adds the output `reward`."""

import json
from collections.abc import Sequence
from typing import Any, Final

import dspy
from dspy.predict.refine import OfferFeedback, inspect_modules

from dspex.native.signatures import Signature
from dspex_worker.modules.best_of_n import REWARD, BestOfNProgram
from dspex_worker.modules.program import ModuleArguments
from dspex_worker.modules.react import jsonable
from dspex_worker.signatures import dspy_signature

HINT: Final = "hint_"
"""Input by which an attempt is given advice, as in DSPy."""


class RefineProgram(BestOfNProgram):
    """What `dspy.Refine` does, on the loop: the model advises on an attempt that fell short.

    It is asked by DSPy's own signature. In place of the reward's code it reads its description.
    """

    name = "Refine"

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        super().__init__(signature, arguments)
        given = dspy_signature(signature)
        hint = dspy.InputField(desc="advice from an attempt that fell short")
        self._hinted = self._base(given.append(HINT, hint))
        self._code = f"dspy.{arguments.base}({signature.text!r})"
        self._predictors = [name for name, _ in self._module.named_predictors()]
        self._adviser = dspy.Predict(OfferFeedback)

    async def _attempt(
        self, inputs: dict[str, Any], demos: Sequence[Any], advice: str
    ) -> dict[str, Any]:
        """Return one attempt's outputs, made with advice where there is some."""
        if not advice:
            return await self._asked(self._module, inputs, demos)
        return await self._asked(self._hinted, {**inputs, HINT: advice}, demos)

    async def _advice(self, inputs: dict[str, Any], found: dict[str, Any]) -> str:
        """Ask the model what the next attempt should do otherwise."""
        outputs = {name: value for name, value in found.items() if name != REWARD.name}
        step = {"module_name": self._predictors[0], "inputs": inputs, "outputs": outputs}
        prediction = await self._adviser.acall(
            program_code=self._code,
            modules_defn=inspect_modules(self._module),
            program_inputs=_text(inputs),
            program_trajectory=_text([step]),
            program_outputs=_text(outputs),
            reward_code=self._reward.description,
            target_threshold=self._threshold,
            reward_value=found[REWARD.name],
            module_names=self._predictors,
        )
        return "\n".join(str(advice) for advice in prediction.advice.values())


def _text(value: Any) -> str:
    return json.dumps(jsonable(value), indent=2, ensure_ascii=False)
