"""What DSPy's engines need of ours: one asynchronous attempt, and the synchronous door to it."""

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from dspy import lm15

from dspex_worker.lm import chat, ledger
from dspex_worker.lm.completion import Completion

SUPPORTED_PARAMETERS = frozenset(
    {"temperature", "max_tokens", "max_completion_tokens", "top_p", "stop", "seed"}
    | {"presence_penalty", "frequency_penalty", "response_format", "reasoning_effort"}
)


class AsyncEngine(ABC):
    """An engine on the worker's event loop; `dspy.LM(async_engine=…)` takes it.

    Subclasses raise errors of `dspy.lm15`, which DSPy turns into its public ones.

    Attributes:
        name: The model's, where the engine knows it better than the Pool.
        supports_response_schema: Whether a JSON Schema is kept to.
        supports_function_calling: Whether tools are passed on.
        supports_reasoning: Whether a reasoning effort is passed on.
        supported_params: Names of parameters that adapters may set.
    """

    name: str = ""
    supports_response_schema: bool = True
    supports_function_calling: bool = False
    supports_reasoning: bool = True
    supported_params: frozenset[str] = SUPPORTED_PARAMETERS

    @abstractmethod
    async def complete(self, request: lm15.Request) -> lm15.Response:
        """Make one attempt, counted in the running call's ledger."""

    @abstractmethod
    async def aclose(self) -> None:
        """Free what the engine holds."""


class ChatEngine(AsyncEngine):
    """An engine that speaks in messages and fields of the Chat Completions API.

    The model in the process and one behind HTTP get the same ones.
    """

    async def answer(
        self, messages: list[dict[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        """Make one attempt, counted in the running call's ledger.

        Args:
            messages: Chat messages, the system's first.
            parameters: Fields of the body beside model and messages.
        """
        record = ledger.current()
        with record.model_call():
            answer = await self._answer(messages, parameters)
            record.completed(messages, answer)
        return answer

    @abstractmethod
    async def _answer(
        self, messages: list[dict[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        """Make the attempt."""

    async def complete(self, request: lm15.Request) -> lm15.Response:
        """Make one attempt for a canonical request of DSPy's."""
        answer = await self.answer(chat.messages_of(request), chat.parameters_of(request))
        return chat.response_of(request.model, answer)


class SyncEngine:
    """The same engine for modules that have no asynchronous path; they run in threads.

    DSPy reads a model's capabilities here, so they are the asynchronous engine's.
    """

    def __init__(self, engine: AsyncEngine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        self.supports_response_schema = engine.supports_response_schema
        self.supports_function_calling = engine.supports_function_calling
        self.supports_reasoning = engine.supports_reasoning
        self.supported_params = engine.supported_params

    def complete(self, request: lm15.Request) -> lm15.Response:
        """Make one attempt on the event loop and wait for it in this thread."""
        context = contextvars.copy_context()
        done: Future[lm15.Response] = Future()

        tasks: set[asyncio.Task[lm15.Response]] = set()

        def finish(task: "asyncio.Task[lm15.Response]") -> None:
            # Here and not in the coroutine: one that is cancelled before its first step never
            # runs, and the thread would wait for ever.
            tasks.discard(task)
            if task.cancelled():
                done.set_exception(lm15.TransportError("the call was cancelled"))
            elif (error := task.exception()) is not None:
                done.set_exception(error)
            else:
                done.set_result(task.result())

        def start() -> None:
            task = self._loop.create_task(self._engine.complete(request), context=context)
            tasks.add(task)
            task.add_done_callback(finish)
            context.run(ledger.current).on_abandon(task.cancel)

        self._loop.call_soon_threadsafe(start)
        return done.result()

    def close(self) -> None:
        """Nothing to free: the asynchronous engine is closed on its loop."""
