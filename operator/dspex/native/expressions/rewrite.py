"""Rewrites an expression to the CEL that runs, and finds out what it reads.

Every variable becomes a slot (`_v0`), so that expressions of the same types share one CEL
environment. `coalesce(a, b)` becomes `(present ? a : b)` and `present(x)` a hidden boolean
(`_p0`): plain CEL, whose compiler keeps the static types. The map back to the source says where in
the person's own text an error of CEL's stands.
"""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from dspex.errors import Diagnostic, ExpressionError
from dspex.native import types
from dspex.native.expressions.scope import Scope
from dspex.native.expressions.syntax import (
    Call,
    Comprehension,
    Conditional,
    Constant,
    Logical,
    Negation,
    Node,
    Path,
    children,
)

Names: TypeAlias = frozenset[str]
_NOTHING: Names = frozenset()

TYPE_NAMES = frozenset(
    {"bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint"}
)
"""Names that CEL itself declares as values."""

MAX_LITERAL = 256
"""Characters of a string constant that its type keeps as a Literal."""


@dataclass(slots=True)
class Rewritten:
    """An expression that is ready for CEL.

    Attributes:
        source: What the person wrote.
        text: What CEL compiles.
        slots: Dotted names by their slot's number.
        tested: Dotted names whose presence is asked, by their hidden boolean's number.
        unhandled: Names that may be absent and are read without a guard.
        type: The exact type where the syntax alone says it, else None.
    """

    source: str
    text: str = ""
    slots: dict[str, int] = field(default_factory=dict)
    tested: dict[str, int] = field(default_factory=dict)
    unhandled: Names = _NOTHING
    type: types.Type | None = None
    _anchors: list[tuple[int, int, bool]] = field(default_factory=list)

    @property
    def reads(self) -> Names:
        """Every variable that the expression names."""
        return frozenset((*self.slots, *self.tested))

    def position(self, offset: int) -> int:
        """Return where in `source` a character of `text` comes from."""
        index = bisect.bisect_right(self._anchors, offset, key=lambda anchor: anchor[0]) - 1
        if index < 0:
            return 0
        at, start, copied = self._anchors[index]
        return start + (offset - at if copied else 0)


def rewrite(source: str, node: Node, scope: Scope) -> Rewritten:
    """Resolve an expression's names in a scope, and rewrite it.

    Raises:
        ExpressionError: With every name that is unknown and every misuse of `present` and
            `coalesce`.
    """
    rewriter = _Rewriter(source, scope)
    unhandled = rewriter.visit(node, _NOTHING, _NOTHING)
    if rewriter.errors:
        raise ExpressionError(*rewriter.errors)
    result = rewriter.result
    result.unhandled = unhandled
    result.type = exact_type(node, scope)
    rewriter.emit(0, len(source))
    result.text = "".join(rewriter.out)
    return result


class _Rewriter:
    def __init__(self, source: str, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.result = Rewritten(source)
        self.errors: list[Diagnostic] = []
        self.out: list[str] = []
        self.length = 0
        # Where something else is written than the source: start -> (end, writer)
        self.edits: dict[int, tuple[int, Callable[[], None]]] = {}
        self.starts: list[int] = []

    # Reading: which names, which guarded. Every visit returns the names that are read unguarded.

    def visit(self, node: Node, present: Names, local: Names) -> Names:
        match node:
            case Path():
                return self.path(node, present, local)
            case Conditional():
                return self.conditional(node, present, local)
            case Logical():
                return self.logical(node, present, local)
            case Comprehension():
                return self.comprehension(node, present, local)
            case Call(name="coalesce"):
                return self.coalesce(node, present, local)
            case Call() if self.asks_presence(node, local):
                return self.present(node, present, local)
            case _:
                return _NOTHING.union(
                    *(self.visit(part, present, local) for part in children(node))
                )

    def conditional(self, node: Conditional, present: Names, local: Names) -> Names:
        if_true = present | self.proves(node.condition, local, truth=True)
        if_false = present | self.proves(node.condition, local, truth=False)
        return (
            self.visit(node.condition, present, local)
            | self.visit(node.then, if_true, local)
            | self.visit(node.otherwise, if_false, local)
        )

    def logical(self, node: Logical, present: Names, local: Names) -> Names:
        unguarded = _NOTHING
        for operand in node.operands:
            unguarded |= self.visit(operand, present, local)
            present |= self.proves(operand, local, truth=node.operator == "&&")
        return unguarded

    def comprehension(self, node: Comprehension, present: Names, local: Names) -> Names:
        unguarded = self.visit(node.range, present, local)
        inside = local | {node.variable.text}
        return unguarded.union(
            *(self.visit(argument, present, inside) for argument in node.arguments)
        )

    def asks_presence(self, call: Call, local: Names) -> bool:
        """Say whether a call is `present(…)`, or `has(…)` of a variable itself."""
        if call.name == "present":
            return True
        return (
            call.name == "has"
            and len(call.arguments) == 1
            and isinstance(call.arguments[0], Path)
            and self.is_variable(call.arguments[0], local)
        )

    def path(self, path: Path, present: Names, local: Names) -> Names:
        first = path.segments[0].text
        if first in local:
            return _NOTHING
        found = self.scope.resolve(path)
        if found is None:
            if len(path.segments) > 1 or first not in TYPE_NAMES:
                self.errors.append(self.scope.unknown(path, self.source))
            return _NOTHING
        name, count = found
        slot = self.result.slots.setdefault(name, len(self.result.slots))
        end = path.segments[count - 1].end
        self.edit(path.segments[0].start, end, lambda: self.copy(f"_v{slot}", path.start))
        if name in present or not self.scope.may_be_absent(name):
            return _NOTHING
        return frozenset((name,))

    def is_variable(self, path: Path, local: Names) -> bool:
        """Say whether a path is a variable itself, and no field of one."""
        if path.segments[0].text in local:
            return False
        found = self.scope.resolve(path)
        return found is not None and found[1] == len(path.segments)

    def present(self, call: Call, present: Names, local: Names) -> Names:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Path):
            self.errors.append(
                Diagnostic(
                    code="WrongArguments",
                    message=f"{call.name}() takes one name",
                    remedy=f"write it as {call.name}(steps.a.outputs.x)",
                    source=self.source,
                    start=call.start,
                    end=call.end,
                )
            )
            return _NOTHING
        path = call.arguments[0]
        span = call.spans[0]
        # The name is asked for, not read: only an error of it counts.
        self.visit(path, present, local)
        if found := self._variable(path, local):
            self._test(found[0])
        self.edit(call.start, call.end, lambda: self.write_presence(path, span, local, call.start))
        return _NOTHING

    def coalesce(self, call: Call, present: Names, local: Names) -> Names:
        if len(call.arguments) < 2:
            self.errors.append(
                Diagnostic(
                    code="WrongArguments",
                    message="coalesce() takes two values or more",
                    remedy="write it as coalesce(steps.a.outputs.x, 'otherwise')",
                    source=self.source,
                    start=call.start,
                    end=call.end,
                )
            )
            return _NOTHING
        guards: list[Names] = []
        for argument in call.arguments:
            guards.append(self.visit(argument, present, local))
            if isinstance(argument, Path) and (found := self._variable(argument, local)):
                self._test(found[0])
        for guard in guards[:-1]:
            for name in sorted(guard):
                self._test(name)
        self.edit(call.start, call.end, lambda: self.write_coalesce(call, guards, local))
        return guards[-1]

    def _variable(self, path: Path, local: Names) -> tuple[str, int] | None:
        if path.segments[0].text in local:
            return None
        return self.scope.resolve(path)

    def _test(self, name: str) -> None:
        if self.scope.may_be_absent(name) or self.scope.nullable(name):
            self.result.tested.setdefault(name, len(self.result.tested))

    def proves(self, node: Node, local: Names, *, truth: bool) -> Names:
        """Return the names that are present where an expression is true (or false)."""
        match node:
            case Negation(_, _, operand):
                return self.proves(operand, local, truth=not truth)
            case Logical(_, _, operator, operands) if truth == (operator == "&&"):
                return _NOTHING.union(
                    *(self.proves(operand, local, truth=truth) for operand in operands)
                )
            case Call(name="present" | "has", arguments=(Path() as path,)) if truth:
                if not self.asks_presence(node, local):
                    return _NOTHING
                found = self._variable(path, local)
                return _NOTHING if found is None else frozenset((found[0],))
            case _:
                return _NOTHING

    # Writing

    def edit(self, start: int, end: int, writer: Callable[[], None]) -> None:
        self.edits[start] = (end, writer)
        bisect.insort(self.starts, start)

    def emit(self, start: int, end: int) -> None:
        """Write a span of the source, with its edits."""
        position = start
        index = bisect.bisect_left(self.starts, start)
        while index < len(self.starts) and self.starts[index] < end:
            at = self.starts[index]
            if at < position:
                index += 1
                continue
            self.copy(self.source[position:at], position, copied=True)
            position, writer = self.edits.pop(at)
            self.starts.pop(index)
            writer()
            index = bisect.bisect_left(self.starts, position)
        self.copy(self.source[position:end], position, copied=True)

    def copy(self, text: str, origin: int, *, copied: bool = False) -> None:
        """Write a text that comes from a place of the source."""
        if text:
            self.result._anchors.append((self.length, origin, copied))
            self.out.append(text)
            self.length += len(text)

    def write_presence(self, path: Path, span: tuple[int, int], local: Names, origin: int) -> None:
        """Write a boolean: is there a value at the end of this path?"""
        terms = []
        found = self._variable(path, local)
        if found is not None and found[0] in self.result.tested:
            terms.append(f"_p{self.result.tested[found[0]]}")
        text = self._slotted(path, found)
        is_field = len(path.segments) > (found[1] if found is not None else 1)
        if is_field:
            terms.append(f"has({text})")
        if is_field or found is None:
            terms.append(f"dyn({text}) != null")
        self.copy(f"({' && '.join(terms)})" if terms else "true", origin)
        self._drop(span)

    def _slotted(self, path: Path, found: tuple[str, int] | None) -> str:
        names = [segment.text for segment in path.segments]
        if found is None:
            return ".".join(names)
        return ".".join([f"_v{self.result.slots[found[0]]}", *names[found[1] :]])

    def _drop(self, span: tuple[int, int]) -> None:
        """Forget the edits of a span that is not copied."""
        low = bisect.bisect_left(self.starts, span[0])
        high = bisect.bisect_left(self.starts, span[1])
        for start in self.starts[low:high]:
            del self.edits[start]
        del self.starts[low:high]

    def write_coalesce(self, call: Call, guards: list[Names], local: Names) -> None:
        self.copy("(", call.start)
        last = len(call.arguments) - 1
        for index, (argument, span) in enumerate(zip(call.arguments, call.spans, strict=True)):
            if index == last:
                self._nested(span)
                continue
            self._condition(argument, guards[index], local, span[0])
            self.copy(" ? ", span[0])
            self._nested(span)
            self.copy(" : ", span[0])
        self.copy(")", call.end - 1)

    def _condition(self, argument: Node, guard: Names, local: Names, origin: int) -> None:
        if isinstance(argument, Path):
            self.write_presence(argument, (origin, origin), local, origin)
            return
        terms = [f"_p{self.result.tested[name]}" for name in sorted(guard)]
        self.copy(f"({' && '.join(terms)})" if terms else "true", origin)

    def _nested(self, span: tuple[int, int]) -> None:
        self.copy("(", span[0])
        self.emit(*span)
        self.copy(")", span[1] - 1)


def exact_type(node: Node, scope: Scope) -> types.Type | None:
    """Return the type that the syntax alone tells, more exact than CEL's; None where it doesn't.

    `coalesce(steps.a.outputs.topic, 'other')` is a Literal if the topic is one, a string for CEL.
    """
    match node:
        case Constant(_, _, "str", str(text)) if len(text) <= MAX_LITERAL:
            return types.LiteralOf((text,))
        case Constant(_, _, "int" | "float" | "bool" | "str" as kind):
            return types.Scalar(kind)
        case Path():
            found = scope.resolve(node)
            if found is not None and found[1] == len(node.segments):
                return scope.type(found[0])
            return None
        case Conditional(_, _, _, then, otherwise):
            return _joined([exact_type(then, scope), exact_type(otherwise, scope)])
        case Call(name="coalesce", arguments=arguments):
            return _joined([exact_type(argument, scope) for argument in arguments])
        case _:
            return None


def _joined(options: list[types.Type | None]) -> types.Type | None:
    known = [option for option in options if option is not None]
    if len(known) != len(options):
        return None
    if all(isinstance(option, types.LiteralOf) for option in known):
        values = [
            value
            for option in known
            if isinstance(option, types.LiteralOf)
            for value in option.values
        ]
        # 1 == True, but they are different constants: compare them with their types.
        unique = {(type(value), value): value for value in values}
        return types.LiteralOf(tuple(unique.values()))
    joined = types.union(*known)
    if isinstance(joined, types.UnionOf) and types.STR in joined.options:
        texts = [option for option in joined.options if not isinstance(option, types.LiteralOf)]
        return types.union(*texts)
    return joined
