"""ReAct: the model calls tools until it can answer; adds the output `trajectory`."""

from collections.abc import Sequence
from typing import Any, Final

import dspy

from dspex.bridge.protocol.allowed import TAKEN_BY_REACT
from dspex.errors import Reason
from dspex.native.field import Field
from dspex.native.signatures import Signature
from dspex.native.types import ANY
from dspex_worker.failures import CallError
from dspex_worker.modules.program import ModuleArguments
from dspex_worker.signatures import dspy_signature
from dspex_worker.tools import finish

TRAJECTORY: Final = Field(name="trajectory", type=ANY)
MAX_ITERS: Final = 20
"""DSPy's own default."""


class ReActProgram:
    """`dspy.ReAct`; its trajectory is an object of thought_0, tool_name_0, tool_args_0, ….

    Demos are shown where the answer is drawn from the trajectory.
    """

    def __init__(self, signature: Signature, arguments: ModuleArguments) -> None:
        taken = [field.name for field in signature.fields if field.name in TAKEN_BY_REACT]
        if taken:
            raise CallError(
                Reason.REQUEST_REFUSED,
                f"ReAct takes the name {taken[0]!r} for itself; rename the field",
            )
        self.signature = signature.with_output_appended(TRAJECTORY)
        self._names = [field.name for field in signature.outputs]
        self._module = dspy.ReAct(
            dspy_signature(signature),
            tools=list(arguments.tools),
            max_iters=arguments.max_iters or MAX_ITERS,
        )
        # DSPy's own refuses arguments with a traceback that the model then reads.
        self._module.tools["finish"] = finish(self._module.tools["finish"].desc)

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it."""
        prediction = await self._module.acall(**inputs, demos=list(demos))
        outputs = {name: prediction[name] for name in self._names}
        outputs[TRAJECTORY.name] = jsonable(prediction.trajectory)
        return outputs


def jsonable(value: Any) -> Any:
    """Return a value as JSON can hold it; what it can't is written as text."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if hasattr(value, "model_dump"):
        return jsonable(value.model_dump(mode="json"))
    return str(value)
