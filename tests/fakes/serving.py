"""A whole worker in the test's own event loop, and calls to it over HTTP."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from dspex.bridge.protocol import EXECUTE_PATH, Answer, Call, Failure
from dspex.native.signatures import parse_signature
from dspex_worker.accounts import Accounts
from dspex_worker.config import ModelConfig, WorkerConfig
from dspex_worker.lifecycle import Lifecycle
from dspex_worker.loading import load
from dspex_worker.server import Server


def call_of(signature: str, inputs: Mapping[str, Any], instructions: str = "", **more: Any) -> Call:
    """Return a call of a signature in DSPy's string syntax; Predict where nothing else is said."""
    parsed = replace(parse_signature(signature), instructions=instructions)
    return Call(
        **{"module": "Predict", "signature": parsed.to_wire(), "inputs": dict(inputs), **more}
    )


@dataclass
class Served:
    """A worker that serves.

    Attributes:
        server: It.
        base: Its address.
        session: For requests of the test's own.
    """

    server: Server
    base: str
    session: aiohttp.ClientSession

    async def post(self, call: Call | bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Send a call; returns status, headers and body."""
        body = call if isinstance(call, bytes) else msgspec.json.encode(call)
        async with self.session.post(self.base + EXECUTE_PATH, data=body) as response:
            return response.status, response.headers, await response.read()

    async def answer(self, call: Call) -> Answer:
        """Send a call that must succeed."""
        status, _, body = await self.post(call)
        assert status == 200, body
        return msgspec.json.decode(body, type=Answer)

    async def failure(self, call: Call | bytes) -> Failure:
        """Send a call that must fail."""
        status, _, body = await self.post(call)
        assert status != 200, body
        return msgspec.json.decode(body, type=Failure)


@contextlib.asynccontextmanager
async def serving(
    config: WorkerConfig,
    *,
    token: str | None = None,
    ready: bool = True,
    accounts: Accounts | None = None,
) -> AsyncIterator[Served]:
    """Load a worker and serve it on a free port."""
    lifecycle = Lifecycle()
    server = Server(config, name="worker-1", token=token, lifecycle=lifecycle, accounts=accounts)
    runner = web.AppRunner(
        server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.01
    )
    await runner.setup()
    if ready:
        server.worker = await load(config, server.name, lifecycle)
        lifecycle.loaded()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            yield Served(server, base, session)
    finally:
        await runner.cleanup()
        if server.worker:
            await server.worker.aclose()


def remote(base: str, **more: Any) -> WorkerConfig:
    """Return the configuration of a worker whose model is behind an endpoint."""
    adapter = more.pop("adapter", None)
    model = more.pop("model", ModelConfig(name="openai/m", api_base=base, adapter=adapter))
    return WorkerConfig(pool="small", model=model, **more)
