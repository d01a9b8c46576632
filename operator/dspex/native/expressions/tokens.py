"""CEL's tokens: where strings, comments, brackets and names begin and end."""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a token is."""

    STRING = enum.auto()
    NUMBER = enum.auto()
    NAME = enum.auto()
    QUOTED_NAME = enum.auto()
    OPERATOR = enum.auto()
    WRONG = enum.auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands; `start` and `end` count in the text that was split."""

    kind: Kind
    text: str
    start: int
    end: int


RESERVED = frozenset(
    {
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
        "loop", "package", "namespace", "return", "var", "void", "while",
    }
)  # fmt: skip
"""Words that CEL keeps for itself: they can't be an identifier, but may be a field."""

CONSTANTS = frozenset({"true", "false", "null"})

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = frozenset(OPEN.values())

# The order matters: raw before plain, three quotes before one, as CEL's longest match has it.
_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\n\f]+|//[^\n]*)
  | (?P<string>
        [bB]?[rR]\"{3}[\s\S]*?\"{3} | [bB]?[rR]'{3}[\s\S]*?'{3}
      | [bB]?[rR]"[^"\r\n]*"        | [bB]?[rR]'[^'\r\n]*'
      | [bB]?\"{3}(?:\\[\s\S]|[^\\])*?\"{3} | [bB]?'{3}(?:\\[\s\S]|[^\\])*?'{3}
      | [bB]?"(?:\\[^\r\n]|[^"\\\r\n])*"    | [bB]?'(?:\\[^\r\n]|[^'\\\r\n])*'
    )
  | (?P<number>
        0x[0-9a-fA-F]+[uU]?
      | [0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?
      | [0-9]+[eE][+-]?[0-9]+
      | \.[0-9]+(?:[eE][+-]?[0-9]+)?
      | [0-9]+[uU]?
    )
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<operator>==|!=|<=|>=|&&|\|\||[-+*/%!<>?:,.()\[\]{}])
  | (?P<wrong>[\s\S])
    """,
    re.VERBOSE,
)

_KINDS = {
    "string": Kind.STRING,
    "number": Kind.NUMBER,
    "name": Kind.NAME,
    "quoted": Kind.QUOTED_NAME,
    "operator": Kind.OPERATOR,
    "wrong": Kind.WRONG,
}


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """Split a text into CEL's tokens from an offset on, leaving out blanks and comments.

    Never fails: what is no token (a quote that is not closed, a `#`) comes as `Kind.WRONG`, one
    character at a time.
    """
    position = start
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise AssertionError("the last branch takes any character")
        if match.lastgroup != "blank":
            yield Token(_KINDS[match.lastgroup], match.group(), position, match.end())
        position = match.end()
