"""An MCP server of a Pool: how it is reached, and which of its tools models may call."""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from dspex.api.base import ATOMIC, LIST_MAP, SET, URL_PATTERN, ApiModel
from dspex.api.limits import MAX_LIST
from dspex.api.rule import Rule, exactly_one
from dspex.api.variable import OWN_ENV, EnvSource, EnvVar

MAX_COMMAND = 4096
MAX_HEADER = 8192
HEADER_PATTERN = r"^[A-Za-z0-9-]{1,128}$"
MCP_TOOL_PATTERN = r"^[A-Za-z0-9_./-]{1,128}$"


class McpHeader(ApiModel):
    """A header of each request to a server."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("value", "valueFrom", message="give exactly one of value and valueFrom"),
    )

    name: Annotated[str, Field(max_length=128, pattern=HEADER_PATTERN)] = Field(
        description="Name of the header, such as Authorization."
    )
    value: Annotated[str, Field(max_length=MAX_HEADER, pattern=r"^[^\r\n]*$")] | None = Field(
        default=None, description="The value as it stands here."
    )
    value_from: EnvSource | None = Field(
        default=None, description="Where the value comes from instead."
    )
    prefix: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\r\n]+$")] | None = (
        Field(
            default=None,
            description='What stands before the value, such as "Bearer ". Default: nothing.',
        )
    )


class McpHttp(ApiModel):
    """A server that is reached by streamable HTTP."""

    url: Annotated[str, Field(max_length=2048, pattern=URL_PATTERN)] = Field(
        description="The server's endpoint, such as https://mcp.example.com/mcp."
    )
    headers: Annotated[tuple[McpHeader, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Headers of each request.",
        json_schema_extra=LIST_MAP,
    )


class McpStdio(ApiModel):
    """A server that each worker starts, and speaks with over its standard input and output."""

    command: Annotated[str, Field(min_length=1, max_length=MAX_COMMAND)] = Field(
        description="The program, found in the worker's image; python is the worker's own."
    )
    args: Annotated[
        tuple[Annotated[str, Field(max_length=MAX_COMMAND)], ...], Field(strict=False)
    ] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Its arguments, as they stand here.",
        json_schema_extra=ATOMIC,
    )
    env: Annotated[tuple[EnvVar, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Its environment variables. It sees none of the Pool's own, and no keys.",
        json_schema_extra=LIST_MAP,
    )


class McpServer(ApiModel):
    """An MCP server."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("stdio", "http", message="give exactly one of stdio and http"),
    )

    stdio: McpStdio | None = Field(
        default=None, description="A program that each worker starts for itself."
    )
    http: McpHttp | None = Field(
        default=None, description="A server that is reached by streamable HTTP."
    )
    tools: Annotated[
        tuple[Annotated[str, Field(max_length=128, pattern=MCP_TOOL_PATTERN)], ...],
        Field(strict=False),
    ] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Names of the server's tools that models may call. Default: all that it has "
        "when the worker starts.",
        json_schema_extra=SET,
    )

    def sources(self, index: int) -> Iterator[tuple[str, str, EnvSource]]:
        """Return what the server takes from Secrets and ConfigMaps.

        Args:
            index: The place of its entry in the Pool's `tools`.

        Returns:
            For each: the worker's variable that holds it, its path below the entry, the source.
        """
        env: Sequence[EnvVar | McpHeader] = self.stdio.env if self.stdio else ()
        headers: Sequence[EnvVar | McpHeader] = self.http.headers if self.http else ()
        for place, entries in (("mcp.stdio.env", env), ("mcp.http.headers", headers)):
            for position, entry in enumerate(entries):
                if entry.value_from is not None:
                    path = f"{place}[{position}].valueFrom"
                    yield variable_of(index, position), path, entry.value_from


def variable_of(index: int, position: int) -> str:
    """Return the worker's variable for one of a server's `env` or `headers`."""
    return f"{OWN_ENV}TOOL_{index}_{position}"
