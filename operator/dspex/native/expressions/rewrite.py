"""Rewrites an expression to the CEL that runs, and finds out what it reads.

Every variable becomes a slot (`_v0`), so that expressions of the same types share one CEL
environment. `coalesce(a, b)` becomes `(present ? a : b)` and `present(x)` a hidden boolean
(`_p0`): plain CEL, whose compiler keeps the static types. `map` and `filter` become a slot too,
whose value `dspex.native.expressions.loop` makes: CEL's own take quadratic time and memory. The
way back to the source says where in the person's own text an error of CEL's stands.
"""

import bisect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from dspex.errors import Diagnostic, ExpressionError, nearest
from dspex.native import types
from dspex.native.expressions.celtypes import cel_type
from dspex.native.expressions.library import METHODS, NAMESPACED, SUM, Function
from dspex.native.expressions.scope import Scope
from dspex.native.expressions.syntax import (
    Call,
    Comprehension,
    Conditional,
    Constant,
    Logical,
    Method,
    Negation,
    Node,
    Path,
    Segment,
    children,
)

Names: TypeAlias = frozenset[str]
Span: TypeAlias = tuple[int, int]
_NOTHING: Names = frozenset()

TYPE_NAMES = frozenset(
    {"bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint"}
)
"""Names that CEL itself declares as values."""

NAMESPACES = {
    "math": frozenset(
        {
            "greatest", "least", "ceil", "floor", "round", "trunc", "abs", "sign", "sqrt", "isNaN",
            "isInf", "isFinite", "bitOr", "bitAnd", "bitXor", "bitNot", "bitShiftLeft",
            "bitShiftRight",
        }
    ),
    "base64": frozenset({"encode", "decode"}),
    "json": frozenset({"encode", "decode"}),
    "lists": frozenset({"range"}),
    "strings": frozenset({"quote"}),
}  # fmt: skip
"""What stands before functions of the extensions and of the library, and their names."""

REFUSED = {
    "format": "write the text around the expressions instead: 'a $(x) b'",
    "quote": "there is no way around it; a template's tojson quotes a text",
}
"""Methods of the extensions that could make texts of any size."""

MAX_LITERAL = 256
"""Characters of a string constant that its type keeps as a Literal."""


class Typed(Protocol):
    """What a hoisted loop has to tell: CEL's name for its type."""

    @property
    def type_name(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable of the rewritten expression.

    Attributes:
        name: The dotted name of a variable in scope, or the name of a loop's own variable.
        type_name: CEL's name for its type.
        local: Whether it is a loop's own variable.
        loop: The loop whose value it takes; None for a name.
    """

    name: str
    type_name: str
    local: bool = False
    loop: Typed | None = None


@dataclass(slots=True)
class Rewritten:
    """An expression that is ready for CEL.

    Attributes:
        source: What the person wrote.
        text: What CEL compiles.
        slots: What the slots stand for, by number.
        tested: Dotted names whose presence is asked, by their hidden boolean's number.
        reads: Every variable in scope that the expression names.
        unhandled: Names that may be absent and are read without a guard.
        type: The exact type where the syntax alone says it, else None.
        uses: How often the most used slot is read.
        library: Whether it calls functions of the library.
        sums: Where in `text` its calls of `sum` stand.
    """

    source: str
    text: str = ""
    slots: list[Slot] = field(default_factory=list)
    tested: dict[str, int] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    unhandled: Names = _NOTHING
    type: types.Type | None = None
    uses: int = 0
    library: bool = False
    sums: list[int] = field(default_factory=list)
    anchors: list[tuple[int, int, bool]] = field(default_factory=list)

    def position(self, offset: int) -> int:
        """Return where in `source` a character of `text` comes from."""
        index = bisect.bisect_right(self.anchors, offset, key=lambda anchor: anchor[0]) - 1
        if index < 0:
            return 0
        at, start, copied = self.anchors[index]
        return start + (offset - at if copied else 0)


Hoist: TypeAlias = Callable[[Comprehension], Typed]
"""Compiles a loop; the slot that stands for it gets its type."""


class Rewriter:
    """Rewrites parts of one source.

    Args:
        source: The whole expression as the person wrote it.
        scope: The names in scope.
        outer: CEL types of the loop variables around, which the loops bind as slots.
        hoist: Compiles a `map`, a `filter`, or a loop with one of them inside.
    """

    def __init__(self, source: str, scope: Scope, outer: Mapping[str, str], hoist: Hoist) -> None:
        self.source = source
        self.scope = scope
        self.outer = outer
        self.hoist = hoist
        self.result = Rewritten(source)
        self.errors: list[Diagnostic] = []
        self._out: list[str] = []
        self._length = 0
        self._muted = 0
        self._uses: dict[int, int] = {}
        # Where something else is written than the source: start -> (end, writer)
        self._edits: dict[int, tuple[int, Callable[[], None]]] = {}
        self._starts: list[int] = []

    def expression(self, node: Node, span: Span) -> Rewritten:
        """Rewrite one expression and return it.

        Raises:
            ExpressionError: With every unknown name and every misuse of `present` and `coalesce`.
        """
        self.result.unhandled = self.visit(node, _NOTHING, _NOTHING)
        self.raise_errors()
        self.result.type = exact_type(node, self.scope, frozenset(self.outer))
        self.emit(*span)
        return self.finished()

    def raise_errors(self) -> None:
        """Raise what has been found wrong so far."""
        if self.errors:
            raise ExpressionError(*self.errors)

    def finished(self) -> Rewritten:
        """Return the result with its text."""
        self.result.text = "".join(self._out)
        self.result.uses = max(self._uses.values(), default=0)
        return self.result

    # Reading: which names, which guarded. Every visit returns the names that are read unguarded.

    def visit(self, node: Node, present: Names, local: Names) -> Names:
        """Resolve the names of a node; return those that may be absent and are not guarded.

        Args:
            node: The node.
            present: Names that are known to be present where the node is reached.
            local: Variables of CEL's own loops around the node.
        """
        match node:
            case Path():
                return self._path(node, present, local)
            case Conditional():
                return self._conditional(node, present, local)
            case Logical():
                return self._logical(node, present, local)
            case Comprehension():
                return self._comprehension(node, present, local)
            case Method():
                return self._method(node, present, local)
            case Call(name="coalesce"):
                return self._coalesce(node, present, local)
            case Call() if self._asks_presence(node, local):
                return self._present(node, present, local)
            case _:
                return self._all(children(node), present, local)

    def _all(self, nodes: tuple[Node, ...], present: Names, local: Names) -> Names:
        return _NOTHING.union(*(self.visit(node, present, local) for node in nodes))

    def _conditional(self, node: Conditional, present: Names, local: Names) -> Names:
        if_true = present | self._proves(node.condition, local, truth=True)
        if_false = present | self._proves(node.condition, local, truth=False)
        return (
            self.visit(node.condition, present, local)
            | self.visit(node.then, if_true, local)
            | self.visit(node.otherwise, if_false, local)
        )

    def _logical(self, node: Logical, present: Names, local: Names) -> Names:
        unguarded = _NOTHING
        for operand in node.operands:
            unguarded |= self.visit(operand, present, local)
            present |= self._proves(operand, local, truth=node.operator == "&&")
        return unguarded

    def _method(self, node: Method, present: Names, local: Names) -> Names:
        name = node.name
        if name.text in REFUSED:
            self._wrong(
                "UnknownFunction", f"{name.text}() is not there", REFUSED[name.text],
                (name.start, name.end),
            )  # fmt: skip
        base = node.base
        if isinstance(base, Path) and self._is_namespace(base, local):
            self._namespaced(base, name)
            return self._all(node.arguments, present, local)
        if name.text in METHODS:
            self._call_library(METHODS[name.text], name.start, name.end)
        return self._all(children(node), present, local)

    def _namespaced(self, base: Path, name: Segment) -> None:
        namespace = base.segments[0].text
        dotted = f"{namespace}.{name.text}"
        if dotted in NAMESPACED:
            self._call_library(NAMESPACED[dotted], base.start, name.end)
        elif name.text not in NAMESPACES[namespace]:
            known = sorted(NAMESPACES[namespace])
            near = nearest(name.text, known)
            remedy = f"known: {', '.join(f'{namespace}.{each}' for each in known)}"
            self._wrong(
                "UnknownFunction", f"unknown function '{dotted}'",
                f"did you mean '{namespace}.{near}'?" if near else remedy, (base.start, name.end),
            )  # fmt: skip

    def _call_library(self, function: Function, start: int, end: int) -> None:
        def write() -> None:
            self.result.library = True
            if function is SUM:
                self.result.sums.append(self._length)
            self.copy(function.internal, start)

        self._edit(start, end, write)

    def _is_namespace(self, path: Path, local: Names) -> bool:
        return (
            len(path.segments) == 1
            and path.segments[0].text in NAMESPACES
            and self._variable(path, local) is None
            and not self._is_local(path, local)
        )

    def _comprehension(self, node: Comprehension, present: Names, local: Names) -> Names:
        if node.variable.text.startswith("_"):
            self._wrong(
                "WrongName", f"a loop's variable can't begin with '_': {node.variable.text}", None,
                (node.variable.start, node.variable.end),
            )  # fmt: skip
        hoisted = not self._muted and is_heavy(node)
        self._muted += hoisted
        inside = local | {node.variable.text}
        unguarded = self.visit(node.range, present, local)
        unguarded |= self._all(node.arguments, present, inside)
        self._muted -= hoisted
        if hoisted and not self.errors:
            loop = self.hoist(node)
            slot = self.slot(Slot(f"loop {node.start}", loop.type_name, loop=loop))
            self._edit(node.start, node.end, lambda: self.copy(slot, node.start))
        return unguarded

    def _is_local(self, path: Path, local: Names) -> bool:
        """Say whether a path begins with a loop's variable."""
        first = path.segments[0].text
        return first in local or first in self.outer

    def _variable(self, path: Path, local: Names) -> tuple[str, int] | None:
        """Find the variable in scope that a path begins with, and how many segments it has."""
        return None if self._is_local(path, local) else self.scope.resolve(path)

    def _path(self, path: Path, present: Names, local: Names) -> Names:
        first = path.segments[0]
        if first.text in local:
            return _NOTHING
        if first.text in self.outer:
            self._read(path, Slot(first.text, self.outer[first.text], local=True), 1)
            return _NOTHING
        found = self.scope.resolve(path)
        if found is None:
            if len(path.segments) > 1 or first.text not in TYPE_NAMES:
                self.errors.append(self.scope.unknown(path, self.source))
            return _NOTHING
        name, count = found
        self.result.reads.add(name)
        self._read(path, Slot(name, cel_type(self.scope.type(name))), count)
        if name in present or not self.scope.may_be_absent(name):
            return _NOTHING
        return frozenset((name,))

    def _read(self, path: Path, slot: Slot, count: int) -> None:
        if self._muted:
            return
        text = self.slot(slot)
        index = int(text[2:])
        self._uses[index] = self._uses.get(index, 0) + 1
        start, end = path.segments[0].start, path.segments[count - 1].end
        self._edit(start, end, lambda: self.copy(text, start))

    def slot(self, slot: Slot) -> str:
        """Return the slot's name in the text, the same for the same name."""
        slots = self.result.slots
        for index, known in enumerate(slots):
            if known.name == slot.name and known.local == slot.local:
                return f"_v{index}"
        slots.append(slot)
        return f"_v{len(slots) - 1}"

    # present() and coalesce()

    def _asks_presence(self, call: Call, local: Names) -> bool:
        """Say whether a call is `present(…)`, or `has(…)` of a variable itself."""
        if call.name == "present":
            return True
        if call.name != "has" or len(call.arguments) != 1:
            return False
        path = call.arguments[0]
        if not isinstance(path, Path):
            return False
        found = self._variable(path, local)
        return found is not None and found[1] == len(path.segments)

    def _present(self, call: Call, present: Names, local: Names) -> Names:
        path = call.arguments[0] if len(call.arguments) == 1 else None
        if not isinstance(path, Path):
            self._wrong(
                "WrongArguments", f"{call.name}() takes one name",
                f"write it as {call.name}(steps.a.outputs.x)", (call.start, call.end),
            )  # fmt: skip
            return _NOTHING
        # The name is asked for, not read: only an error of it counts.
        self.visit(path, present, local)
        self._test_variable(path, local)
        span = call.spans[0]
        self._edit(call.start, call.end, lambda: self._write_presence(path, span, local))
        return _NOTHING

    def _coalesce(self, call: Call, present: Names, local: Names) -> Names:
        if len(call.arguments) < 2:
            self._wrong(
                "WrongArguments", "coalesce() takes two values or more",
                "write it as coalesce(steps.a.outputs.x, 'otherwise')", (call.start, call.end),
            )  # fmt: skip
            return _NOTHING
        guards = [self.visit(argument, present, local) for argument in call.arguments]
        for argument, guard in zip(call.arguments[:-1], guards, strict=False):
            if isinstance(argument, Path):
                self._test_variable(argument, local)
            for name in sorted(guard):
                self._test(name)
        self._edit(call.start, call.end, lambda: self._write_coalesce(call, guards, local))
        return guards[-1]

    def _test_variable(self, path: Path, local: Names) -> None:
        found = self._variable(path, local)
        if found is not None:
            self._test(found[0])

    def _test(self, name: str) -> None:
        """Ask for a hidden boolean: is there a value of this name?"""
        can_lack = self.scope.may_be_absent(name) or self.scope.nullable(name)
        if can_lack and not self._muted:
            self.result.tested.setdefault(name, len(self.result.tested))

    def _proves(self, node: Node, local: Names, *, truth: bool) -> Names:
        """Return the names that are present where an expression is true (or false)."""
        match node:
            case Negation(_, _, operand):
                return self._proves(operand, local, truth=not truth)
            case Logical(_, _, operator, operands) if truth == (operator == "&&"):
                return _NOTHING.union(
                    *(self._proves(operand, local, truth=truth) for operand in operands)
                )
            case Call(arguments=(Path() as path,)) if truth and self._asks_presence(node, local):
                found = self._variable(path, local)
                return _NOTHING if found is None else frozenset((found[0],))
            case _:
                return _NOTHING

    def _wrong(self, code: str, message: str, remedy: str | None, span: Span) -> None:
        self.errors.append(
            Diagnostic(
                code=code,
                message=message,
                remedy=remedy,
                source=self.source,
                start=span[0],
                end=span[1],
            )
        )

    # Writing

    def _edit(self, start: int, end: int, writer: Callable[[], None]) -> None:
        if self._muted:
            return
        if start not in self._edits:
            bisect.insort(self._starts, start)
        self._edits[start] = (end, writer)

    def emit(self, start: int, end: int) -> None:
        """Write a span of the source, with its edits."""
        position = start
        index = bisect.bisect_left(self._starts, start)
        while index < len(self._starts) and self._starts[index] < end:
            at = self._starts[index]
            if at >= position:
                self._copy_source(position, at)
                position, writer = self._edits[at]
                writer()
            index += 1
        self._copy_source(position, end)

    def copy(self, text: str, origin: int) -> None:
        """Write a text of our own, for a place of the source."""
        self._write(text, origin, copied=False)

    def _copy_source(self, start: int, end: int) -> None:
        self._write(self.source[start:end], start, copied=True)

    def _write(self, text: str, origin: int, *, copied: bool) -> None:
        if text:
            self.result.anchors.append((self._length, origin, copied))
            self._out.append(text)
            self._length += len(text)

    def _write_presence(self, path: Path, span: Span, local: Names) -> None:
        """Write a boolean: is there a value at the end of this path?"""
        found = self._variable(path, local)
        terms = []
        if found is not None and found[0] in self.result.tested:
            terms.append(f"_p{self.result.tested[found[0]]}")
        is_field = len(path.segments) > (found[1] if found is not None else 1)
        text = self._slotted(path, found)
        if is_field:
            terms.append(f"has({text})")
        if is_field or found is None:
            terms.append(f"dyn({text}) != null")
        self.copy(f"({' && '.join(terms)})" if terms else "true", span[0])

    def _slotted(self, path: Path, found: tuple[str, int] | None) -> str:
        names = [segment.text for segment in path.segments]
        if found is not None:
            slot = Slot(found[0], cel_type(self.scope.type(found[0])))
            return ".".join([self.slot(slot), *names[found[1] :]])
        if names[0] in self.outer:
            slot = Slot(names[0], self.outer[names[0]], local=True)
            return ".".join([self.slot(slot), *names[1:]])
        return ".".join(names)

    def _write_coalesce(self, call: Call, guards: list[Names], local: Names) -> None:
        self.copy("(", call.start)
        last = len(call.arguments) - 1
        for index, (argument, span) in enumerate(zip(call.arguments, call.spans, strict=True)):
            if index < last:
                self._write_condition(argument, guards[index], span, local)
                self.copy(" ? ", call.start)
            self.copy("(", span[0])
            self.emit(*span)
            self.copy(")", span[1] - 1)
            if index < last:
                self.copy(" : ", call.start)
        self.copy(")", call.end - 1)

    def _write_condition(self, argument: Node, guard: Names, span: Span, local: Names) -> None:
        if isinstance(argument, Path):
            self._write_presence(argument, span, local)
            return
        terms = [f"_p{self.result.tested[name]}" for name in sorted(guard)]
        self.copy(f"({' && '.join(terms)})" if terms else "true", span[0])


def is_heavy(node: Comprehension) -> bool:
    """Say whether a loop is a `map` or a `filter`, or has one inside."""
    return node.macro in ("map", "filter") or any(map(has_heavy, node.arguments))


def has_heavy(node: Node) -> bool:
    """Say whether a `map` or a `filter` stands anywhere in a node."""
    if isinstance(node, Comprehension) and node.macro in ("map", "filter"):
        return True
    return any(map(has_heavy, children(node)))


def exact_type(node: Node, scope: Scope, local: Names) -> types.Type | None:
    """Return the type that the syntax alone tells, more exact than CEL's; None where it doesn't.

    `coalesce(steps.a.outputs.topic, 'other')` is a Literal if the topic is one, a string for CEL.
    """
    match node:
        case Constant(_, _, "str", str(text)) if len(text) <= MAX_LITERAL:
            return types.LiteralOf((text,))
        case Constant(_, _, "int"):
            return types.INT
        case Constant(_, _, "float"):
            return types.FLOAT
        case Constant(_, _, "bool"):
            return types.BOOL
        case Constant(_, _, "str"):
            return types.STR
        case Path(segments=segments) if segments[0].text not in local:
            found = scope.resolve(node)
            is_variable = found is not None and found[1] == len(segments)
            return scope.type(found[0]) if found is not None and is_variable else None
        case Conditional(_, _, _, then, otherwise):
            return _joined([exact_type(part, scope, local) for part in (then, otherwise)])
        case Call(name="coalesce", arguments=arguments):
            return _joined([exact_type(argument, scope, local) for argument in arguments])
        case _:
            return None


def _joined(options: list[types.Type | None]) -> types.Type | None:
    known = [option for option in options if option is not None]
    if len(known) != len(options):
        return None
    literals = [option for option in known if isinstance(option, types.LiteralOf)]
    if len(literals) == len(known):
        # 1 == True, but they are different constants: compare them with their types.
        unique = {(type(value), value): value for one in literals for value in one.values}
        return types.LiteralOf(tuple(unique.values()))
    if types.STR in known:
        known = [option for option in known if not isinstance(option, types.LiteralOf)]
    return types.union(*known)
