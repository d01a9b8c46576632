"""What a call may say to the model and to the module: the compiler and the worker hold the same."""

from typing import Final

LM_PARAMETERS: Final = frozenset(
    {"temperature", "max_tokens", "top_p", "top_k", "stop", "seed"}
    | {"presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort"}
)
"""What `config` may say to the model; anything else would reach into DSPy's own objects."""

MODULE_ARGUMENTS: Final = frozenset({"max_iters"})
"""What `config` may say to the module."""

MAX_ITERS: Final = 100
"""The greatest `max_iters`."""

TAKEN_INPUTS: Final = frozenset({"new_signature", "demos", "config", "lm", "self"})
"""Names that a DSPy module takes for itself, so no input can have them."""

TAKEN_BY_REACT: Final = frozenset({"trajectory", "max_iters"})
"""Names that ReAct takes for itself besides."""
