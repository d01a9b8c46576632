"""The engine for the embedded model."""

from collections.abc import Mapping
from typing import Any

from dspy import lm15

from dspex_worker.lm import chat
from dspex_worker.lm.completion import Completion
from dspex_worker.lm.embedded import DecodingError, EmbeddedModel, PromptTooLongError
from dspex_worker.lm.engine import ChatEngine


class LocalEngine(ChatEngine):
    """Chat completions by a model in the process."""

    supports_reasoning = False

    def __init__(self, model: EmbeddedModel) -> None:
        self._model = model
        self.name = model.name

    async def _answer(
        self, messages: list[dict[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        try:
            return await self._model.complete(
                messages,
                chat.schema_of(parameters),
                max_tokens=parameters.get("max_tokens"),
                temperature=parameters.get("temperature") or 0.0,
                stop=parameters.get("stop"),
                seed=parameters.get("seed"),
            )
        except PromptTooLongError as error:
            raise lm15.ContextLengthError(str(error)) from error
        except DecodingError as error:
            raise lm15.InvalidRequestError(str(error)) from error

    async def aclose(self) -> None:
        """Free the model."""
        self._model.close()
