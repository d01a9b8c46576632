"""What a call may say to the model and to the module: the compiler and the worker hold the same."""

from collections.abc import Mapping
from typing import Final

LM_PARAMETERS: Final = frozenset(
    {"temperature", "max_tokens", "top_p", "top_k", "stop", "seed"}
    | {"presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort"}
)
"""What `config` may say to the model; anything else would reach into DSPy's own objects."""

MODULE_ARGUMENTS: Final = frozenset({"max_iters", "attempts", "base", "reward", "threshold"})
"""What `config` may say to the module."""

REWARDED: Final = frozenset({"BestOfN", "Refine"})
"""Modules that repeat a base module until a reward is reached."""

MODULE_TAKES: Final[Mapping[str, frozenset[str]]] = {
    "ReAct": frozenset({"max_iters"}),
    "MultiChainComparison": frozenset({"attempts"}),
    "BestOfN": frozenset({"attempts", "base", "reward", "threshold"}),
    "Refine": frozenset({"attempts", "base", "reward", "threshold"}),
}
"""Module arguments by built-in module; one that is not named takes none."""

BASES: Final = ("Predict", "ChainOfThought")
"""What `base` may be: the module that is repeated."""

ATTEMPTS: Final = 3
"""How often a module is repeated where nobody says."""

MAX_ATTEMPTS: Final = 20
"""The greatest `attempts`; the least is 2."""

MAX_ITERS: Final = 100
"""The greatest `max_iters`."""

TAKEN_INPUTS: Final = frozenset({"new_signature", "demos", "config", "lm", "self"})
"""Names that a DSPy module takes for itself, so no input can have them."""

TAKEN_BY_REACT: Final = frozenset({"trajectory", "max_iters"})
"""Names that ReAct takes for itself besides."""
