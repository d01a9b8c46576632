"""The tools that the Pool allows, by name."""

from collections.abc import Iterable

from dspex.errors import Reason
from dspex_worker.config import ToolConfig
from dspex_worker.failures import CallError
from dspex_worker.tools.function import function_tool
from dspex_worker.tools.shared import Shared
from dspex_worker.tools.tool import SafeTool


class ToolBox:
    """The tools that the Pool allows, by name.

    Args:
        configured: The Pool's list.
        shared: What they share.

    Raises:
        ConfigurationError: A tool can't be imported or has no usable signature.
    """

    def __init__(self, configured: Iterable[ToolConfig], shared: Shared) -> None:
        self._tools = {tool.name: function_tool(tool, shared) for tool in configured}

    @property
    def names(self) -> list[str]:
        """All names, in the Pool's order."""
        return list(self._tools)

    def pick(self, names: Iterable[str]) -> list[SafeTool]:
        """Return some tools.

        Raises:
            CallError: RequestRefused for a name that the Pool does not have.
        """
        wanted = list(names)
        unknown = [name for name in wanted if name not in self._tools]
        if unknown:
            allowed = ", ".join(self._tools) or "none"
            raise CallError(
                Reason.REQUEST_REFUSED,
                f"the Pool has no tool {unknown[0]!r}; it has {allowed}",
            )
        return [self._tools[name] for name in wanted]
