"""MCP over the standard input and output of a process, as one of the SDK's transports.

The SDK's own keeps a line of any length in memory, logs each stray line with a traceback, and
leaves the process behind when the worker is killed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from dspex_worker.log import logger
from dspex_worker.mcp.child import Child
from dspex_worker.tools.guard import ToolError


class Held(Protocol):
    """Who holds the session, and is told when the server goes by itself."""

    def close(self) -> None:
        """Give it no more calls."""
        ...

    def lose(self, reason: str) -> None:
        """It is gone; the reason follows the closing."""
        ...


@contextlib.asynccontextmanager
async def stdio_transport(
    command: Sequence[str], environment: Mapping[str, str], session: Held
) -> AsyncIterator[tuple[Any, Any]]:
    """Start a server; leaving ends its whole process group.

    Args:
        command: The program and its arguments.
        environment: All that it sees.
        session: Told where the server goes by itself.

    Raises:
        ToolError: It can't be started.
    """
    child = await Child.start(command, environment)
    arriving, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, leaving = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(_receive(child, arriving, session)),
        asyncio.create_task(_send(child, leaving)),
    ]
    try:
        yield incoming, outgoing
    finally:
        for task in tasks:
            task.cancel()
        try:
            await child.stop()
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)
            for stream in (arriving, incoming, outgoing, leaving):
                stream.close()


async def _receive(child: Child, to: Any, session: Held) -> None:
    try:
        while line := await child.read():
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValueError:
                # A server that prints: what it means is for its log.
                logger.debug("an MCP server wrote a line that is no message")
                continue
            await to.send(SessionMessage(message))
        session.close()
        session.lose(await child.how_it_ended())
    except ToolError as error:
        session.lose(str(error))
    finally:
        to.close()


async def _send(child: Child, messages: Any) -> None:
    # A server that reads no more ends, or is ended: the other direction tells.
    with contextlib.suppress(OSError):
        async for message in messages:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            await child.write(text.encode() + b"\n")
