"""Constants inside `Literal[…]`, read without evaluating anything."""

import re
import unicodedata
from typing import Final

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_integer = re.compile(
    r"(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[1-9](?:_?[0-9])*|0(?:_?0)*)"
).fullmatch
_string = re.compile(
    r"([rRbBuUfF]*)('''|\"\"\"|'|\")(.*)\2",
    re.DOTALL,
).fullmatch
_escape = re.compile(
    r"\\(\r\n|\r|\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[0-7]{1,3}|.)",
    re.DOTALL,
)
_SIMPLE_ESCAPES: Final = {
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\n": "",
    "\r": "",
    "\r\n": "",
}


class LiteralError(ValueError):
    """A constant that can't be read; the message says why."""


def read_integer(token: str) -> int:
    """Return the integer that a number token writes, as Python reads it.

    Raises:
        LiteralError: It is no integer, or does not fit 64 bits.
    """
    if _integer(token) is None:
        raise LiteralError("only integers, strings, True, False and None can be in a Literal")
    if len(token) > 80:
        raise LiteralError("the integer does not fit 64 bits")
    value = int(token, 0)
    if value > INT64_MAX + 1:
        raise LiteralError("the integer does not fit 64 bits")
    return value


def read_string(token: str) -> str:
    """Return the text that a string token writes, as Python reads it.

    Raises:
        LiteralError: It is bytes or an f-string, or has an escape that Python refuses.
    """
    match = _string(token)
    if match is None:
        raise LiteralError("it is no string")
    prefix, body = match[1].lower(), match[3]
    if "b" in prefix:
        raise LiteralError("bytes have no JSON form")
    if "f" in prefix:
        raise LiteralError("an f-string would have to be evaluated")
    if prefix not in ("", "r", "u"):
        raise LiteralError(f"{match[1]!r} is no prefix of a string")
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if "\\" in body and prefix != "r":
        body = _escape.sub(_unescape, body)
    if not body.isascii() and any("\ud800" <= char <= "\udfff" for char in body):
        raise LiteralError("a lone surrogate is no text")
    return body


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if escape in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[escape]
    kind = escape[0]
    if kind in "01234567":
        return chr(int(escape, 8))
    if kind == "N" and len(escape) > 1:
        try:
            return unicodedata.lookup(escape[2:-1])
        except KeyError:
            raise LiteralError(f"\\{escape} names no character") from None
    if kind in "xuU" and len(escape) > 1:
        code = int(escape[1:], 16)
        if code > 0x10FFFF:
            raise LiteralError(f"\\{escape} is no character")
        return chr(code)
    if kind in "xuUN":
        raise LiteralError(f"\\{kind} is a cut escape; double the backslash to mean one")
    # Python keeps the backslash of an escape that it does not know.
    return match[0]
