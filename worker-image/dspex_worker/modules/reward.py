"""What an attempt is worth: a tool of the Pool that is given inputs and outputs by name."""

import math
from collections.abc import Mapping
from typing import Any

from dspex.errors import Reason
from dspex.native.signatures import Signature
from dspex_worker.failures import CallError
from dspex_worker.modules.react import jsonable
from dspex_worker.tools import SafeTool


class Reward:
    """A tool that returns a number.

    Args:
        tool: The tool; each of its arguments has the name of an input or an output.
        signature: Whose inputs and outputs.

    Raises:
        CallError: RequestRefused where an argument has neither's name.
    """

    def __init__(self, tool: SafeTool, signature: Signature) -> None:
        self._tool = tool
        known = [field.name for field in signature.fields]
        unknown = sorted(set(tool.args) - set(known))
        if unknown:
            raise CallError(
                Reason.REQUEST_REFUSED,
                f"the reward {tool.name} wants {', '.join(unknown)}; an attempt has "
                f"{', '.join(known)}",
            )

    @property
    def description(self) -> str:
        """What it rewards, in its own words."""
        return str(self._tool.desc or self._tool.name)

    async def of(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> float:
        """Return what an attempt is worth.

        Raises:
            CallError: ModuleFailed where the tool fails, or returns no number.
        """
        values = {**inputs, **outputs}
        given = {name: jsonable(values[name]) for name in self._tool.args}
        found = await self._tool.acall(**given)
        if isinstance(found, int | float) and not math.isnan(found):
            return float(found)
        raise CallError(
            Reason.MODULE_FAILED,
            f"the reward {self._tool.name} gave no number: {str(found)[:300]}",
        )
