"""A scripted worker that speaks the real protocol over HTTP on an ephemeral port.

In process: `async with FakeWorker(Reply({"answer": "42"})) as worker: …`. As a process, for what
starts workers: `python tests/fakes/worker.py --config FILE [--port 0] [--name N]
[--exit-with-parent]`, steered by the environment variable `DSPEX_FAKE_SCRIPT` (see `main`).
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
from aiohttp import web

from dspex.bridge.client.endpoint import Endpoint
from dspex.bridge.protocol import EXECUTE_PATH, INFO_PATH, Answer, Call, Failure, Info, Usage

SPENT = Usage(calls=1, prompt_tokens=10, completion_tokens=5)
"""What every answered call costs."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What the worker does with one call; `after` seconds."""

    after: float = 0.0


@dataclass(frozen=True)
class Reply(Behaviour):
    """Answers with outputs, or with what a function makes of the call."""

    outputs: Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]
    usage: Usage = SPENT
    worker: str | None = None


@dataclass(frozen=True)
class Fail(Behaviour):
    """Answers with a Failure."""

    failure: Failure
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw(Behaviour):
    """Answers with any status, body and content type."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Die(Behaviour):
    """Breaks the connection, after the first bytes of an answer where `partial` is given."""

    partial: bytes = b""


@dataclass(frozen=True)
class Exit(Behaviour):
    """Kills its own process with SIGKILL (for the worker as a process)."""


@dataclass(frozen=True)
class Hang(Behaviour):
    """Never answers; notices when the caller has gone."""


def full(retry_after: float | None = None) -> Fail:
    """Make the behaviour of a worker whose queue is full."""
    failure = Failure(reason="QueueFull", message="the queue is full")
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Fail(failure, status=429, headers=headers)


def echo(call: Call) -> dict[str, Any]:
    """Answer every output field with the text of the first input."""
    names = [item["name"] for item in call.signature.get("outputs", [])] or ["answer"]
    first = next(iter(call.inputs.values()), "")
    return dict.fromkeys(names, first)


class FakeWorker:
    """An HTTP server that plays a script: one behaviour a call, the last one for ever.

    Attributes:
        calls: The calls that came, in order.
        tokens: The Authorization header of each.
        dropped: How many callers went away before they had an answer.
        active: Calls under way now.
    """

    def __init__(self, *script: Behaviour, name: str = "fake-0", ready: bool = True) -> None:
        self.script = list(script) or [Reply(echo)]
        self.name = name
        self.ready = ready
        self.calls: list[Call] = []
        self.tokens: list[str | None] = []
        self.dropped = 0
        self.active = 0
        self.most_active = 0
        self.address = ""
        self.changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return Endpoint(self.address, self.name)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on a port of 127.0.0.1, 0 for any."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post(EXECUTE_PATH, self._execute)
        app.router.add_get(INFO_PATH, self._info)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        # handler_cancellation: a handler hears that its caller has gone, as the real worker's do.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.address = "http://127.0.0.1:{1}".format(*self._runner.addresses[0])

    async def stop(self) -> None:
        """Stop listening and break all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def until(self, condition: Callable[["FakeWorker"], bool], seconds: float = 5) -> None:
        """Wait until something is true of this worker."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: condition(self))

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self.ready else 503)

    async def _info(self, _: web.Request) -> web.Response:
        info = Info(
            worker=self.name,
            pool="fake",
            version="0",
            dspy_version="0",
            protocol=1,
            model="fake",
            modules=["Predict"],
            tools=[],
            concurrency=8,
        )
        return web.Response(body=msgspec.json.encode(info), content_type="application/json")

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        call = msgspec.json.decode(await request.read(), type=Call)
        behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.tokens.append(request.headers.get("Authorization"))
        self.calls.append(call)
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        await self._notify()
        try:
            await asyncio.sleep(behaviour.after)
            return await self._behave(behaviour, call, request)
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        finally:
            self.active -= 1
            await asyncio.shield(self._notify())

    async def _behave(
        self, behaviour: Behaviour, call: Call, request: web.Request
    ) -> web.StreamResponse:
        match behaviour:
            case Reply(outputs, usage, worker):
                made = dict(outputs(call) if callable(outputs) else outputs)
                answer = Answer(
                    outputs=made, usage=usage, worker=self.name if worker is None else worker
                )
                return web.Response(
                    body=msgspec.json.encode(answer), content_type="application/json"
                )
            case Fail(failure, status, headers):
                return web.Response(
                    body=msgspec.json.encode(failure),
                    status=status,
                    headers=headers,
                    content_type="application/json",
                )
            case Raw(body, status, content_type, headers):
                return web.Response(
                    body=body, status=status, content_type=content_type, headers=headers
                )
            case Die(partial):
                return await _break(request, partial)
            case Exit():
                os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()
        raise AssertionError("nothing sets that event")

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


async def _break(request: web.Request, partial: bytes) -> web.StreamResponse:
    transport = request.transport
    assert transport is not None
    if partial:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {2**20}\r\n"
        transport.write(head.encode() + b"\r\n" + partial)
    else:
        transport.abort()
    transport.close()
    return web.Response()


_BEHAVIOURS: dict[str, Callable[[], Behaviour]] = {
    "echo": lambda: Reply(echo),
    "exit": Exit,
    "hang": Hang,
    "die": Die,
    "full": full,
    "garbage": lambda: Raw(b"<html>", content_type="text/html"),
    "refuse": lambda: Fail(Failure(reason="RequestRefused", message="no such module"), status=400),
}


@dataclass(frozen=True, kw_only=True)
class ProcessScript:
    """How the worker as a process behaves; JSON in `DSPEX_FAKE_SCRIPT`.

    Attributes:
        announce: First line on stdout instead of the announcement.
        start: `ok`; `exit` ends with `status` before it listens, saying so on stderr; `silent`
            never announces; `unready` announces and is never ready.
        status: Exit status of `start: exit`.
        finding: What it logs about its configuration before that, as the real worker does.
        calls: Names of `_BEHAVIOURS`, one a call, the last for ever.
        once: File that the first process of all makes: only that one plays this script,
            those that come later play none.
        chatter: Bytes that it prints to stdout after its announcement.
        ignore_term: Whether it goes on after SIGTERM.
        child: Whether it starts a child process of its own that outlives it.
        deaf: Whether it stops to answer (its event loop blocks) at the first call.
    """

    announce: str = ""
    start: str = "ok"
    status: int = 1
    finding: str = ""
    calls: tuple[str, ...] = ("echo",)
    once: str = ""
    chatter: int = 0
    ignore_term: bool = False
    child: bool = False
    deaf: bool = False


def main() -> None:
    """Run as a process; the arguments are the real worker's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", default="fake")
    parser.add_argument("--exit-with-parent", action="store_true")
    arguments = parser.parse_args()
    script = _read_script()
    print(f"fake worker {arguments.name} starts", file=sys.stderr, flush=True)
    if script.start == "exit":
        if script.finding:
            record = {"level": "error", "message": script.finding, "code": "FakeFinding"}
            print(json.dumps(record), file=sys.stderr)
        print("the model could not be had", file=sys.stderr, flush=True)
        sys.exit(script.status)
    asyncio.run(_serve(script, arguments.name, arguments.exit_with_parent))


def _read_script() -> ProcessScript:
    known = {item.name for item in dataclasses.fields(ProcessScript)}
    given = json.loads(os.environ.get("DSPEX_FAKE_SCRIPT", "{}"))
    assert set(given) <= known, given
    if "calls" in given:
        given["calls"] = tuple(given["calls"])
    script = ProcessScript(**given)
    if script.once:
        try:
            Path(script.once).touch(exist_ok=False)
        except FileExistsError:
            return ProcessScript()
    return script


async def _serve(script: ProcessScript, name: str, with_parent: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    if script.ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGTERM, ended.set)
    if script.child:
        await _start_child()
    worker = FakeWorker(*[_BEHAVIOURS[call]() for call in script.calls], name=name)
    worker.ready = script.start != "unready"
    await worker.start()
    if script.start != "silent":
        line = json.dumps({"address": worker.address, "pid": os.getpid()})
        print(script.announce or line, flush=True)
    sys.stdout.write("x" * script.chatter)
    sys.stdout.flush()
    waiting: list[Awaitable[Any]] = [ended.wait()]
    if with_parent:
        waiting.append(asyncio.to_thread(sys.stdin.read))
    if script.deaf:
        await worker.until(lambda worker: bool(worker.calls), seconds=60)
        signal.pause()
    tasks = [asyncio.ensure_future(item) for item in waiting]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    print(f"fake worker {name} ends", file=sys.stderr, flush=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await worker.stop()
    os._exit(0)  # the thread that reads stdin can't be cancelled


async def _start_child() -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    print(f"child {child.pid}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
