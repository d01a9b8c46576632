"""ChainOfThought: one model call that reasons first; adds the output `reasoning`."""

from collections.abc import Sequence
from typing import Any, Final

import dspy

from dspex.errors import Reason
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.types import STR
from dspex_worker.failures import CallError
from dspex_worker.modules.program import ModuleArguments
from dspex_worker.signatures import dspy_field, dspy_signature

REASONING: Final = Field(name="reasoning", type=STR)


class ChainOfThoughtProgram:
    """`dspy.ChainOfThought`."""

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        if any(field.name == REASONING.name for field in signature.fields):
            raise CallError(
                Reason.REQUEST_REFUSED,
                "ChainOfThought adds the output 'reasoning'; the signature has one already",
            )
        self.signature = Signature(
            signature.inputs, (REASONING, *signature.outputs), signature.effective_instructions
        )
        self._module = dspy.ChainOfThought(
            dspy_signature(signature), rationale_field=dspy_field(REASONING, dspy.OutputField)
        )

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it."""
        prediction = await self._module.acall(**inputs, demos=list(demos))
        return {field.name: prediction[field.name] for field in self.signature.outputs}
