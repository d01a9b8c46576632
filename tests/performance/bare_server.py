"""The floor under every dispatch: an aiohttp server that reads a body and answers with a constant.

As a process it also is the model with 0 ms: `python -m performance.bare_server` prints its address
and serves until its standard input closes.
"""

import asyncio
import sys

import msgspec
from aiohttp import web

from dspex.bridge.protocol import Answer, Timings, Usage
from fakes.openai_endpoint import Text, as_asked, completion

ECHO_PATH = "/echo"
ANSWER = msgspec.json.encode(
    Answer(
        outputs={"answer": "yes"},
        usage=Usage(calls=1, prompt_tokens=10, completion_tokens=5),
        timings=Timings(queue=1e-5, execute=1e-3),
        worker="bench-0",
    )
)
"""As many bytes as a worker answers with."""


def application() -> web.Application:
    """Return the server: `/echo` for the floor, chat completions for the model."""
    app = web.Application()
    app.router.add_post(ECHO_PATH, _echo)
    app.router.add_post("/v1/chat/completions", _complete)
    return app


async def _echo(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


async def _complete(request: web.Request) -> web.Response:
    body = await request.json()
    return web.json_response(completion(body, Text(text=as_asked(body, {"answer": "yes"}))))


async def _serve() -> None:
    runner = web.AppRunner(application(), access_log=None, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve())
