"""JSON text in expressions."""

import json
from typing import Any

from dspex.native.expressions.convert import INT64_MAX, INT64_MIN, to_wire
from dspex.native.expressions.library.function import Function
from dspex.native.json_reading import read_json_text


def encode(value: Any) -> str:
    """Write a value as compact JSON in wire form, an object's fields by their names."""
    return json.dumps(to_wire(value), ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> Any:
    """Read a JSON text."""
    value = read_json_text(text)
    _check_integers(value)
    return value


def _check_integers(value: Any) -> None:
    """Raise ValueError for what JSON can hold and CEL can't."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
        elif type(current) is int and not INT64_MIN <= current <= INT64_MAX:
            raise ValueError(f"the integer {current} does not fit in 64 bits")


JSON_ENCODE = Function(
    name="json.encode",
    overloads=((("dyn",), "string"),),
    run=encode,
    takes="write it as json.encode(x)",
)

JSON_DECODE = Function(
    name="json.decode",
    overloads=((("string",), "dyn"),),
    run=decode,
    takes="it reads a string",
)
