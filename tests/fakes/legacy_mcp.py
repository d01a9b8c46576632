"""An MCP server over HTTP of the years of sessions, which it may forget, in the test's own loop."""

import secrets
from types import TracebackType
from typing import Any, Self

from aiohttp import web

SESSION = "mcp-session-id"


class LegacyMcp:
    """Answers the handshake of 2025, and JSON in place of streams.

    Attributes:
        sessions: The sessions that it knows.
        calls: Calls of tools that it has done.
        status: Answered to everything, where it is not 200.
        text: What its one tool `say` returns.
    """

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        self.calls = 0
        self.status = 200
        self.text = "hello"
        self.url = ""
        app = web.Application()
        app.router.add_post("/mcp", self._post)
        app.router.add_delete("/mcp", self._delete)
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/mcp"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _delete(self, request: web.Request) -> web.Response:
        self.sessions.discard(request.headers.get(SESSION, ""))
        return web.Response()

    async def _post(self, request: web.Request) -> web.Response:
        message = await request.json()
        if self.status != 200:
            return web.Response(status=self.status, text="no")
        session = request.headers.get(SESSION)
        if session is not None and session not in self.sessions:
            return web.Response(status=404, text="no such session")
        if "id" not in message:
            return web.Response(status=202)
        headers = {}
        if message["method"] == "initialize":
            headers[SESSION] = secrets.token_hex(8)
            self.sessions.add(headers[SESSION])
        result = self._answer(message["method"], message.get("params") or {})
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        missing = {"code": -32601, "message": "no such method"}
        return web.json_response(
            reply | ({"error": missing} if result is None else {"result": result}), headers=headers
        )

    def _answer(self, method: str, params: dict[str, Any]) -> Any:
        if method == "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "legacy", "version": "1"},
            }
        if method == "tools/list":
            return {"tools": [{"name": "say", "inputSchema": {"type": "object"}}]}
        if method == "tools/call":
            self.calls += 1
            return {"content": [{"type": "text", "text": self.text}]}
        return None
