"""What a value is called in an error."""

import datetime
from typing import Any

_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    bytes: "bytes",
    bytearray: "bytes",
    datetime.datetime: "a timestamp",
    datetime.timedelta: "a duration",
    type(None): "null",
}


def kind_of(value: Any) -> str:
    """Name a value's kind, with its article: `a string`."""
    return _KINDS.get(type(value), type(value).__name__)
