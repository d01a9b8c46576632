"""What runs when an expression is evaluated: CEL programs, and the loops around them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from dspex.errors import Diagnostic, DspexError, ExpressionError, NativeError, Reason
from dspex.native import types
from dspex.native.expressions.celtypes import cel_type, shown, split
from dspex.native.expressions.convert import ConversionError, Converter, Meter, converter
from dspex.native.expressions.library import bound
from dspex.native.expressions.program import Program, TooManyIterations, Unbound, compile_program
from dspex.native.expressions.rewrite import (
    Hoist,
    Rewriter,
    Rewritten,
    Slot,
    Span,
    has_heavy,
)
from dspex.native.expressions.scope import Scope
from dspex.native.expressions.syntax import Comprehension, Node, Path

Bindings: TypeAlias = Mapping[str, Any]
"""Wire values by dotted name; a name without a value is missing, or None where it is optional."""

TIME_LIMIT = 2.0
"""Seconds that the loops of one evaluation may take."""

MAX_REPEATED = 64 * 1024 * 1024
"""Characters or items that an expression may repeat by naming a large value many times."""

MAX_HANDED_OVER = 4 * 1024 * 1024
"""The same, where functions of the library take values out of CEL, which costs a copy each time."""

_FIRST_CHUNK, _CHUNK = 16, 64
"""Items that CEL loops over at once: its loops take quadratic time, so the chunks are short."""


class AbsentValue(DspexError):  # noqa: N818 - a fact about the values, which skips a step
    """An expression reads values that are absent, without coalesce() or present().

    Attributes:
        names: The dotted names, sorted.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(f"no value for {', '.join(names)}")


class Frame:
    """One evaluation: its values, and what is left of its bounds.

    Attributes:
        bindings: Wire values by name.
        local: Values of the loops' variables.
        converted: Values that were coerced to their type already.
    """

    __slots__ = ("_meter", "bindings", "converted", "deadline", "local")

    def __init__(self, bindings: Bindings) -> None:
        self.bindings = bindings
        self.local: dict[str, Any] = {}
        self.converted: dict[str, Any] = {}
        self._meter: Meter | None = None
        self.deadline: float | None = None

    @property
    def meter(self) -> Meter:
        """What loops and functions have made; most evaluations have neither, and need none."""
        if self._meter is None:
            self._meter = Meter()
        return self._meter

    def check_time(self) -> None:
        """End an evaluation whose loops take too long; the clock runs from the first call on."""
        now = time.monotonic()
        if self.deadline is None:
            self.deadline = now + TIME_LIMIT
        elif now > self.deadline:
            raise failed(
                f"the expression's loops take longer than {TIME_LIMIT:g} s; use a transform step, "
                "or forEach"
            )


@dataclass(frozen=True, slots=True)
class _Source:
    """How a slot gets its value."""

    slot: str
    name: str
    local: bool
    convert: Converter | None
    nullable: bool
    loop: "Loop | None"


class Plan:
    """An expression, or a part of one inside a loop, ready to run.

    Attributes:
        type_name: CEL's name for its type.
        rewritten: What it was made from.
    """

    __slots__ = (
        "_only_loop",
        "_program",
        "_sources",
        "_tested",
        "_uses",
        "rewritten",
        "type_name",
    )

    _may_repeat: ClassVar[int] = MAX_REPEATED

    def __init__(self, rewritten: Rewritten, scope: Scope) -> None:
        self.rewritten = rewritten
        self._program: Program = compile_program(rewritten)
        self.type_name = self._program.type_name
        self._sources = tuple(
            _source(index, slot, scope) for index, slot in enumerate(rewritten.slots)
        )
        first = self._sources[0].loop if self._sources else None
        self._only_loop = first if rewritten.text.strip() == "_v0" else None
        self._uses = rewritten.uses
        self._tested = tuple((name, f"_p{index}") for name, index in rewritten.tested.items())

    def run(self, frame: Frame, extra: tuple[str, Any] | None = None) -> Any:
        """Return CEL's plain value.

        Args:
            frame: The evaluation.
            extra: One slot and its value, beside what the frame gives.

        Raises:
            AbsentValue: A name without a value was read.
            NativeError: The evaluation failed.
            TooManyIterations: CEL's own loops went past its budget.
        """
        if self._only_loop is not None:
            return self._only_loop.run(frame)
        data: dict[str, Any] = {}
        bindings = frame.bindings
        deferred = self._fill(frame, data)
        for name, slot in self._tested:
            data[slot] = bindings.get(name) is not None
        if extra is not None:
            data[extra[0]] = extra[1]
        if self._uses > 1:
            _bound_repetition(data, self._uses, self._may_repeat)
        try:
            return self._program.run(data)
        except Unbound as unbound:
            slot = unbound.args[0]
            if deferred and slot in deferred:
                raise deferred[slot] from None
            raise AbsentValue((self.rewritten.slots[int(slot[2:])].name,)) from None

    def _fill(self, frame: Frame, data: dict[str, Any]) -> dict[str, DspexError] | None:
        """Bind the slots that have a value; return the errors of loops, by slot."""
        deferred: dict[str, DspexError] | None = None
        for source in self._sources:
            if source.loop is not None:
                try:
                    data[source.slot] = source.loop.run(frame)
                except (AbsentValue, NativeError) as error:
                    # It counts only if CEL comes to read it.
                    deferred = {**(deferred or {}), source.slot: error}
            elif source.local:
                data[source.slot] = frame.local[source.name]
            else:
                _bind(source, frame, data)
        return deferred


def _source(index: int, slot: Slot, scope: Scope) -> _Source:
    loop = slot.loop if isinstance(slot.loop, Loop) else None
    if slot.local or loop is not None or slot.name not in scope.variables:
        return _Source(f"_v{index}", slot.name, slot.local, None, True, loop)
    type_ = scope.type(slot.name)
    nullable = type_ in (types.ANY, types.NONE)
    return _Source(f"_v{index}", slot.name, False, converter(type_), nullable, None)


def _bind(source: _Source, frame: Frame, data: dict[str, Any]) -> None:
    """Bind a variable's value; one that is absent stays unbound."""
    value = frame.bindings.get(source.name, _ABSENT)
    if value is _ABSENT or (value is None and not source.nullable):
        return
    if source.convert is not None:
        name = source.name
        if name not in frame.converted:
            frame.converted[name] = convert(source.convert, value, name)
        value = frame.converted[name]
    data[source.slot] = value


_ABSENT: Any = object()


def convert(converter_: Converter, value: Any, name: str) -> Any:
    """Coerce a value to its declared type, or fail with `ExpressionFailed`."""
    try:
        return converter_(value)
    except ConversionError as error:
        raise failed(f"{name}: {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise failed(f"{name}: the value is not of its type: {error}") from None


_SIZED = (str, list, dict)  # a union would be made anew for each value


def _bound_repetition(data: Mapping[str, Any], uses: int, most: int) -> None:
    for value in data.values():
        if isinstance(value, _SIZED) and len(value) * uses > most:
            raise failed(f"the expression repeats a value of {len(value)} too often")


class MeteredPlan(Plan):
    """A plan that calls functions of the library, which count what they make."""

    __slots__ = ()

    _may_repeat = MAX_HANDED_OVER

    def run(self, frame: Frame, extra: tuple[str, Any] | None = None) -> Any:
        """Return CEL's plain value; raises what `Plan.run` raises."""
        bound(frame.meter, frame.check_time)
        return super().run(frame, extra)


def _plan(rewritten: Rewritten, scope: Scope) -> Plan:
    return MeteredPlan(rewritten, scope) if rewritten.library else Plan(rewritten, scope)


@dataclass(frozen=True, slots=True)
class Direct:
    """A loop's range that is a name: its value is taken as it is, without a way through CEL."""

    type_name: str
    name: str
    local: bool
    source: _Source

    def run(self, frame: Frame) -> Any:
        """Return the value; raises what `Plan.run` raises."""
        if self.local:
            return frame.local[self.name]
        data: dict[str, Any] = {}
        _bind(self.source, frame, data)
        if not data:
            raise AbsentValue((self.name,))
        return data[self.source.slot]


@dataclass(slots=True)
class Loop:
    """A `map` or `filter`, or another macro with one of them inside.

    CEL's own loops take quadratic time and memory, and stop after 10,000 turns. So a loop whose
    body is plain runs in CEL over short chunks, and one with loops inside runs here.

    Attributes:
        type_name: CEL's name for its type.
    """

    macro: str
    variable: str
    type_name: str
    range: "Plan | Direct"
    chunk: Plan | None
    chunk_slot: str
    arguments: tuple[Plan, ...]

    def run(self, frame: Frame) -> Any:
        """Return the loop's value; raises what `Plan.run` raises."""
        items = self.range.run(frame)
        if isinstance(items, dict):
            items = sorted(items, key=str)  # CEL keeps no order of a map's keys
        elif not isinstance(items, list):
            raise failed(f"{self.macro}() needs a list or a map")
        if self.chunk is None:
            return self._turn_by_turn(items, frame)
        result: list[Any] = []
        position, size = 0, _FIRST_CHUNK
        while position < len(items):
            frame.check_time()
            part = self._run_chunk(items[position : position + size], frame)
            frame.meter.count(part)
            result += part
            position, size = position + size, _CHUNK
        return result

    def _run_chunk(self, items: list[Any], frame: Frame) -> list[Any]:
        if self.chunk is None:
            raise AssertionError("only a loop with a plain body runs in chunks")
        try:
            part: list[Any] = self.chunk.run(frame, (self.chunk_slot, items))
        except TooManyIterations:
            if len(items) == 1:
                raise
            half = len(items) // 2
            frame.check_time()
            return self._run_chunk(items[:half], frame) + self._run_chunk(items[half:], frame)
        return part

    def _turn_by_turn(self, items: list[Any], frame: Frame) -> Any:
        outer = frame.local
        try:
            turns = self._turns(items, frame, outer)
            return _COMBINE[self.macro](self, turns)
        finally:
            frame.local = outer

    def _turns(self, items: list[Any], frame: Frame, outer: dict[str, Any]) -> "Turns":
        """Yield each item, the frame holding it as the loop's variable meanwhile."""
        for item in items:
            frame.check_time()
            frame.local = {**outer, self.variable: item}
            yield item, frame


Turns: TypeAlias = Iterator[tuple[Any, Frame]]


def _map(loop: Loop, turns: Turns) -> list[Any]:
    *conditions, body = loop.arguments
    result = []
    for _, frame in turns:
        if all(_truth(condition.run(frame)) for condition in conditions):
            value = body.run(frame)
            frame.meter.count(value)
            result.append(value)
    return result


def _filter(loop: Loop, turns: Turns) -> list[Any]:
    return [item for item, frame in turns if _truth(loop.arguments[0].run(frame))]


def _all(loop: Loop, turns: Turns) -> bool:
    return not _decided(loop, turns, truth=False)


def _exists(loop: Loop, turns: Turns) -> bool:
    return _decided(loop, turns, truth=True)


def _decided(loop: Loop, turns: Turns, *, truth: bool) -> bool:
    """Look for a turn that decides; as in CEL it also outweighs turns that fail."""
    first_error: DspexError | None = None
    for _, frame in turns:
        try:
            if _truth(loop.arguments[0].run(frame)) == truth:
                return True
        except (NativeError, AbsentValue) as error:
            first_error = first_error or error
    if first_error is not None:
        raise first_error
    return False


def _exists_one(loop: Loop, turns: Turns) -> bool:
    return sum(_truth(loop.arguments[0].run(frame)) for _, frame in turns) == 1


_COMBINE = {
    "map": _map,
    "filter": _filter,
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
}


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise failed("a condition inside a loop is neither true nor false")
    return value


def compile_plan(
    source: str, node: Node, span: Span, scope: Scope, outer: Mapping[str, str]
) -> Plan:
    """Compile an expression, or the part of one that stands in a span of its source.

    Args:
        source: The whole expression.
        node: The part's syntax.
        span: Where the part stands.
        scope: The names in scope.
        outer: CEL types of the variables of the loops around it.

    Raises:
        ExpressionError: A wrong name or a wrong type.
    """
    rewriter = Rewriter(source, scope, outer, _hoist(source, scope, outer))
    return _plan(rewriter.expression(node, span), scope)


def _hoist(source: str, scope: Scope, outer: Mapping[str, str]) -> Hoist:
    return lambda node: _compile_loop(source, node, scope, outer)


def _compile_loop(source: str, node: Comprehension, scope: Scope, outer: Mapping[str, str]) -> Loop:
    range_ = _direct(node.range, scope, outer) or compile_plan(
        source, node.range, node.range_span, scope, outer
    )
    item = _item_type(range_.type_name, node, source)
    variable = node.variable.text
    if not any(map(has_heavy, node.arguments)):
        chunk, slot = _compile_chunk(source, node, scope, outer, item)
        return Loop(node.macro, variable, chunk.type_name, range_, chunk, slot, ())
    inner = {**outer, variable: item}
    arguments = tuple(
        compile_plan(source, argument, span, scope, inner)
        for argument, span in zip(node.arguments, node.spans, strict=True)
    )
    conditions = arguments[:-1] if node.macro == "map" else arguments
    for condition, span in zip(conditions, node.spans, strict=False):
        _require_bool(condition.type_name, source, span)
    type_name = "BOOL"
    if node.macro == "map":
        type_name = f"LIST<{arguments[-1].type_name}>"
    elif node.macro == "filter":
        type_name = f"LIST<{item}>"
    return Loop(node.macro, variable, type_name, range_, None, "", arguments)


def _direct(node: Node, scope: Scope, outer: Mapping[str, str]) -> Direct | None:
    if not isinstance(node, Path):
        return None
    name = node.segments[0].text
    if name in outer:
        if len(node.segments) > 1:
            return None
        slot = Slot(name, outer[name], local=True)
        return Direct(slot.type_name, name, True, _source(0, slot, scope))
    found = scope.resolve(node)
    if found is None or found[1] < len(node.segments):
        return None
    slot = Slot(found[0], cel_type(scope.type(found[0])))
    return Direct(slot.type_name, slot.name, False, _source(0, slot, scope))


def _compile_chunk(
    source: str, node: Comprehension, scope: Scope, outer: Mapping[str, str], item: str
) -> tuple[Plan, str]:
    """Compile a loop over a slot that takes a part of the range's items."""
    rewriter = Rewriter(source, scope, outer, _hoist(source, scope, outer))
    slot = rewriter.slot(Slot("items of a loop", f"LIST<{item}>"))
    variable = node.variable.text
    for argument in node.arguments:
        rewriter.visit(argument, frozenset(), frozenset((variable,)))
    rewriter.raise_errors()
    # CEL points at the macro's dot or bracket: show its name.
    place = source.index(node.macro, node.range_span[1])
    rewriter.copy(f"{slot}.{node.macro}({variable}", place)
    for span in node.spans:
        rewriter.copy(", ", span[0])
        rewriter.emit(*span)
    rewriter.copy(")", node.end - 1)
    return _plan(rewriter.finished(), scope), slot


def _item_type(range_: str, node: Comprehension, source: str) -> str:
    head, arguments = split(range_)
    if head in ("LIST", "MAP"):
        return arguments[0]
    if head == "DYN":
        return "DYN"
    raise ExpressionError(
        Diagnostic(
            code="WrongType",
            message=f"{node.macro}() needs a list or a map, not {shown(range_)}",
            source=source,
            start=node.range_span[0],
            end=node.range_span[1],
        )
    )


def _require_bool(type_name: str, source: str, span: Span) -> None:
    if type_name in ("BOOL", "DYN"):
        return
    raise ExpressionError(
        Diagnostic(
            code="WrongType",
            message=f"a condition must be bool, not {shown(type_name)}",
            source=source,
            start=span[0],
            end=span[1],
        )
    )


def failed(message: str) -> NativeError:
    """Say that an expression failed on these values."""
    return NativeError(Reason.EXPRESSION_FAILED, message)
