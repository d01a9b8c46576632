"""MCP over streamable HTTP: the SDK's transport, its answers bounded and its statuses seen."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import httpx2
from mcp.client.streamable_http import streamable_http_client

from dspex_worker.mcp.child import MAX_MESSAGE

CONNECT: Final = 10.0
"""Seconds to connect; how long an answer may take is for each tool's own limit."""
FAREWELL: Final = 1.0
"""Seconds to tell a server that its session is over; it may have died."""
NOT_FOUND: Final = 404
_SESSION: Final = "mcp-session-id"


@contextlib.asynccontextmanager
async def http_transport(
    url: str, headers: Mapping[str, str], refused: Callable[[int, bool], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """Open a transport.

    Args:
        url: The server's endpoint.
        headers: Sent with each request.
        refused: Told the status of each answer of 400 and above, and whether it says that the
            server does not know the session (any more).
    """

    async def look(response: httpx2.Response) -> None:
        # A GET asks for a stream of notices, which a server need not have.
        if response.status_code >= httpx2.codes.BAD_REQUEST and response.request.method == "POST":
            unknown = response.status_code == NOT_FOUND and _SESSION in response.request.headers
            refused(response.status_code, unknown)
        if "text/event-stream" not in response.headers.get("content-type", ""):
            response.stream = _Bounded(response)

    async def hurry(request: httpx2.Request) -> None:
        if request.method == "DELETE":
            request.extensions["timeout"] = httpx2.Timeout(FAREWELL).as_dict()

    timeout = httpx2.Timeout(CONNECT, read=None)
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [hurry], "response": [look]}
    async with (
        httpx2.AsyncClient(headers=dict(headers), timeout=timeout, event_hooks=hooks) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MAX_MESSAGE) as streams,
    ):
        yield streams


class _Bounded(httpx2.AsyncByteStream):
    """An answer's bytes, up to what one message may have."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._stream: Any = response.stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_MESSAGE
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                size = MAX_MESSAGE // 2**20
                raise httpx2.ReadError(
                    f"it sent an answer of more than {size} MiB", request=self._response.request
                )
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
