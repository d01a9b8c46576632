"""The embedded model behind an OpenAI-compatible endpoint: equal requests get equal answers."""

from types import TracebackType
from typing import Any, Self

from aiohttp import web

from dspex_worker.lm.embedded import EmbeddedModel
from fakes.openai_endpoint import Text, completion


class EmbeddedEndpoint:
    """Serves a model; use it as an async context manager.

    Attributes:
        base: For `model.apiBase`.
        requests: Bodies that came in.
    """

    def __init__(self, model: EmbeddedModel) -> None:
        self.base = ""
        self.requests: list[dict[str, Any]] = []
        self._model = model
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
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

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        form = body.get("response_format") or {}
        answer = await self._model.complete(
            body["messages"],
            form.get("json_schema", {}).get("schema"),
            max_tokens=body.get("max_tokens"),
            temperature=body.get("temperature") or 0.0,
            stop=body.get("stop"),
            seed=body.get("seed"),
        )
        reply = Text(
            text=answer.text,
            usage=(answer.prompt_tokens, answer.completion_tokens),
            finish_reason="stop" if answer.finished else "length",
        )
        return web.json_response(completion(body, reply))
