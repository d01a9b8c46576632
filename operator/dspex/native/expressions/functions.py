"""CEL functions that stand in for an extension's own, with a bound on what they make.

`'aa'.replace('a', x).replace('a', x)…` names a text of any size in a few characters, and the
process would die of it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cel_expr_python import cel

MAX_TEXT = 4 * 1024 * 1024
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
            raise TypeError(f"join takes a list of strings; item {index} is none")
    _bound(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def declarations() -> list["cel.FunctionDecl"]:
    """Return the functions in the form that an environment takes."""
    from cel_expr_python import cel

    text, number, texts = cel.Type.STRING, cel.Type.INT, cel.Type.List(cel.Type.STRING)

    def method(
        identity: str, parameters: list["cel.Type"], implementation: object
    ) -> "cel.Overload":
        return cel.Overload(
            identity, return_type=text, parameters=parameters, is_member=True, impl=implementation
        )

    return [
        cel.FunctionDecl(
            "_replace",
            [
                method("dspex_replace", [text, text, text], replace),
                method("dspex_replace_limit", [text, text, text, number], replace),
            ],
        ),
        cel.FunctionDecl(
            "_join",
            [
                method("dspex_join", [texts], join),
                method("dspex_join_separator", [texts, text], join),
            ],
        ),
    ]


def _bound(size: int) -> None:
    if size > MAX_TEXT:
        raise ValueError(f"the text would have {size} characters, the bound is {MAX_TEXT}")
