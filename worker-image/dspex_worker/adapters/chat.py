"""DSPy's ChatAdapter with our checks."""

from collections.abc import Mapping
from typing import Any

import dspy
from dspy.adapters.chat_adapter import field_header_pattern

from dspex_worker.adapters.checked import Checked
from dspex_worker.adapters.json import CheckedJSONAdapter


class CheckedChatAdapter(Checked, dspy.ChatAdapter):  # type: ignore[misc]  # dspy has no types
    """Fields under `[[ ## name ## ]]` headers; JSON is tried where they are not kept to."""

    textual = True

    def read(self, signature: Any, completion: str) -> Mapping[str, Any]:
        """Return the text under each header, the first of each name."""
        sections: list[tuple[str, list[str]]] = []
        for line in completion.splitlines():
            header = field_header_pattern.match(line.strip())
            if header:
                rest = line.strip()[header.end() :].strip()
                sections.append((header.group(1), [rest] if rest else []))
            elif sections:
                sections[-1][1].append(line)
        fields: dict[str, Any] = {}
        for name, lines in sections:
            if name in signature.output_fields:
                fields.setdefault(name, "\n".join(lines).strip())
        return fields

    def is_whole(self, completion: str) -> bool:
        """Say whether the last marker stands there: what follows it is not read."""
        return "[[ ## completed ## ]]" in completion

    def _make_json_adapter_fallback(self) -> dspy.Adapter:
        return CheckedJSONAdapter()
