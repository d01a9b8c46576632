"""The engine for the providers that DSPy itself serves without litellm, such as Anthropic."""

import dataclasses
from typing import Any

from dspy import lm15
from dspy.clients.engines import AsyncLM15Engine

from dspex_worker.lm import chat, ledger
from dspex_worker.lm.completion import Completion
from dspex_worker.lm.engine import AsyncEngine


class NativeEngine(AsyncEngine):
    """DSPy's bundled client, with its calls recorded.

    Args:
        inner: DSPy's engine, configured with address and key.
        capabilities: A `dspy.LM` of the model, whose capabilities become the engine's.
        extra: Fields that are added to each request.
        cached_apart: Whether the provider counts the prompt's cached tokens beside the others.
    """

    def __init__(
        self,
        inner: AsyncLM15Engine,
        capabilities: Any,
        extra: dict[str, Any] | None = None,
        *,
        cached_apart: bool = False,
    ) -> None:
        self._inner = inner
        self._cached_apart = cached_apart
        self._extra = extra or {}
        self.supports_response_schema = capabilities.supports_response_schema
        self.supports_reasoning = capabilities.supports_reasoning
        self.supported_params = frozenset(capabilities.supported_params)

    async def complete(self, request: lm15.Request) -> lm15.Response:
        """Make one attempt, counted in the running call's ledger."""
        record = ledger.current()
        if self._extra:
            extensions = {**(request.config.extensions or {}), **self._extra}
            config = dataclasses.replace(request.config, extensions=extensions)
            request = dataclasses.replace(request, config=config)
        with record.model_call():
            response = await self._inner.complete(request)
        answer = Completion(
            text=response.message.text or "",
            prompt_tokens=self._prompt_tokens(response.usage),
            completion_tokens=response.usage.output_tokens or 0,
            finished=response.finish_reason != "length",
        )
        record.completed(chat.messages_of(request) if record.keep else [], answer)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()

    def _prompt_tokens(self, usage: lm15.Usage) -> int:
        cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        return (usage.input_tokens or 0) + (cached if self._cached_apart else 0)
