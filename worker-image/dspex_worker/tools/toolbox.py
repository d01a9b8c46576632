"""The tools that the Pool allows, by name."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from dspex.errors import ConfigurationError, Diagnostic, Reason
from dspex_worker.config import ToolConfig
from dspex_worker.failures import CallError
from dspex_worker.tools.function import function_tool
from dspex_worker.tools.shared import Shared
from dspex_worker.tools.tool import SafeTool

if TYPE_CHECKING:
    from dspex_worker.mcp.server import McpServer

FINISH: Final = "finish"
"""The tool that ReAct has of its own."""


class ToolBox:
    """The tools that the Pool allows, by name.

    Args:
        configured: The Pool's list.
        shared: What they share.

    Raises:
        ConfigurationError: A tool can't be imported or has no usable signature.
    """

    def __init__(self, configured: Iterable[ToolConfig], shared: Shared) -> None:
        self._threads = shared.threads
        entries = list(configured)
        self._tools = {
            tool.name: function_tool(tool, shared) for tool in entries if tool.mcp is None
        }
        self._of_server: dict[str, list[SafeTool]] = {}
        servers = [tool for tool in entries if tool.mcp is not None]
        self._servers = [_server(tool, shared) for tool in servers]

    async def start(self) -> None:
        """Open the sessions with the MCP servers; their tools are there then.

        Raises:
            ConfigurationError: A server can't be used, or has a tool that another one has.
        """
        starts = [asyncio.ensure_future(server.start()) for server in self._servers]
        try:
            for server, tools in zip(self._servers, await asyncio.gather(*starts), strict=True):
                self._add(server.name, tools)
        except BaseException:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the sessions, the servers that the worker has started, and the threads."""
        self._threads.close()
        await asyncio.gather(*(server.aclose() for server in self._servers))

    @property
    def names(self) -> list[str]:
        """All names of single tools."""
        return list(self._tools)

    def pick(self, names: Iterable[str]) -> list[SafeTool]:
        """Return some tools, each once; the name of a server stands for all of its own.

        Raises:
            CallError: RequestRefused for a name that the Pool does not have.
        """
        picked: dict[str, SafeTool] = {}
        for name in names:
            if name in self._of_server:
                picked |= {tool.name: tool for tool in self._of_server[name]}
            elif name in self._tools:
                picked[name] = self._tools[name]
            else:
                allowed = ", ".join([*self._of_server, *self._tools]) or "none"
                raise CallError(
                    Reason.REQUEST_REFUSED, f"the Pool has no tool {name!r}; it has {allowed}"
                )
        return list(picked.values())

    def _add(self, server: str, tools: list[SafeTool]) -> None:
        taken = next((each.name for each in tools if each.name in {FINISH, *self._tools}), None)
        if taken is not None:
            raise ConfigurationError(
                Diagnostic(
                    code="ToolUnusable",
                    message=f"the Pool's MCP server {server} has a tool {taken}, as another has",
                    found="ReAct's own" if taken == FINISH else "two tools of one name",
                    remedy="list those of its tools that you want in mcp.tools, without this one",
                )
            )
        self._of_server[server] = tools
        self._tools |= {tool.name: tool for tool in tools}


def _server(config: ToolConfig, shared: Shared) -> "McpServer":
    try:
        from dspex_worker.mcp.server import McpServer
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            Diagnostic(
                code="MissingExtra",
                message=f"the MCP server {config.name} needs the package {error.name}, which is "
                "not installed",
                remedy="pip install 'dspex[worker]'",
            )
        ) from error
    return McpServer(config, shared)
