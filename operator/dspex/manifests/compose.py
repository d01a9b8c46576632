"""YAML text to nodes, from the parser's events.

libyaml's parser is the one that kubectl's library was ported from. Events, and not PyYAML's own
composer, because that one recurses, knows neither kubectl's scalars nor duplicate keys, and expands
aliases without a bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from dspex.manifests.findings import Findings
from dspex.manifests.limits import MAX_ALIASED, MAX_DEPTH, MAX_VALUES
from dspex.manifests.nodes import Entry, Node
from dspex.manifests.scalars import MERGE_TAG, ScalarError, resolve_key, resolve_value

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser; PyYAML's own where libyaml is missing."""

_BEFORE: Final = "put << first; kubectl lets a merge win over keys before it"


class TooMuchError(Exception):
    """The document is too deep or too large; the rest of it is not read."""


@dataclass(slots=True)
class Budget:
    """Counts the values of a file."""

    left: int = MAX_VALUES

    @property
    def is_spent(self) -> bool:
        """Whether more was asked for than there was."""
        return self.left < 0

    def spend(self, count: int) -> bool:
        """Take some values; False if there are not so many left."""
        self.left -= count
        return self.left >= 0


@dataclass(slots=True)
class _Frame:
    """A list or an object that is being read."""

    node: Node
    anchor: str | None
    key: "_Key | None" = None
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Key:
    name: str
    text: str
    line: int
    column: int
    merge: bool


@dataclass(slots=True)
class _Anchored:
    node: Node
    size: int
    height: int
    scalar: yaml.ScalarEvent | None = None


@dataclass(slots=True)
class Composer:
    """Composes one document.

    Attributes:
        findings: Where errors go.
        budget: The values that are left to the file.
        first_line: Lines of the file before the document.
    """

    findings: Findings
    budget: Budget
    first_line: int = 0
    _stack: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    _aliased: int = 0
    _root: Node | None = None

    def compose(self, text: str) -> Node | None:
        """Return the document's root, None if it is empty or can't be read.

        Errors that leave the rest readable (a duplicate key, a bad scalar) are noted, and the root
        is returned all the same.
        """
        try:
            for event in _events(text):
                self._take(event)
        except TooMuchError:
            return None
        except yaml.MarkedYAMLError as error:
            self._syntax(error, text)
            return None
        except yaml.reader.ReaderError as error:
            self._unreadable(error, text)
            return None
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._open(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()
        elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            self._error(
                "SecondDocument",
                "a second document without --- before it; kubectl would not read it",
                event,
                remedy="begin it with a line ---",
            )
            raise TooMuchError

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._spend(1, event)
        if self._awaits_key():
            self._key(event, event)
            if event.anchor is not None:
                node = self._scalar_node(event)
                self._anchors[event.anchor] = _Anchored(node, 1, 0, event)
            return
        node = self._scalar_node(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 0, event)
        self._put(node, 1, 0)

    def _scalar_node(self, event: yaml.ScalarEvent) -> Node:
        line, column = self._place(event)
        tag, plain = _tag(event)
        try:
            # Long texts would only drive others out of the cache.
            resolve = resolve_value if len(event.value) <= 64 else resolve_value.__wrapped__
            value = resolve(event.value, tag, plain)
        except ScalarError as error:
            self._error("BadScalar", str(error), event, remedy="quote it to make it a string")
            value = event.value
        verbatim, indent = _layout(event)
        return Node(line, column, value, verbatim=verbatim, indent=indent)

    def _key(self, event: yaml.ScalarEvent, at: yaml.Event) -> None:
        """Take a scalar for the key of what comes next; `at` is where it stands, or its alias."""
        tag, plain = _tag(event)
        is_merge = event is at and event.value == "<<" and (plain or tag == MERGE_TAG)
        name = "<<" if is_merge else self._key_name(event, tag, plain)
        line, column = self._place(at)
        self._stack[-1].key = _Key(name, event.value, line, column, is_merge)

    def _key_name(self, event: yaml.ScalarEvent, tag: str | None, plain: bool) -> str:
        try:
            return resolve_key(event.value, tag, plain)
        except ScalarError as error:
            self._error("BadKey", str(error), event, remedy="quote the key")
            return str(event.value)

    def _alias(self, event: yaml.AliasEvent) -> None:
        anchor = str(event.anchor)
        found = self._anchors.get(anchor)
        if found is None:
            known = anchor in self._anchors
            what = "contains itself" if known else "is not defined before this place"
            self._error("BadAlias", f"the anchor {anchor!r} {what}", event)
            raise TooMuchError
        self._aliased += found.size
        if self._aliased > MAX_ALIASED:
            self._error(
                "TooManyAliases",
                f"aliases repeat more than {MAX_ALIASED} values",
                event,
                remedy="write the values out, or use fewer aliases",
            )
            raise TooMuchError
        self._spend(found.size, event)
        self._check_depth(len(self._stack) + found.height, event)
        if not self._awaits_key():
            self._put(found.node, found.size, found.height)
        elif found.scalar is not None:
            self._key(found.scalar, event)
        else:
            self._error("BadKey", f"{found.node.kind()} can't be a key", event)
            raise TooMuchError

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._spend(1, event)
        self._check_depth(len(self._stack) + 1, event)
        if self._awaits_key():
            self._error("BadKey", "a list or an object can't be a key", event)
            raise TooMuchError
        line, column = self._place(event)
        if isinstance(event, yaml.MappingStartEvent):
            node = Node(line, column, fields={})
        else:
            node = Node(line, column, items=[])
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Frame(node, event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(frame.node, frame.size, frame.height)
        self._put(frame.node, frame.size, frame.height)

    def _put(self, node: Node, size: int, height: int) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if frame.node.items is not None:
            frame.node.items.append(node)
            return
        key, frame.key = frame.key, None
        fields = frame.node.fields
        if key is None or fields is None:
            raise AssertionError("a value without its key")
        if key.merge:
            self._merge(fields, node, key)
        else:
            self._set(fields, key, node)

    def _set(self, fields: dict[str, Entry], key: _Key, node: Node) -> None:
        before = fields.get(key.name)
        if before is not None and not before.merged:
            self.findings.add(
                "DuplicateKey",
                f"the key {key.text!r} stands already in line {before.line}",
                line=key.line,
                column=key.column,
                actual=_same_key(key, before),
                remedy="keep one of them; kubectl would take the last one without a word",
            )
            return
        fields[key.name] = Entry(key.line, key.column, node, key.text)

    def _merge(self, fields: dict[str, Entry], node: Node, key: _Key) -> None:
        sources = node.items if node.items is not None else [node]
        if any(source.fields is None for source in sources):
            self.findings.add(
                "BadMerge",
                "a merge key << takes an object or a list of objects",
                line=key.line,
                column=key.column,
                actual=node.kind(),
            )
            return
        # Of several sources the first wins.
        for source in reversed(sources):
            for name, entry in (source.fields or {}).items():
                if name in fields and not fields[name].merged:
                    self.findings.add(
                        "AmbiguousMerge",
                        f"the merge would replace the key {name!r} of line {fields[name].line}",
                        line=key.line,
                        column=key.column,
                        remedy=_BEFORE,
                    )
                    continue
                fields[name] = Entry(entry.line, entry.column, entry.node, entry.text, merged=True)

    def _awaits_key(self) -> bool:
        if not self._stack:
            return False
        frame = self._stack[-1]
        return frame.node.fields is not None and frame.key is None

    def _spend(self, count: int, event: yaml.Event) -> None:
        if not self.budget.spend(count):
            self._error("TooManyValues", f"the file holds more than {MAX_VALUES} values", event)
            raise TooMuchError

    def _check_depth(self, depth: int, event: yaml.Event) -> None:
        if depth > MAX_DEPTH:
            self._error("TooDeep", f"nested deeper than {MAX_DEPTH} levels", event)
            raise TooMuchError

    def _place(self, event: yaml.Event) -> tuple[int, int]:
        mark: Any = event.start_mark
        return self.first_line + mark.line + 1, mark.column + 1

    def _error(
        self, code: str, message: str, event: yaml.Event, *, remedy: str | None = None
    ) -> None:
        line, column = self._place(event)
        self.findings.add(code, message, line=line, column=column, remedy=remedy)

    def _syntax(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        what = error.problem or "can't be read"
        context = f"{error.context} " if error.context else ""
        self.findings.add(
            "BadYaml",
            f"this is no YAML: {context}{what}",
            line=self.first_line + line + 1,
            column=column + 1,
            remedy=_syntax_remedy(text, line),
        )

    def _unreadable(self, error: yaml.reader.ReaderError, text: str) -> None:
        before = text[: error.position]
        self.findings.add(
            "BadCharacter",
            "a character that YAML does not allow",
            line=self.first_line + before.count("\n") + 1,
            column=len(before) - (before.rfind("\n") + 1) + 1,
            actual=_character(error.character),
            remedy='remove it, or write it as an escape in a "quoted" string',
        )


def _events(text: str) -> Iterator[yaml.Event]:
    loader = LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _tag(event: yaml.ScalarEvent) -> tuple[str | None, bool]:
    """Return a scalar's tag, and whether its content decides about its type."""
    tag = None if event.tag == "!" else event.tag
    return tag, event.tag is None and bool(event.implicit[0])


def _layout(event: yaml.ScalarEvent) -> tuple[bool, int]:
    """Say whether a scalar stands as it is on one line, and how far its text is from its mark."""
    start: Any = event.start_mark
    end: Any = event.end_mark
    indent = 1 if event.style in ("'", '"') else 0
    length = end.column - start.column - 2 * indent
    verbatim = start.line == end.line and length == len(event.value) and event.tag is None
    return verbatim, indent


def _same_key(key: _Key, before: Entry) -> str | None:
    if key.text == before.text:
        return None
    return f"{before.text!r} and {key.text!r}, which kubectl both reads as {key.name!r}"


def _syntax_remedy(text: str, line: int) -> str | None:
    lines = text.splitlines()
    near = lines[max(0, line - 1) : line + 1]
    if any("$(" in each for each in near):
        return "quote the expression, or write it in a block behind >-"
    if any("\t" in each for each in near):
        return "indent with spaces, never with tabs"
    return None


def _character(character: object) -> str:
    code = character if isinstance(character, int) else ord(str(character)[:1] or "\0")
    return f"U+{code:04X}"
