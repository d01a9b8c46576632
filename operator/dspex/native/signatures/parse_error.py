"""A finding of the parser that still counts in tokens, and how it becomes a diagnostic."""

from dspex.errors import Diagnostic
from dspex.native.signatures.tokens import END, Tokens


class ParseError(Exception):
    """What is wrong about some tokens.

    Attributes:
        code: As in Diagnostic.
        message: As in Diagnostic.
        first: Index of the first wrong token.
        last: Index of the last one.
        expected: As in Diagnostic.
        remedy: As in Diagnostic.
    """

    def __init__(
        self,
        code: str,
        message: str,
        first: int,
        last: int | None = None,
        *,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.first = first
        self.last = first if last is None else last
        self.expected = expected
        self.remedy = remedy

    def diagnostic(self, tokens: Tokens) -> Diagnostic:
        """Return the finding with the tokens' place in the text."""
        start = tokens.spans[self.first][0]
        end = tokens.spans[self.last][1]
        return Diagnostic(
            code=self.code,
            message=self.message,
            expected=self.expected,
            found=found(tokens, self.first, self.last),
            remedy=self.remedy,
            source=tokens.text,
            start=start,
            end=max(end, start + 1),
        )


def found(tokens: Tokens, first: int, last: int) -> str:
    """Return the tokens as they stand in the text, shortened."""
    if tokens.texts[first] == END:
        return "the end of the text"
    text = tokens.text[tokens.spans[first][0] : tokens.spans[last][1]]
    return text if len(text) <= 60 else f"{text[:57]}..."
