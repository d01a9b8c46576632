"""Reads JSON text as strictly as the standard has it."""

import json
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 100
"""Lists and objects inside of one another that are taken."""


def read_json_text(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is no JSON, holds NaN or the same key twice, or is nested too deep for other
            parts to write it again without overflowing their stack; the message says where.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"the text is no JSON: {error.msg} at {place}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the text is no JSON that can be kept: {error}") from None
    _bound_depth(value)
    return value


def _bound_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
        if not level:
            return
    raise ValueError(f"the text is JSON that is nested more than {MAX_DEPTH} deep")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("an object has a key twice")
    return result
