"""The tags of a template's source, as far as DSPex looks at them before minijinja does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TAG = re.compile(
    r"""
    (?P<comment>\{\#[\s\S]*?\#\})
  | (?P<raw>\{%[-+]?\s*raw\s*[-+]?%\}[\s\S]*?\{%[-+]?\s*endraw\s*[-+]?%\})
  | (?P<tag>(?:\{\{|\{%)(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?!\}\}|%\})[^"'])*(?:\}\}|%\}))
    """,
    re.VERBOSE,
)
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
_STATEMENT = re.compile(r"\{%[-+]?\s*([a-z]+)")
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)")
_FILTER_BLOCK = re.compile(r"\{%[-+]?\s*filter\s+([A-Za-z_]\w*)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_TEST = re.compile(r"\bis\s+(?:not\s+)?([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Tag:
    """A `{{ }}` or `{% %}`, its strings blanked out so that its words can be looked at."""

    text: str
    start: int

    @property
    def statement(self) -> str | None:
        """The word that a `{% %}` begins with."""
        match = _STATEMENT.match(self.text)
        return match.group(1) if match else None

    def words(self) -> set[str]:
        """Collect everything in it that could be a name."""
        return set(_WORD.findall(self.text))

    def filters(self) -> Iterator[tuple[str, int]]:
        """Name the filters that are used, with their place in the source."""
        for pattern in (_FILTER, _FILTER_BLOCK):
            for match in pattern.finditer(self.text):
                yield match.group(1), self.start + match.start(1)

    def tests(self) -> Iterator[tuple[str, int]]:
        """Name the tests that are used, with their place in the source."""
        for match in _TEST.finditer(self.text):
            yield match.group(1), self.start + match.start(1)


def tags(source: str) -> Iterator[Tag]:
    """Yield the tags outside of comments and raw blocks."""
    for match in _TAG.finditer(source):
        if match.lastgroup == "tag":
            blanked = _STRING.sub(lambda string: "'" * len(string.group()), match.group())
            yield Tag(blanked, match.start())


def longest_text(source: str) -> int:
    """Return the length of the longest literal text between two tags, at least 1."""
    longest, end = 1, 0
    for match in _TAG.finditer(source):
        literal = match.start() - end
        if match.lastgroup == "raw":
            literal = max(literal, match.end() - match.start())
        longest, end = max(longest, literal), match.end()
    return max(longest, len(source) - end)
