"""Predict: one model call."""

from collections.abc import Sequence
from typing import Any

import dspy

from dspex.native.signatures import Signature
from dspex_worker.modules.program import ModuleArguments
from dspex_worker.signatures import dspy_signature


class PredictProgram:
    """`dspy.Predict`."""

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        self.signature = signature
        self._module = dspy.Predict(dspy_signature(signature))

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it."""
        prediction = await self._module.acall(**inputs, demos=list(demos))
        return {field.name: prediction[field.name] for field in self.signature.outputs}
