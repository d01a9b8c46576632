"""DSPy's JSONAdapter with our checks and our schema."""

import json
from collections.abc import Mapping
from typing import Any

import dspy
import json_repair
from dspy.utils.exceptions import AdapterParseError

from dspex_worker.adapters import frame
from dspex_worker.adapters.checked import Checked
from dspex_worker.adapters.schema import response_format


class CheckedJSONAdapter(Checked, dspy.JSONAdapter):  # type: ignore[misc]  # dspy has no types
    """A JSON object, held to the signature's own schema where the endpoint can do that."""

    def __init__(self) -> None:
        super().__init__(use_native_function_calling=False)

    def _prepare_response_format(self, lm: Any, lm_kwargs: dict[str, Any], signature: Any) -> None:
        # DSPy's own schema knows no constraints, and gives up where an output is a dict.
        if "response_format" in lm.supported_params:
            lm_kwargs["response_format"] = (
                response_format(signature)
                if lm.supports_response_schema
                else {"type": "json_object"}
            )

    def read(self, signature: Any, completion: str) -> Mapping[str, Any]:
        """Return the object's members."""
        return read_object(type(self).__name__, signature, completion)


def read_object(adapter: str, signature: Any, completion: str) -> Mapping[str, Any]:
    """Return the members of the JSON object in an answer.

    Outside of strict mode, text around it and small mistakes of writing are forgiven.

    Raises:
        AdapterParseError: There is none.
    """
    text = completion.strip()
    try:
        found = json.loads(text)
    except ValueError:
        found = None if frame.current().strict else _forgiving(text)
    if not isinstance(found, dict):
        raise AdapterParseError(adapter, signature, completion, "The answer is no JSON object.")
    return {name: value for name, value in found.items() if name in signature.output_fields}


def _forgiving(text: str) -> Any:
    start, end = text.find("{"), text.rfind("}")
    # Without its end it is an answer that was cut: a repair would pass half a value on.
    return json_repair.loads(text[start : end + 1]) if 0 <= start < end else None
