"""JSON text to nodes. kubectl reads a file that begins with `{` as JSON before it tries YAML.

Tabs between tokens, escaped surrogate pairs and several objects one after the other are fine in
JSON and not in YAML.
"""

import bisect
import json.decoder
import re
from dataclasses import dataclass, field
from typing import Any, Final

from dspex.manifests.compose import Budget, TooMuchError
from dspex.manifests.findings import Findings
from dspex.manifests.limits import MAX_DEPTH, MAX_VALUES
from dspex.manifests.nodes import Entry, Node
from dspex.manifests.scalars import MAX_INT, MIN_INT, ScalarError, as_json_number

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_MAX_DIGITS: Final = 400


class NotJsonError(Exception):
    """The text is no JSON; it may be YAML."""


@dataclass(slots=True)
class JsonComposer:
    """Composes the objects of a JSON stream.

    Attributes:
        findings: Where errors go.
        budget: The values that are left to the file.
        text: The whole file.
    """

    findings: Findings
    budget: Budget
    text: str
    _position: int = 0
    _starts: list[int] = field(default_factory=list)

    def compose(self) -> list[Node]:
        """Return the roots of the stream.

        Raises:
            NotJsonError: The text is no JSON.
        """
        self._starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        roots: list[Node] = []
        try:
            while self._skip() < len(self.text):
                roots.append(self._value(0))
        except TooMuchError:
            return []
        return roots

    def _skip(self) -> int:
        found = _SPACE.match(self.text, self._position)
        self._position = found.end() if found else self._position
        return self._position

    def _peek(self) -> str:
        self._skip()
        return self.text[self._position : self._position + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise NotJsonError
        self._position += 1

    def _value(self, depth: int) -> Node:
        first = self._peek()
        line, column = self._place(self._position)
        if not self.budget.spend(1):
            self._too_much("TooManyValues", f"the file holds more than {MAX_VALUES} values")
        if depth >= MAX_DEPTH and first in ("{", "["):
            self._too_much("TooDeep", f"nested deeper than {MAX_DEPTH} levels")
        if first == "{":
            return Node(line, column, fields=self._fields(depth))
        if first == "[":
            return Node(line, column, items=self._items(depth))
        if first == '"':
            start = self._position
            value = self._string()
            verbatim = self._position - start - 2 == len(value)
            return Node(line, column, value, verbatim=verbatim, indent=1)
        return Node(line, column, self._scalar())

    def _fields(self, depth: int) -> dict[str, Entry]:
        self._expect("{")
        fields: dict[str, Entry] = {}
        if self._peek() == "}":
            self._position += 1
            return fields
        while True:
            if self._peek() != '"':
                raise NotJsonError
            line, column = self._place(self._position)
            name = self._string()
            self._expect(":")
            node = self._value(depth + 1)
            if name in fields:
                self.findings.add(
                    "DuplicateKey",
                    f"the key {name!r} stands already in line {fields[name].line}",
                    line=line,
                    column=column,
                    remedy="keep one of them; kubectl would take the last one without a word",
                )
            else:
                fields[name] = Entry(line, column, node, name)
            if self._closes("}"):
                return fields

    def _items(self, depth: int) -> list[Node]:
        self._expect("[")
        items: list[Node] = []
        if self._peek() == "]":
            self._position += 1
            return items
        while True:
            items.append(self._value(depth + 1))
            if self._closes("]"):
                return items

    def _closes(self, bracket: str) -> bool:
        found = self._peek()
        if found not in (",", bracket):
            raise NotJsonError
        self._position += 1
        return found == bracket

    def _string(self) -> str:
        try:
            scan: Any = json.decoder.scanstring  # type: ignore[attr-defined]
            value, end = scan(self.text, self._position + 1, True)
        except json.JSONDecodeError as error:
            raise NotJsonError from error
        self._position = end
        # A lone surrogate is no character; Go replaces it.
        return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _scalar(self) -> Any:
        for word, value in _WORDS.items():
            if self.text.startswith(word, self._position):
                self._position += len(word)
                return value
        found = _NUMBER.match(self.text, self._position)
        if not found:
            raise NotJsonError
        line, column = self._place(self._position)
        self._position = found.end()
        try:
            return _number(found)
        except ScalarError as error:
            self.findings.add("BadScalar", str(error), line=line, column=column)
            return 0

    def _place(self, position: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, position)
        return line, position - self._starts[line - 1] + 1

    def _too_much(self, code: str, message: str) -> None:
        line, column = self._place(self._position)
        self.findings.add(code, message, line=line, column=column)
        raise TooMuchError


def _number(found: re.Match[str]) -> int | float:
    text = found[0]
    if found[1] is None and found[2] is None and len(text) <= _MAX_DIGITS:
        value = int(text)
        if MIN_INT <= value <= MAX_INT:
            return value
    return as_json_number(float(text))
