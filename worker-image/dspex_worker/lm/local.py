"""The engine for the embedded model."""

from dspy import lm15

from dspex_worker.lm import chat
from dspex_worker.lm.embedded import DecodingError, EmbeddedModel, PromptTooLongError
from dspex_worker.lm.engine import AsyncEngine
from dspex_worker.lm.ledger import Ledger


class LocalEngine(AsyncEngine):
    """Chat completions by a model in the process."""

    supports_reasoning = False

    def __init__(self, model: EmbeddedModel) -> None:
        self._model = model
        self.name = model.name

    async def _complete(self, request: lm15.Request, record: Ledger) -> lm15.Response:
        messages = chat.messages_of(request)
        config = request.config
        try:
            answer = await self._model.complete(
                messages,
                chat.schema_of(request),
                max_tokens=config.max_tokens,
                temperature=config.temperature or 0.0,
                stop=list(config.stop or ()),
                seed=config.seed,
            )
        except PromptTooLongError as error:
            raise lm15.ContextLengthError(str(error)) from error
        except DecodingError as error:
            raise lm15.InvalidRequestError(str(error)) from error
        tokens = {"prompt": answer.prompt_tokens, "completion": answer.completion_tokens}
        record.completed(messages, answer.text, finished=answer.finished, **tokens)
        return chat.response_of(request.model, answer.text, finished=answer.finished, **tokens)

    async def aclose(self) -> None:
        """Free the model."""
        self._model.close()
