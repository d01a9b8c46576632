"""Our own adapter for small models: a short prompt, and an answer held to a JSON Schema."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import dspy
from dspy.adapters.utils import format_field_value, serialize_for_json
from dspy.clients.capabilities import with_capability_planning

from dspex.native import types
from dspex_worker.adapters.checked import Checked
from dspex_worker.adapters.json import read_object
from dspex_worker.adapters.schema import response_format
from dspex_worker.signatures import describe, native_field


class CompactAdapter(Checked, dspy.Adapter):  # type: ignore[misc]  # dspy has no types
    """Instructions and the shape of the answer in the system's turn, values alone in the user's.

    Demos are earlier turns. The answer is one JSON object; its schema goes with the request, so
    that an endpoint that decodes under a schema can give nothing else.
    """

    @with_capability_planning  # type: ignore[untyped-decorator]  # dspy has no types
    async def acall(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: Any, inputs: Any
    ) -> list[dict[str, Any]]:
        """Format, call and parse."""
        self._constrain(lm, lm_kwargs, signature)
        answers: list[dict[str, Any]] = await super().acall(lm, lm_kwargs, signature, demos, inputs)
        return answers

    @with_capability_planning  # type: ignore[untyped-decorator]  # dspy has no types
    def __call__(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: Any, inputs: Any
    ) -> list[dict[str, Any]]:
        """Format, call and parse, for modules without an asynchronous path."""
        self._constrain(lm, lm_kwargs, signature)
        answers: list[dict[str, Any]] = super().__call__(lm, lm_kwargs, signature, demos, inputs)
        return answers

    def _constrain(self, lm: Any, lm_kwargs: dict[str, Any], signature: Any) -> None:
        if "response_format" in lm.supported_params and lm.supports_response_schema:
            lm_kwargs["response_format"] = response_format(signature)

    def format_system_message(self, signature: Any) -> str:
        """Write what to do, and the shape of the answer."""
        lm = dspy.settings.lm
        return system_message(signature, bool(lm and lm.supports_response_schema))

    def format_user_message_content(
        self,
        signature: Any,
        inputs: Mapping[str, Any],
        prefix: str = "",
        suffix: str = "",
        main_request: bool = False,
    ) -> str:
        """Write the inputs, one a line; what DSPy says about incomplete demos is left out."""
        lines = [
            f"{name}: {format_field_value(info, inputs[name])}"
            for name, info in signature.input_fields.items()
            if inputs.get(name) is not None
        ]
        return "\n".join(lines)

    def format_assistant_message_content(
        self, signature: Any, outputs: Mapping[str, Any], missing_field_message: Any = None
    ) -> str:
        """Write the outputs that a demo has as the object that an answer is."""
        values = {
            name: serialize_for_json(outputs[name])
            for name in signature.output_fields
            if outputs.get(name) is not None
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def read(self, signature: Any, completion: str) -> Mapping[str, Any]:
        """Return the object's members."""
        return read_object(type(self).__name__, signature, completion)


@functools.lru_cache(256)
def system_message(signature: Any, held: bool) -> str:
    """Return the system's turn for a DSPy signature.

    Args:
        signature: DSPy's form of it.
        held: Whether the answer is held to the schema. Then simple types are not told: the small
            model of `dspex_worker.lm.fetch` chose between two labels rightly 59 times of 60
            without being told them, and 41 times when told, because it prefers one of the words
            that it has just read.
    """
    shape = ", ".join(
        f'"{name}": {_hint(name, info, held)}' for name, info in signature.output_fields.items()
    )
    return f"{signature.instructions}\nReply with JSON: {{{shape}}}"


def _hint(name: str, info: Any, held: bool) -> str:
    field = native_field(info)
    notes: list[str] = []
    if field is None:
        kind = "…" if held else getattr(info.annotation, "__name__", str(info.annotation))
    else:
        kind = "…" if held and _is_simple(field.type) else type_hint(field.type)
        notes = [describe(field.constraints)]
    description = info.json_schema_extra.get("desc", "")
    if description and description != f"${{{name}}}":
        notes.insert(0, description)
    notes = [note for note in notes if note]
    return f"{kind} ({'; '.join(notes)})" if notes else kind


def _is_simple(type_: types.Type) -> bool:
    if isinstance(type_, types.LiteralOf):
        return len(type_.values) <= 2
    return type_ in {types.STR, types.INT, types.FLOAT, types.BOOL}


def type_hint(type_: types.Type) -> str:
    """Return a type in the words that a small model knows from JSON."""
    match type_:
        case types.Scalar():
            return _SCALARS.get(type_.name, type_.name)
        case types.LiteralOf():
            return " or ".join(json.dumps(value, ensure_ascii=False) for value in type_.values)
        case types.ListOf() | types.SetOf():
            return f"[{type_hint(type_.item)}, …]"
        case types.TupleOf():
            inner = ", ".join(type_hint(item) for item in type_.items)
            return f"[{inner}, …]" if type_.variadic else f"[{inner}]"
        case types.DictOf():
            return f'{{"…": {type_hint(type_.value)}}}'
        case types.UnionOf():
            return " or ".join(type_hint(option) for option in type_.options)
        case types.ObjectType():
            return "object"
        case types.AnyType():
            return "any value"
        case _:
            return str(type_)


_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "None": "null",
    "date": "date as YYYY-MM-DD",
    "datetime": "date and time as YYYY-MM-DDTHH:MM:SS",
    "bytes": "base64 text",
}
