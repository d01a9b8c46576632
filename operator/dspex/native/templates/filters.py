"""Filters that stand in for minijinja's own where a few characters could ask for any amount."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_TEXT = 4 * 1024 * 1024
"""Characters that one filter may make."""

MAX_WIDTH = 1000
"""Blanks that `indent` and `format` may fill in for one place."""

_WIDE = re.compile(r"\*|\d{4,}")
_PLACE = re.compile(r"%[^%a-zA-Z]*[a-zA-Z]")


class FilterLimitError(ValueError):
    """A filter was asked for more than it may make."""


def replace(value: Any, old: Any, new: Any) -> str:
    """Replace a text by another."""
    text, found, put = str(value), str(old), str(new)
    _bound(len(text) + text.count(found) * max(0, len(put) - len(found)))
    return text.replace(found, put)


def join(value: Any, separator: str = "", attribute: str | None = None) -> str:
    """Join the items of a list."""
    items = [item if attribute is None else _attribute(item, attribute) for item in value]
    texts = [str(item) for item in items]
    _bound(sum(map(len, texts)) + len(str(separator)) * len(texts))
    return str(separator).join(texts)


def indent(value: Any, width: int = 4, first: bool = False, blank: bool = False) -> str:
    """Indent every line of a text but the first; `blank` for empty lines too."""
    if width > MAX_WIDTH:
        raise FilterLimitError(f"indent is bounded to {MAX_WIDTH} blanks")
    text, prefix = str(value), " " * width
    lines = text.split("\n")
    _bound(len(text) + len(lines) * width)
    return "\n".join(
        prefix + line if (index or first) and (line or blank) else line
        for index, line in enumerate(lines)
    )


def format_(value: Any, *arguments: Any, **named: Any) -> str:
    """Fill the places of a text in printf style."""
    text = str(value)
    if any(_WIDE.search(place) for place in _PLACE.findall(text)):
        raise FilterLimitError(f"format is bounded to {MAX_WIDTH} characters for a number's place")
    return text % (named or tuple(arguments))


def tojson(value: Any, indent: int | None = None) -> str:
    """Write a value as JSON, without the escapes that HTML would need."""
    if indent is not None and indent > MAX_WIDTH:
        raise FilterLimitError(f"tojson is bounded to an indent of {MAX_WIDTH}")
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    _bound(len(text))
    return text


def batch(value: Sequence[Any], size: int, fill: Any = None) -> list[list[Any]]:
    """Cut a list into lists of one size, the last filled up where `fill` is given."""
    items = list(value)
    if size < 1 or size > max(len(items), MAX_WIDTH):
        raise FilterLimitError("batch takes a size from 1 to the list's length, or to 1000")
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    if batches and fill is not None:
        batches[-1] += [fill] * (size - len(batches[-1]))
    return batches


def slice_(value: Sequence[Any], count: int, fill: Any = None) -> list[list[Any]]:
    """Cut a list into a number of lists."""
    items = list(value)
    if count < 1 or count > max(len(items), MAX_WIDTH):
        raise FilterLimitError("slice takes a count from 1 to the list's length, or to 1000")
    size, longer = divmod(len(items), count)
    slices, start = [], 0
    for index in range(count):
        end = start + size + (index < longer)
        part = items[start:end]
        if fill is not None and longer and index >= longer:
            part.append(fill)
        slices.append(part)
        start = end
    return slices


FILTERS: Mapping[str, Callable[..., Any]] = {
    "replace": replace,
    "join": join,
    "indent": indent,
    "format": format_,
    "tojson": tojson,
    "batch": batch,
    "slice": slice_,
}


def _attribute(item: Any, path: str) -> Any:
    for name in path.split("."):
        item = item[int(name)] if isinstance(item, list) else item[name]
    return item


def _bound(size: int) -> None:
    if size > MAX_TEXT:
        raise FilterLimitError(f"a filter would make {size} characters, the bound is {MAX_TEXT}")
