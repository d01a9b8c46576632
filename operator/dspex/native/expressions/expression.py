"""A compiled expression: its type, what it reads, and its value."""

from collections.abc import Callable
from typing import Any

from dspex.errors import Diagnostic, ExpressionError
from dspex.native import types
from dspex.native.expressions.celtypes import native_type, shown
from dspex.native.expressions.convert import (
    INT64_MAX,
    INT64_MIN,
    ConversionError,
    converter,
    to_wire,
)
from dspex.native.expressions.plan import (
    AbsentValue,
    Bindings,
    Frame,
    Plan,
    compile_plan,
    convert,
    failed,
)
from dspex.native.expressions.scanner import MAX_EXPRESSION
from dspex.native.expressions.scope import Scope
from dspex.native.expressions.syntax import Node, Path, parse

__all__ = ["AbsentValue", "Bindings", "Expression", "compile_expression"]


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
        reads: frozenset[str],
        unhandled: frozenset[str],
        evaluate: Callable[[Bindings], Any],
    ) -> None:
        self.source = source
        self.type = type_
        self.reads = reads
        self.unhandled = unhandled
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
    _check_text(source)
    node = parse(source)
    found = scope.resolve(node) if isinstance(node, Path) else None
    if isinstance(node, Path) and found is not None and found[1] == len(node.segments):
        name = found[0]
        reads = frozenset((name,))
        unhandled = reads if scope.may_be_absent(name) else frozenset[str]()
        return Expression(source, scope.type(name), reads, unhandled, _reference(name, scope))
    plan = compile_plan(source, node, (0, len(source)), scope, {})
    rewritten = plan.rewritten
    type_ = rewritten.type or _result_type(plan, source)
    evaluate = _shortcut(node, scope, _running(plan))
    return Expression(source, type_, frozenset(rewritten.reads), rewritten.unhandled, evaluate)


def _check_text(source: str) -> None:
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        raise ExpressionError(
            Diagnostic(
                code="WrongExpression",
                message="the expression holds half of a surrogate pair",
                source=source,
                start=error.start,
                end=error.end,
            )
        ) from None
    if size > MAX_EXPRESSION:
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


def _result_type(plan: Plan, source: str) -> types.Type:
    type_ = native_type(plan.type_name)
    if type_ is None:
        raise ExpressionError(
            Diagnostic(
                code="WrongType",
                message=f"a {shown(plan.type_name)} is no value of a field",
                source=source,
                start=0,
                end=len(source),
            )
        )
    return type_


def _reference(name: str, scope: Scope) -> Callable[[Bindings], Any]:
    """Read a variable without asking CEL: the value is handed on as it is."""
    type_ = scope.type(name)
    coerce = converter(type_) if type_ in (types.INT, types.FLOAT) else None
    nullable = type_ in (types.ANY, types.NONE)

    def evaluate(bindings: Bindings) -> Any:
        try:
            value = bindings[name]
        except KeyError:
            raise AbsentValue((name,)) from None
        if value is None and not nullable:
            raise AbsentValue((name,))
        return value if coerce is None else convert(coerce, value, name)

    return evaluate


def _running(plan: Plan) -> Callable[[Bindings], Any]:
    def evaluate(bindings: Bindings) -> Any:
        try:
            return to_wire(plan.run(Frame(bindings)))
        except ConversionError as error:
            raise failed(str(error)) from None

    return evaluate


def _shortcut(
    node: Node, scope: Scope, evaluate: Callable[[Bindings], Any]
) -> Callable[[Bindings], Any]:
    """Follow a path into a value here, where that says the same as CEL; anything odd is CEL's.

    CEL copies the whole value first, however large it is.
    """
    found = scope.resolve(node) if isinstance(node, Path) else None
    if not isinstance(node, Path) or found is None or converter(scope.type(found[0])) is not None:
        return evaluate
    name, count = found
    fields = tuple(segment.text for segment in node.segments[count:])

    def follow(bindings: Bindings) -> Any:
        value = bindings.get(name)
        for part in fields:
            if type(value) is not dict or part not in value:
                return evaluate(bindings)
            value = value[part]
        if type(value) is int and not INT64_MIN <= value <= INT64_MAX:
            return evaluate(bindings)
        return value

    return follow
