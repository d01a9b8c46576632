"""Adapters: how a signature becomes messages, and an answer becomes values."""

from collections.abc import Callable
from typing import Final

import dspy

from dspex_worker.adapters.chat import CheckedChatAdapter
from dspex_worker.adapters.compact import CompactAdapter
from dspex_worker.adapters.json import CheckedJSONAdapter

ADAPTERS: Final[dict[str, Callable[[], dspy.Adapter]]] = {
    "Chat": CheckedChatAdapter,
    "JSON": CheckedJSONAdapter,
    "Compact": CompactAdapter,
}
"""By the name in the Pool's `model.adapter`. A new adapter is one file and one line here."""

__all__ = ["ADAPTERS", "CheckedChatAdapter", "CheckedJSONAdapter", "CompactAdapter"]
