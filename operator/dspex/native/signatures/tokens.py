"""The lexer: a signature's text as a list of tokens, with positions on demand.

Tokens follow Python's inside brackets, because that is what DSPy reads signatures as. The lexer
never fails: a character that begins no token is a token of its own, which the parser refuses.
"""

import re
from functools import cached_property
from typing import Final

from dspex.errors import Diagnostic, SignatureError

MAX_LENGTH: Final = 4096
"""Bytes of UTF-8 that a signature or a type may have."""

_BLANK: Final = r"[ \t\f\r\n]*(?:\\\r?\n[ \t\f\r\n]*)*"
_STRING: Final = (
    r"(?:[rRbBuUfF]{1,2})?(?:"
    r"'(?!'')(?:[^'\\\r\n]|\\.)*'|\"(?!\"\")(?:[^\"\\\r\n]|\\.)*\""
    r"|'{3}(?:[^\\]|\\.)*?'{3}|\"{3}(?:[^\\]|\\.)*?\"{3})"
)
_NAME: Final = r"[^\W\d]\w*"
_TOKEN: Final = re.compile(
    # A name that no quote follows comes first: it is the most common token, and no string's prefix.
    # The empty token at the end keeps the search from trying every blank of a long tail anew.
    rf"{_BLANK}({_NAME}(?![\w'\"])|->|{_STRING}|{_NAME}|\.\.\.|[0-9][\w.]*|.|\Z)",
    re.DOTALL,
)

END: Final = ""
"""The token behind the last one."""


class Tokens:
    """The tokens of a text.

    Attributes:
        text: The text itself.
        texts: The tokens' texts; the last two are `END`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # One END more, so that the parser may always look one token ahead.
        self.texts: list[str] = [*_TOKEN.findall(text), END]

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Start and end of every token; only a diagnostic needs them."""
        end = len(self.text)
        return [*(match.span(1) for match in _TOKEN.finditer(self.text)), (end, end)]


def tokenize(text: str) -> Tokens:
    """Return the tokens of a text.

    Raises:
        SignatureError: The text has more than `MAX_LENGTH` bytes.
    """
    if len(text) > MAX_LENGTH // 4:
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > MAX_LENGTH:
            raise SignatureError(_too_long(text, size))
    return Tokens(text)


def _too_long(text: str, size: int) -> Diagnostic:
    start = min(MAX_LENGTH, len(text) - 1)
    return Diagnostic(
        code="TooLong",
        message=f"The text has {size} bytes",
        expected=f"{MAX_LENGTH} at most",
        remedy="write inputs and outputs in place of the string, or fewer fields",
        source=text,
        start=start,
        end=len(text),
    )


def is_string(token: str) -> bool:
    """Say whether the token is a whole string."""
    return len(token) > 1 and token[-1] in "'\""


def is_name(token: str) -> bool:
    """Say whether the token is a name."""
    return token.isidentifier()


def is_number(token: str) -> bool:
    """Say whether the token begins as a number does."""
    return "0" <= token[:1] <= "9"
