"""The floor under every dispatch: an aiohttp server that reads a body and answers with a constant.

As a process it also is a model: `python -m performance.bare_server [SECONDS]` prints its address and
serves until its standard input closes; each completion takes that long, none where nothing is said.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from aiohttp import web

from dspex.bridge.protocol import Answer, Timings, Usage
from fakes.openai_endpoint import Text, as_asked, completion

ECHO_PATH = "/echo"
LATENCY = web.AppKey("latency", float)
TESTS = Path(__file__).parent.parent
ANSWER = msgspec.json.encode(
    Answer(
        outputs={"answer": "yes"},
        usage=Usage(calls=1, prompt_tokens=10, completion_tokens=5),
        timings=Timings(queue=1e-5, execute=1e-3),
        worker="bench-0",
    )
)
"""As many bytes as a worker answers with."""


@contextlib.asynccontextmanager
async def served(module: str, *arguments: str) -> AsyncIterator[tuple[str, int]]:
    """Start a module that prints its address and ends with its input; yield address and pid."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=TESTS,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip(), process.pid
    finally:
        process.stdin.close()
        await process.wait()


def application(latency: float = 0.0) -> web.Application:
    """Return the server: `/echo` for the floor, chat completions for the model."""
    app = web.Application()
    app[LATENCY] = latency
    app.router.add_post(ECHO_PATH, _echo)
    app.router.add_post("/v1/chat/completions", _complete)
    return app


async def _echo(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


async def _complete(request: web.Request) -> web.Response:
    body = await request.json()
    if latency := request.app[LATENCY]:
        await asyncio.sleep(latency)
    return web.json_response(completion(body, Text(text=as_asked(body, {"answer": "yes"}))))


async def _serve(latency: float) -> None:
    runner = web.AppRunner(application(latency), access_log=None, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(float((*sys.argv[1:], "0")[0])))
