"""`dspy.LM` with a short way to our engines.

DSPy prepares and prices each call in threads of the loop's default pool, of which there are few;
for an answer of our engines there is nothing to prepare and nothing to price. What the short way
does not know takes DSPy's own.
"""

from typing import Any, Final

import dspy
from dspy.clients.errors import error_boundary

from dspex_worker.lm.engine import ChatEngine

_KNOWN: Final = frozenset(
    {"temperature", "max_tokens", "max_completion_tokens", "top_p", "top_k", "stop", "seed"}
    | {"presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort"}
    | {"response_format"}
)


class LeanLM(dspy.LM):  # type: ignore[misc]  # dspy has no types
    """A model behind one of our engines; built as `dspy.LM(engine=…, async_engine=…)` is."""

    async def acall(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """Return the answer's text in a list, as `dspy.LM` does."""
        engine = self._async_engine_spec
        fields = {
            name: value for name, value in {**self.kwargs, **kwargs}.items() if value is not None
        }
        if messages is None or not isinstance(engine, ChatEngine) or not _is_plain(fields):
            return await super().acall(prompt, messages=messages, **kwargs)
        with error_boundary(self.model, unexpected=True):
            answer = await engine.answer(messages, fields)
        return [answer.text]


def _is_plain(fields: dict[str, Any]) -> bool:
    settings = dspy.settings
    return (
        fields.keys() <= _KNOWN
        # An adapter of DSPy's own gives a class of pydantic's.
        and isinstance(fields.get("response_format", {}), dict)
        and settings.disable_history
        and settings.usage_tracker is None
        and settings.send_stream is None
    )
