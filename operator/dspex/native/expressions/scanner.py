"""Finds the `$( )` in a text. What stands between them is CEL, and follows CEL's own tokens."""

import re
from dataclasses import dataclass

from dspex.errors import Diagnostic, ExpressionError
from dspex.native.expressions.tokens import CLOSE, OPEN, Kind, tokens

MAX_EXPRESSION = 4096
"""Bytes of UTF-8 that one expression may have."""

_REMEDY = (
    "close it with ')'. In YAML put the value in quotes or in a '>-' block: flow style { } and [ ] "
    "cuts it at a comma, and ' #' begins a comment. A literal '$(' is written '$$('"
)

_OPENING = re.compile(r"\$+\(")


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text, its `$$(` already turned into `$(`; the offsets are those of the source."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """An expression; `start` and `end` enclose what stands between `$(` and `)`."""

    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """A text taken apart.

    Attributes:
        source: The text.
        parts: Literal texts and expressions in their order; empty for an empty text.
    """

    source: str
    parts: tuple[Text | Embedded, ...]

    @property
    def whole(self) -> bool:
        """Whether the text is exactly one expression and nothing else, not even a blank."""
        return len(self.parts) == 1 and isinstance(self.parts[0], Embedded)

    @property
    def constant(self) -> bool:
        """Whether the text holds no expression."""
        return not any(isinstance(part, Embedded) for part in self.parts)


def scan(text: str) -> Scanned:
    """Take a text apart into literal text and expressions.

    `$(` opens an expression. Of several dollars before a bracket each pair stands for a literal
    one, so `$$(` is a literal `$(`.

    Raises:
        ExpressionError: An expression is not closed, is empty, or is longer than 4 KiB.
    """
    parts: list[Text | Embedded] = []
    literal: list[str] = []
    literal_start = position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        dollars = opening.end() - opening.start() - 1
        literal.append(text[position : opening.start()] + "$" * (dollars // 2))
        if dollars % 2 == 0:
            literal.append("(")
            position = opening.end()
            continue
        if joined := "".join(literal):
            parts.append(Text(joined, literal_start, opening.end() - 2))
        end = _closing(text, opening.end())
        parts.append(Embedded(text[opening.end() : end], opening.end(), end))
        literal, literal_start, position = [], end + 1, end + 1
    literal.append(text[position:])
    if joined := "".join(literal):
        parts.append(Text(joined, literal_start, len(text)))
    return Scanned(text, tuple(parts))


def escape(text: str) -> str:
    """Write a literal text so that `scan` reads it back as that text, without an expression."""
    return _OPENING.sub(lambda opening: opening.group()[:-1] * 2 + "(", text)


def _closing(text: str, start: int) -> int:
    """Find the bracket that closes the expression which begins at `start`."""
    brackets = [")"]
    first = True
    for token in tokens(text, start):
        if token.end - start > MAX_EXPRESSION:
            break
        if token.kind is Kind.OPERATOR and token.text in OPEN:
            brackets.append(OPEN[token.text])
        elif token.kind is Kind.OPERATOR and token.text in CLOSE:
            if token.text != brackets[-1]:
                raise _wrong_bracket(text, start, token.start, brackets[-1])
            brackets.pop()
            if not brackets:
                return _checked(text, start, token.start, empty=first)
        elif token.kind is Kind.WRONG and token.text in "'\"":
            raise _unclosed(text, start, f"a string that begins with {token.text} is not closed")
        first = False
    if len(text) - start > MAX_EXPRESSION:
        raise _too_long(text, start)
    raise _unclosed(text, start, "'$(' is not closed")


def _checked(text: str, start: int, end: int, *, empty: bool) -> int:
    if empty:
        raise ExpressionError(
            Diagnostic(
                code="EmptyExpression",
                message="there is no expression in '$()'",
                remedy="write one, such as $(inputs.message); a literal '$(' is written '$$('",
                source=text,
                start=start - 2,
                end=end + 1,
            )
        )
    if len(text[start:end].encode("utf-8", "surrogatepass")) > MAX_EXPRESSION:
        raise _too_long(text, start)
    return end


def _unclosed(text: str, start: int, message: str) -> ExpressionError:
    return ExpressionError(
        Diagnostic(
            code="UnclosedExpression",
            message=message,
            remedy=_REMEDY,
            source=text,
            start=start - 2,
            end=start,
        )
    )


def _wrong_bracket(text: str, start: int, at: int, expected: str) -> ExpressionError:
    return ExpressionError(
        Diagnostic(
            code="UnclosedExpression",
            message=f"the brackets of the expression do not match: '{text[at]}'",
            expected=f"'{expected}'",
            found=f"'{text[at]}'",
            remedy=_REMEDY,
            source=text,
            start=at,
            end=at + 1,
        )
    )


def _too_long(text: str, start: int) -> ExpressionError:
    return ExpressionError(
        Diagnostic(
            code="ExpressionTooLong",
            message=f"an expression is longer than {MAX_EXPRESSION} bytes, or is not closed",
            remedy="split it over several steps, or close it with ')'",
            source=text,
            start=start - 2,
            end=start,
        )
    )
