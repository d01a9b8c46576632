"""An OpenAI-compatible endpoint that answers by script and fails on demand.

    async with OpenAIEndpoint() as endpoint:
        endpoint.script(fields(answer="4"), RateLimited(retry_after=2), Hang())
        ...  # a client talks to endpoint.base
        assert endpoint.requests[0].body["model"] == "m"

Each request takes the next reply of the script; when it is used up, `default` answers.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeAlias

from aiohttp import web

PATIENCE = 60.0
"""Seconds after which something that a test waits for will not come any more."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A chat completion with this text after `latency` seconds; `usage` None reports none."""

    text: str
    latency: float = 0.0
    usage: tuple[int, int] | None = (10, 5)
    finish_reason: str = "stop"


@dataclass(frozen=True, kw_only=True)
class RateLimited:
    """429, with a Retry-After header where seconds are given."""

    retry_after: float | None = None
    code: str = "rate_limit_exceeded"


@dataclass(frozen=True, kw_only=True)
class Status:
    """An HTTP status with OpenAI's error object."""

    status: int
    message: str = "it went wrong"
    code: str = "error"


@dataclass(frozen=True, kw_only=True)
class Hang:
    """No answer until the client goes away."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The connection is cut in the middle of the body."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """200 with a body that is no chat completion."""

    body: str = "<html>proxy error</html>"


Reply: TypeAlias = Text | RateLimited | Status | Hang | Cut | Garbage
Answerer: TypeAlias = Callable[[dict[str, Any]], Reply]


def fields(latency: float = 0.0, **values: Any) -> Answerer:
    """Answer with output fields in the form that the request's adapter asked for."""
    return lambda body: Text(text=as_asked(body, values), latency=latency)


def as_asked(body: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Write fields as JSON where the request has a response format, else under DSPy's headers."""
    if "response_format" in body:
        return json.dumps(values)
    shown = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    sections = [f"[[ ## {name} ## ]]\n{value}" for name, value in shown.items()]
    return "\n\n".join([*sections, "[[ ## completed ## ]]"])


@dataclass(frozen=True)
class Received:
    """A request that came in."""

    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def prompt(self) -> str:
        """All messages' texts, one after the other."""
        return "\n".join(str(message["content"]) for message in self.body["messages"])


@dataclass
class OpenAIEndpoint:
    """The endpoint; use it as an async context manager.

    Attributes:
        default: Answers when the script is used up.
        requests: What came in.
        dropped: How many requests their client gave up before the answer.
    """

    default: Reply | Answerer = field(default_factory=lambda: Text(text="{}"))
    requests: list[Received] = field(default_factory=list)
    dropped: int = 0
    base: str = ""
    _script: deque[Reply | Answerer] = field(default_factory=deque)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    def script(self, *replies: Reply | Answerer) -> None:
        """Append replies, one for each request to come."""
        self._script.extend(replies)

    async def received(self, count: int) -> None:
        """Wait until so many requests have come in; a minute at most."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)

    async def gave_up(self, count: int) -> None:
        """Wait until so many requests were given up by their client; a minute at most."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.dropped >= count)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.01
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(Received(body, dict(request.headers)))
        await self._tell()
        reply = self._script.popleft() if self._script else self.default
        if callable(reply):
            reply = reply(body)
        try:
            return await self._reply(request, body, reply)
        except asyncio.CancelledError:
            self.dropped += 1
            await asyncio.shield(self._tell())
            raise

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _reply(
        self, request: web.Request, body: dict[str, Any], reply: Reply
    ) -> web.StreamResponse:
        match reply:
            case Text():
                await asyncio.sleep(reply.latency)
                return web.json_response(completion(body, reply))
            case RateLimited():
                after = reply.retry_after
                headers = {} if after is None else {"Retry-After": f"{after:g}"}
                return _error(429, "slow down", reply.code, headers)
            case Status():
                return _error(reply.status, reply.message, reply.code, {})
            case Garbage():
                return web.Response(text=reply.body, content_type="text/html")
            case Hang():
                await asyncio.Event().wait()
            case Cut():
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b'{"choices": [{"mess')
                if request.transport:
                    request.transport.close()
                return response
        raise AssertionError


def completion(body: Mapping[str, Any], reply: Text) -> dict[str, Any]:
    """Return the JSON of a chat completion."""
    message = {"role": "assistant", "content": reply.text}
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
    }
    if reply.usage:
        prompt, output = reply.usage
        answer["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
        }
    return answer


def _error(status: int, message: str, code: str, headers: dict[str, str]) -> web.Response:
    error = {"message": message, "type": "error", "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)
