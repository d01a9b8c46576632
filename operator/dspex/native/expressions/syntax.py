"""CEL's syntax, as far as DSPex needs to know it: names, macros, branches and their places.

CEL itself compiles and runs expressions. This parser is there for what CEL's compiler can't tell
us: which names are read, which of them are guarded by `present`, and where they stand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dspex.errors import Diagnostic, ExpressionError
from dspex.native.expressions.tokens import CONSTANTS, RESERVED, Kind, Token, tokens

MAX_DEPTH = 32
"""Nested brackets and branches of one expression; CEL's own bound."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; `value` is None for null and for what is no JSON value (bytes, an odd escape)."""

    start: int
    end: int
    kind: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One name of a path."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Path:
    """A name and the fields selected from it: `steps.a.outputs.x`."""

    start: int
    end: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a global function."""

    start: int
    end: int
    name: str
    arguments: tuple["Node", ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Method:
    """`base.name(arguments)`, where it is no macro."""

    start: int
    end: int
    base: "Node"
    name: Segment
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """`range.macro(variable, argument…)`."""

    start: int
    end: int
    range: "Node"
    range_span: tuple[int, int]
    macro: str
    variable: Segment
    arguments: tuple["Node", ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? then : otherwise`."""

    start: int
    end: int
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Logical:
    """Operands joined by `&&` or `||`."""

    start: int
    end: int
    operator: str
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`!operand`."""

    start: int
    end: int
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else that only has parts: operators, lists, maps, indexes."""

    start: int
    end: int
    parts: tuple["Node", ...]


Node: TypeAlias = (
    Constant | Path | Call | Method | Comprehension | Conditional | Logical | Negation | Other
)

MACROS = {"all": 2, "exists": 2, "exists_one": 2, "filter": 2, "map": 2}
"""Macros over a list, by how many arguments they have at least; `map` may have one more."""

_RELATIONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_SUMS = frozenset({"+", "-"})
_PRODUCTS = frozenset({"*", "/", "%"})


def parse(source: str) -> Node:
    """Parse a CEL expression.

    Raises:
        ExpressionError: The syntax is wrong; the diagnostic's offsets count in `source`.
    """
    return _Parser(source).parse()


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a node in the order of the text; of a macro not its variable."""
    match node:
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case Logical():
            return node.operands
        case Negation():
            return (node.operand,)
        case Comprehension():
            return (node.range, *node.arguments)
        case Call():
            return node.arguments
        case Method():
            return (node.base, *node.arguments)
        case Other():
            return node.parts
        case _:
            return ()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens: Sequence[Token] = list(tokens(source))
        self.index = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self.expression()
        if self.index < len(self.tokens):
            raise self.unexpected("an operator or the end of the expression")
        return node

    # The tokens

    def at(self, *texts: str) -> bool:
        """Say whether the next token is one of some operators (`in` counts as one)."""
        if self.index >= len(self.tokens):
            return False
        token = self.tokens[self.index]
        return token.text in texts and (token.kind is Kind.OPERATOR or token.text == "in")

    def take(self) -> Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def need(self, text: str) -> Token:
        if not self.at(text):
            raise self.unexpected(f"'{text}'")
        return self.take()

    def need_name(self, expected: str) -> Token:
        if self.index >= len(self.tokens) or self.tokens[self.index].kind is not Kind.NAME:
            raise self.unexpected(expected)
        return self.take()

    @property
    def last_end(self) -> int:
        return self.tokens[self.index - 1].end

    @property
    def next_start(self) -> int:
        if self.index < len(self.tokens):
            return self.tokens[self.index].start
        return len(self.source)

    def bound(self, depth: int) -> None:
        if depth <= MAX_DEPTH:
            return
        start = self.next_start
        raise ExpressionError(
            Diagnostic(
                code="ExpressionTooDeep",
                message=f"the expression is nested more than {MAX_DEPTH} deep",
                remedy="split it over several steps",
                source=self.source,
                start=start,
                end=start + 1,
            )
        )

    def unexpected(self, expected: str) -> ExpressionError:
        if self.index >= len(self.tokens):
            end = self.last_end if self.index else 0
            return _error(self.source, "the expression ends too early", end, end, expected, "")
        token = self.tokens[self.index]
        if token.kind is Kind.WRONG and token.text in "'\"":
            message = f"a string that begins with {token.text} is not closed"
        elif token.text == "=":
            message, expected = "'=' is no operator of CEL", "'=='"
        elif token.text in ("&", "|"):
            message, expected = f"'{token.text}' is no operator of CEL", f"'{token.text * 2}'"
        else:
            message = f"unexpected {token.text!r}"
        return _error(self.source, message, token.start, token.end, expected, repr(token.text))

    # The grammar, loosest binding first

    def expression(self) -> Node:
        self.depth += 1
        self.bound(self.depth)
        start = self.next_start
        node = self.disjunction()
        if self.at("?"):
            self.take()
            then = self.disjunction()
            self.need(":")
            otherwise = self.expression()
            node = Conditional(start, self.last_end, node, then, otherwise)
        self.depth -= 1
        return node

    def disjunction(self) -> Node:
        start = self.next_start
        operands = [self.conjunction()]
        while self.at("||"):
            self.take()
            operands.append(self.conjunction())
        if len(operands) == 1:
            return operands[0]
        return Logical(start, self.last_end, "||", tuple(operands))

    def conjunction(self) -> Node:
        start = self.next_start
        operands = [self.relation()]
        while self.at("&&"):
            self.take()
            operands.append(self.relation())
        if len(operands) == 1:
            return operands[0]
        return Logical(start, self.last_end, "&&", tuple(operands))

    def relation(self) -> Node:
        # Relations, sums and products are one flat list: what binds tighter changes neither the
        # names that are read nor the guards, and a flat list can't overflow the stack.
        start = self.next_start
        parts = [self.unary()]
        while self.at(*_RELATIONS, *_SUMS, *_PRODUCTS):
            self.take()
            parts.append(self.unary())
        return parts[0] if len(parts) == 1 else Other(start, self.last_end, tuple(parts))

    def unary(self) -> Node:
        start = self.next_start
        if self.at("-"):
            while self.at("-"):
                self.take()
            operand = self.member()
            return Other(start, self.last_end, (operand,))
        count = 0
        while self.at("!"):
            self.take()
            count += 1
        node = self.member()
        # Two negations cancel out, as for the names that they guard.
        return Negation(start, self.last_end, node) if count % 2 else node

    def member(self) -> Node:
        start = self.next_start
        node = self.primary()
        length = 0
        while self.at(".", "["):
            length += not isinstance(node, Path)
            self.bound(length)
            if self.take().text == "[":
                index = self.expression()
                self.need("]")
                node = Other(start, self.last_end, (node, index))
                continue
            node = self.selection(node, start)
        return node

    def selection(self, base: Node, start: int) -> Node:
        """Parse what follows a dot: a field, a method, or a macro."""
        base_end = self.tokens[self.index - 2].end
        if self.index < len(self.tokens) and self.tokens[self.index].kind is Kind.QUOTED_NAME:
            self.take()
            return Other(start, self.last_end, (base,))
        name = self.need_name("a field name")
        if name.text in CONSTANTS or name.text == "in":
            self.index -= 1
            raise self.unexpected("a field name")
        if not self.at("("):
            return _select(base, name, start)
        self.take()
        arguments, spans = self.arguments(")")
        if name.text in MACROS and len(arguments) in _arity(name.text):
            variable = _variable(arguments[0], self.source)
            return Comprehension(
                start,
                self.last_end,
                base,
                (start, base_end),
                name.text,
                variable,
                arguments[1:],
                spans[1:],
            )
        segment = Segment(name.text, name.start, name.end)
        return Method(start, self.last_end, base, segment, arguments)

    def arguments(self, closing: str) -> tuple[tuple[Node, ...], tuple[tuple[int, int], ...]]:
        nodes: list[Node] = []
        spans: list[tuple[int, int]] = []
        while not self.at(closing):
            if nodes:
                self.need(",")
            start = self.next_start
            nodes.append(self.expression())
            spans.append((start, self.last_end))
        self.need(closing)
        return tuple(nodes), tuple(spans)

    def primary(self) -> Node:
        if self.index >= len(self.tokens):
            raise self.unexpected("a value")
        start = self.next_start
        token = self.tokens[self.index]
        if token.text == "-" and self.number_follows():  # its own sign, as in `!-1`
            self.index += 2
            return Constant(start, self.last_end, "null", None)
        if token.kind in (Kind.STRING, Kind.NUMBER) or token.text in CONSTANTS:
            return _constant(self.take())
        if self.at("("):
            self.take()
            node = self.expression()
            self.need(")")
            return node
        if self.at("["):
            self.take()
            return Other(start, *self.items())
        if self.at("{"):
            self.take()
            return Other(start, *self.entries(self.expression))
        return self.name(start)

    def number_follows(self) -> bool:
        following = self.tokens[self.index + 1 : self.index + 2]
        is_number = bool(following) and following[0].kind is Kind.NUMBER
        return is_number and following[0].text[-1] not in "uU"

    def items(self) -> tuple[int, tuple[Node, ...]]:
        """Parse the rest of a list, which may have a comma at its end."""
        nodes: list[Node] = []
        while not self.at("]"):
            if self.at(",") and not nodes:
                self.take()  # `[,]` is CEL's odd way to write an empty list
                break
            nodes.append(self.expression())
            if not self.at("]"):
                self.need(",")
        self.need("]")
        return self.last_end, tuple(nodes)

    def entries(self, key: Callable[[], Node]) -> tuple[int, tuple[Node, ...]]:
        """Parse the rest of a map, or of a message's fields."""
        nodes: list[Node] = []
        first = True
        while not self.at("}"):
            if self.at(",") and first:
                self.take()
                break
            nodes.append(key())
            self.need(":")
            nodes.append(self.expression())
            first = False
            if not self.at("}"):
                self.need(",")
        self.need("}")
        return self.last_end, tuple(nodes)

    def field_name(self) -> Node:
        token = self.need_name("a field name")
        return Constant(token.start, token.end, "null", None)

    def name(self, start: int) -> Node:
        if self.at("."):
            self.take()
        token = self.need_name("a value")
        if token.text in RESERVED or token.text == "in":
            self.index -= 1
            raise self.unexpected("a value; this word is CEL's own")
        if self.at("("):
            self.take()
            arguments, spans = self.arguments(")")
            return Call(start, self.last_end, token.text, arguments, spans)
        path = Path(start, token.end, (Segment(token.text, token.start, token.end),))
        return self.message(path) or path

    def message(self, path: Path) -> Node | None:
        """Parse `a.b.C{field: value}`; None where no such literal follows."""
        ahead = self.index
        while (
            ahead + 1 < len(self.tokens)
            and self.tokens[ahead].text == "."
            and self.tokens[ahead + 1].kind is Kind.NAME
        ):
            ahead += 2
        if ahead >= len(self.tokens) or self.tokens[ahead].text != "{":
            return None
        self.index = ahead + 1
        return Other(path.start, *self.entries(self.field_name))


def _arity(macro: str) -> tuple[int, ...]:
    return (2, 3) if macro == "map" else (MACROS[macro],)


def _select(base: Node, name: Token, start: int) -> Node:
    segment = Segment(name.text, name.start, name.end)
    if isinstance(base, Path):
        return Path(base.start, name.end, (*base.segments, segment))
    return Other(start, name.end, (base,))


def _variable(node: Node, source: str) -> Segment:
    if isinstance(node, Path) and len(node.segments) == 1:
        return node.segments[0]
    raise _error(
        source, "a macro's first argument is not a name", node.start, node.end, "a name", ""
    )


def _constant(token: Token) -> Constant:
    value: str | int | float | bool | None = None
    kind = "null"
    if token.text in ("true", "false"):
        kind, value = "bool", token.text == "true"
    elif token.kind is Kind.STRING:
        kind, value = _string(token.text)
    elif token.kind is Kind.NUMBER:
        kind, value = _number(token.text)
    return Constant(token.start, token.end, kind, value)


def _number(text: str) -> tuple[str, int | float | None]:
    if text[-1] in "uU":
        return "uint", None
    if text.startswith("0x"):
        return "int", int(text, 16)
    if text.isdigit():
        return "int", int(text)
    return "float", float(text)


def _string(text: str) -> tuple[str, str | None]:
    if text[0] in "bB":
        return "bytes", None
    raw = text[0] in "rR"
    body = text[1:] if raw else text
    quotes = 3 if body[:3] in ("'''", '"""') and len(body) >= 6 else 1
    inner = body[quotes:-quotes]
    if raw or "\\" not in inner:
        return "str", inner
    # Escapes are left to CEL: the value is not needed to compile.
    return "str", None


def _error(
    source: str, message: str, start: int, end: int, expected: str, found: str
) -> ExpressionError:
    return ExpressionError(
        Diagnostic(
            code="SyntaxError",
            message=message,
            expected=expected or None,
            found=found or None,
            source=source,
            start=start,
            end=max(end, start + 1),
        )
    )
