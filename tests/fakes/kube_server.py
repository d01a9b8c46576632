"""An API server for one kind of edge: objects in memory, resourceVersions, and refusals on demand.

It is no proof of anything that Kubernetes itself decides: schemas, rights, admission.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self

from aiohttp import web


class KubeServer:
    """Holds objects by path; use it as an async context manager.

    Attributes:
        objects: What is there, by path from the server's root.
        seen: Method, path and headers of each request.
        refuse: Status and body of the answers to the next requests, before any is looked at.
        streams: What a path answers part by part; None for silence until the client goes.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.refuse: deque[tuple[int, Any]] = deque()
        self.streams: dict[str, list[bytes | None]] = {}
        self.address = ""
        self._version = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path, dict(request.headers)))
        if self.refuse:
            status, body = self.refuse.popleft()
            if isinstance(body, str):
                return web.Response(status=status, text=body)
            return web.json_response(body, status=status)
        if request.path in self.streams:
            return await self._stream(request)
        handler = {
            "GET": self._read,
            "POST": self._create,
            "PUT": self._replace,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }[request.method]
        given = await request.json() if request.can_read_body else {}
        return handler(request.path, given)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in self.streams[request.path]:
            if part is None:
                await asyncio.Event().wait()
            else:
                await response.write(part)
        return response

    def _read(self, path: str, _: dict[str, Any]) -> web.Response:
        if path in self.objects:
            return web.json_response(self.objects[path])
        inside = [each for key, each in self.objects.items() if key.startswith(f"{path}/")]
        if path.endswith("s") and path.count("/") != 7:
            return web.json_response({"items": inside})
        return _status(404, "NotFound")

    def _create(self, path: str, given: dict[str, Any]) -> web.Response:
        place = f"{path}/{given['metadata']['name']}"
        if place in self.objects:
            return _status(409, "AlreadyExists")
        return self._keep(place, given)

    def _replace(self, path: str, given: dict[str, Any]) -> web.Response:
        now = self.objects[path]["metadata"]["resourceVersion"]
        if given["metadata"].get("resourceVersion") != now:
            return _status(409, "Conflict")
        return self._keep(path, given)

    def _patch(self, path: str, given: dict[str, Any]) -> web.Response:
        whole = path.removesuffix("/status")
        return self._keep(whole, {**self.objects.get(whole, {"metadata": {}}), **given})

    def _delete(self, path: str, given: dict[str, Any]) -> web.Response:
        if path not in self.objects:
            return _status(404, "NotFound")
        wanted = given.get("preconditions", {}).get("uid")
        if wanted and wanted != self.objects[path]["metadata"].get("uid"):
            return _status(409, "Conflict")
        return web.json_response(self.objects.pop(path))

    def _keep(self, path: str, item: dict[str, Any]) -> web.Response:
        self._version += 1
        metadata = {**item["metadata"], "resourceVersion": str(self._version)}
        self.objects[path] = {**item, "metadata": metadata}
        return web.json_response(self.objects[path])


def _status(code: int, reason: str) -> web.Response:
    body = {"kind": "Status", "message": f"as asked: {reason}", "reason": reason, "code": code}
    return web.json_response(body, status=code)
