"""An MCP server of the Pool, and its tools."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import mcp_types

from dspex.errors import ConfigurationError, Diagnostic, nearest
from dspex_worker.config import McpConfig, McpValue, ToolConfig
from dspex_worker.mcp.child import child_environment
from dspex_worker.mcp.connection import TIMING, Connection, Session, Timing
from dspex_worker.mcp.http import http_transport
from dspex_worker.mcp.result import read_result
from dspex_worker.mcp.schema import described_arguments
from dspex_worker.mcp.stdio import stdio_transport
from dspex_worker.tools.arguments import Arguments
from dspex_worker.tools.guard import Guard, Limits, ToolError, Work, in_a_line
from dspex_worker.tools.observation import observe
from dspex_worker.tools.shared import Shared
from dspex_worker.tools.tool import SafeTool

MAX_TOOLS: Final = 128
"""Tools that one server may bring; a model would not choose well among more."""
REMEDY: Final = "mend its command or URL, its headers, or the server"
MAX_DESCRIPTION: Final = 4_000
"""Characters of a tool's description: it goes with each prompt."""


class McpServer:
    """One server.

    Args:
        config: Its entry in the Pool.
        shared: What all tools share.
        timing: How patient its connection is.
        environment: The worker's: secrets of the entry stand in it.
    """

    def __init__(
        self,
        config: ToolConfig,
        shared: Shared,
        *,
        timing: Timing = TIMING,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        assert config.mcp is not None  # noqa: S101 for the type checker
        self.name = config.name
        self._config = config
        self._wanted = config.mcp.tools
        self._shared = shared
        self._connection = Connection(config.name, _transport(config.mcp, environment), timing)

    async def start(self) -> list[SafeTool]:
        """Open the session; returns the server's tools that the Pool wants.

        Raises:
            ConfigurationError: It can't be reached, or lacks a tool, or has too many.
        """
        try:
            await self._connection.start()
        except ToolError as error:
            found = in_a_line(str(error), self._shared.redactor)
            raise self._unusable(found, REMEDY) from error
        try:
            return [self._tool(each) for each in self._chosen()]
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the session, and the server's process."""
        await self._connection.aclose()

    def _chosen(self) -> Iterator[mcp_types.Tool]:
        offered = {tool.name: tool for tool in self._connection.tools}
        names = self._wanted or list(offered)
        if len(names) > MAX_TOOLS:
            raise self._unusable(
                f"{len(names)} tools, of at most {MAX_TOOLS}", "list those that you want in tools"
            )
        for name in names:
            if name not in offered:
                near = nearest(name, offered)
                raise self._unusable(
                    f"its server has no tool {name}; it has {', '.join(offered) or 'none'}",
                    f"did you mean {near}?" if near else "correct mcp.tools",
                )
            yield offered[name]

    def _tool(self, offered: mcp_types.Tool) -> SafeTool:
        schema = offered.input_schema
        listed = schema.get("required")
        required = [str(name) for name in listed] if isinstance(listed, list) else []
        description = (offered.description or offered.title or "")[:MAX_DESCRIPTION]
        if required:
            description += f" Required: {', '.join(required)[:MAX_DESCRIPTION]}."
        limits = Limits(self._config.timeout or self._shared.timeout, self._config.max_result)
        tool = SafeTool(
            func=_by_guard,
            name=offered.name,
            desc=description,
            args=described_arguments(schema),
            arg_types={},
        )
        return tool.guarded(
            Guard(
                offered.name,
                Arguments(schema),
                self._work(offered.name, limits),
                limits=limits,
                redactor=self._shared.redactor,
                loop=self._shared.loop,
            )
        )

    def _work(self, name: str, limits: Limits) -> Work:
        async def call(arguments: dict[str, Any]) -> Any:
            result = read_result(await self._connection.call(name, arguments))
            return observe(result, limits.result, self._shared.redactor)

        return call

    def _unusable(self, found: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(
            Diagnostic(
                code="ToolUnusable",
                message=f"the Pool's MCP server {self.name} can't be used",
                found=found,
                remedy=remedy,
            )
        )


def _by_guard(**_: Any) -> None:
    """Stand for the server's tool: only the guard calls it."""


def _transport(config: McpConfig, environment: Mapping[str, str]) -> Any:
    def open_(session: Session) -> AbstractAsyncContextManager[Any]:
        if config.stdio is not None:
            own = _values(config.stdio.env, environment)
            command = [config.stdio.command, *config.stdio.args]
            return stdio_transport(command, child_environment(own, environment), session)
        assert config.http is not None  # noqa: S101 for the type checker
        headers = _values(config.http.headers, environment)
        return http_transport(config.http.url, headers, session.refuse)

    return open_


def _values(values: list[McpValue], environment: Mapping[str, str]) -> dict[str, str]:
    return {
        # A file's last line break is no part of a token; a header could not hold it.
        each.name: each.prefix + (environment.get(each.variable, "").strip() or each.value)
        for each in values
    }
