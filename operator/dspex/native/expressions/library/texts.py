"""Functions of texts that stand in for an extension's own, with a bound on what they make.

`'aa'.replace('a', x).replace('a', x)…` names a text of any size in a few characters, and the
process would die of it.
"""

from typing import Final

from dspex.native.expressions.library.function import Function

MAX_TEXT: Final = 4 * 1024 * 1024
"""Characters that one function may make."""


def replace(text: str, old: str, new: str, limit: int = -1) -> str:
    """Replace a text by another, at most `limit` times where that is not negative."""
    count = text.count(old) if limit < 0 else min(text.count(old), limit)
    _bound(len(text) + count * max(0, len(new) - len(old)))
    return text.replace(old, new, limit)


def join(texts: list[str], separator: str = "") -> str:
    """Join the texts of a list."""
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"join takes a list of strings; item {index} is none")
    _bound(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _bound(size: int) -> None:
    if size > MAX_TEXT:
        raise ValueError(f"the text would have {size} characters, the bound is {MAX_TEXT}")


REPLACE = Function(
    name="replace",
    overloads=(
        (("string", "string", "string"), "string"),
        (("string", "string", "string", "int"), "string"),
    ),
    run=replace,
    takes="write it as text.replace('old', 'new') or text.replace('old', 'new', limit)",
)

JOIN = Function(
    name="join",
    overloads=((("list<string>",), "string"), (("list<string>", "string"), "string")),
    run=join,
    takes="it joins a list of strings: make them by map(x, string(x))",
)
