"""A cluster in memory behind HTTP, in a thread of its own: for what watches it as kopf does."""

import asyncio
import json
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from dspex.kube.config import ClusterConfig
from dspex.kube.kind import Kind
from fakes.cluster import Ask, Cluster, Object, Refusal

T = TypeVar("T")


class ClusterServer:
    """Serves a cluster; use it as a context manager.

    Args:
        cluster: What is served.

    Attributes:
        address: URL without a slash at its end.
        waiting: Requests that are held at the moment.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.address = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster")
        self._turned = asyncio.Event()
        self._held: list[Callable[[Ask], bool]] = []
        self._broken = 0
        self._streams: list[web.Request] = []
        self.waiting: list[Ask] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        self.cluster.listeners.append(self._turn)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cluster.listeners.remove(self._turn)
        self._held.clear()
        self.break_watches()
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def config(self) -> ClusterConfig:
        """The way to it."""
        return ClusterConfig(self.address)

    @property
    def streams(self) -> int:
        """How many watches are open."""
        with self.cluster.changed:
            return sum(_is_open(each) for each in self._streams)

    def hold(self, which: Callable[[Ask], bool]) -> None:
        """Let some requests wait for their answer, until `release`; nothing is done for them."""
        self._held.append(which)

    def release(self, which: Callable[[Ask], bool] | None = None) -> None:
        """Answer those who wait, or those alone that were held so."""
        if which is None:
            self._held.clear()
        else:
            self._held.remove(which)
        self._turn()

    def break_watches(self) -> None:
        """End every watch that is open; who asks again goes on from where it was."""
        self._broken += 1
        self._turn()

    def _turn(self) -> None:
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._turned.set()
        self._turned = asyncio.Event()

    async def _open(self) -> web.AppRunner:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        return runner

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        ask = Ask(
            request.method,
            request.path,
            dict(request.query),
            json.loads(text) if text else None,
            request.content_type,
            request.headers.get("Accept", ""),
            request.headers.get("Authorization", ""),
        )
        await self._held_up(ask)
        if not _is_open(request):
            return web.Response()
        if ask.query.get("watch") == "true":
            return await self._stream(request, ask)
        status, answer = self.cluster.handle(ask)
        return web.json_response(answer, status=status)

    async def _held_up(self, ask: Ask) -> None:
        if not any(which(ask) for which in self._held):
            return
        self._note(self.waiting.append, ask)
        while any(which(ask) for which in self._held):
            await self._turned.wait()
        self._note(self.waiting.remove, ask)

    def _note(self, change: Callable[[T], None], what: T) -> None:
        with self.cluster.changed:
            change(what)
            self.cluster.changed.notify_all()

    async def _stream(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        try:
            self.cluster.refuse(ask)
            kind, namespace, _, _ = self.cluster.find(ask.path)
        except Refusal as refusal:
            self.cluster.note(ask, refusal.status)
            return web.json_response(refusal.body, status=refusal.status)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self.cluster.note(ask, 200)
        self._note(self._streams.append, request)
        try:
            await self._show(response, ask, kind, namespace)
        finally:
            self._note(self._streams.remove, request)
        return response

    async def _show(
        self, response: web.StreamResponse, ask: Ask, kind: Kind, namespace: str
    ) -> None:
        """Write events until the watches are broken, or the version is too old."""
        version = int(ask.query["resourceVersion"])
        selector = ask.query.get("labelSelector", "")
        broken = self._broken
        while broken == self._broken:
            turned, now = self._turned, self.cluster.version
            try:
                found = self.cluster.since(version, kind, namespace, selector)
            except Refusal as refusal:
                await _write(response, {"type": "ERROR", "object": refusal.body})
                return
            for each in found:
                await _write(response, each)
            shown = [int(each["object"]["metadata"]["resourceVersion"]) for each in found]
            version = max(version, now, *shown)
            await turned.wait()


def _is_open(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


async def _write(response: web.StreamResponse, event: Object) -> None:
    await response.write(json.dumps(event).encode() + b"\n")
