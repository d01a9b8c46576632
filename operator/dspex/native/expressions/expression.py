"""A compiled expression: its type, what it reads, and its value."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dspex.errors import Diagnostic, DspexError, ExpressionError, NativeError, Reason
from dspex.native import types
from dspex.native.expressions.celtypes import cel_type, native_type
from dspex.native.expressions.convert import ConversionError, Converter, converter, to_wire
from dspex.native.expressions.program import Program, Unbound, compile_program
from dspex.native.expressions.rewrite import Rewritten, rewrite
from dspex.native.expressions.scanner import MAX_EXPRESSION
from dspex.native.expressions.scope import Scope
from dspex.native.expressions.syntax import Node, Path, parse

Bindings: TypeAlias = Mapping[str, Any]
"""Wire values by dotted name; a name without a value is missing, or None where it is optional."""


class AbsentValue(DspexError):  # noqa: N818 - a fact about the values, which skips a step
    """An expression reads values that are absent, without coalesce() or present().

    Attributes:
        names: The dotted names, sorted.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(f"no value for {', '.join(names)}")


class Expression:
    """A compiled expression. Immutable, safe to evaluate from several threads.

    Attributes:
        source: What stands inside `$( )`.
        type: The static type of its value; `Any` where only running tells.
        reads: Every dotted name that it mentions, in `present()` too.
        unhandled: The names among them that may be absent and are read without a guard.
    """

    __slots__ = ("_evaluate", "reads", "source", "type", "unhandled")

    def __init__(
        self,
        source: str,
        type_: types.Type,
        rewritten: Rewritten,
        evaluate: Callable[[Bindings], Any],
    ) -> None:
        self.source = source
        self.type = type_
        self.reads = rewritten.reads
        self.unhandled = rewritten.unhandled
        self._evaluate = evaluate

    def evaluate(self, bindings: Bindings) -> Any:
        """Return the value in wire form.

        A branch that is not taken is not read: `steps.a.state == 'Succeeded' ? … : …` is fine with
        values that are absent in the other branch.

        Raises:
            AbsentValue: A name that is read has no value.
            NativeError: `ExpressionFailed`, such as a division by zero, a missing key, an integer
                past 64 bits, too many iterations, or a result that is too large.
        """
        return self._evaluate(bindings)


def compile_expression(source: str, scope: Scope) -> Expression:
    """Compile what stands inside `$( )`.

    Raises:
        ExpressionError: A wrong name, a wrong type or wrong syntax, with its place in `source`.
    """
    if len(source.encode("utf-8", "surrogatepass")) > MAX_EXPRESSION:
        raise ExpressionError(
            Diagnostic(
                code="ExpressionTooLong",
                message=f"the expression is longer than {MAX_EXPRESSION} bytes",
                remedy="split it over several steps",
                source=source,
                start=0,
                end=len(source),
            )
        )
    node = parse(source)
    rewritten = rewrite(source, node, scope)
    if name := _plain_name(node, scope):
        return Expression(source, scope.type(name), rewritten, _reference(name, scope))
    slot_types = tuple(cel_type(scope.type(name)) for name in rewritten.slots)
    program = compile_program(rewritten, slot_types)
    type_ = _result_type(program, rewritten)
    return Expression(source, type_, rewritten, _running(program, rewritten, scope))


def _result_type(program: Program, rewritten: Rewritten) -> types.Type:
    type_ = native_type(program.type_name)
    if type_ is None:
        raise ExpressionError(
            Diagnostic(
                code="WrongType",
                message=f"a {program.type_name} is no value of a field",
                source=rewritten.source,
                start=0,
                end=len(rewritten.source),
            )
        )
    return rewritten.type or type_


def _plain_name(node: Node, scope: Scope) -> str | None:
    """Return the variable's name where the whole expression is one."""
    if not isinstance(node, Path):
        return None
    found = scope.resolve(node)
    return found[0] if found is not None and found[1] == len(node.segments) else None


def _reference(name: str, scope: Scope) -> Callable[[Bindings], Any]:
    """Read a variable without asking CEL: the value is handed on as it is."""
    type_ = scope.type(name)
    convert = converter(type_) if type_ in (types.INT, types.FLOAT) else None
    nullable = type_ in (types.ANY, types.NONE)

    def evaluate(bindings: Bindings) -> Any:
        try:
            value = bindings[name]
        except KeyError:
            raise AbsentValue((name,)) from None
        if value is None and not nullable:
            raise AbsentValue((name,))
        return value if convert is None else _converted(convert, value, name)

    return evaluate


def _converted(convert: Converter, value: Any, name: str) -> Any:
    try:
        return convert(value)
    except ConversionError as error:
        raise NativeError(Reason.EXPRESSION_FAILED, f"{name}: {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise NativeError(
            Reason.EXPRESSION_FAILED, f"{name}: the value is not of its type: {error}"
        ) from None


def _running(program: Program, rewritten: Rewritten, scope: Scope) -> Callable[[Bindings], Any]:
    slots = tuple(
        (name, f"_v{index}", converter(scope.type(name)), scope.type(name) in _NULLABLE)
        for name, index in rewritten.slots.items()
    )
    tested = tuple((name, f"_p{index}") for name, index in rewritten.tested.items())
    names = {slot: name for name, slot, _, _ in slots}

    def evaluate(bindings: Bindings) -> Any:
        data: dict[str, Any] = {}
        for name, slot, convert, nullable in slots:
            value = bindings.get(name, _ABSENT)
            if value is _ABSENT or (value is None and not nullable):
                continue
            data[slot] = value if convert is None else _converted(convert, value, name)
        for name, slot in tested:
            data[slot] = bindings.get(name) is not None
        try:
            return to_wire(program.run(data))
        except Unbound as unbound:
            raise AbsentValue((names[unbound.args[0]],)) from None
        except ConversionError as error:
            raise NativeError(Reason.EXPRESSION_FAILED, str(error)) from None

    return evaluate


_ABSENT: Any = object()
_NULLABLE = (types.ANY, types.NONE)
