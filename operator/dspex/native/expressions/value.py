"""A value of a manifest with expressions in it, at any depth."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dspex.errors import Diagnostic, ExpressionError, InputError
from dspex.errors.diagnostic import join_path
from dspex.native import types
from dspex.native.expressions.expression import (
    Bindings,
    Expression,
    compile_expression,
)
from dspex.native.expressions.scanner import Embedded, Scanned, Text, scan
from dspex.native.expressions.scope import Scope

MAX_DEPTH = 64
"""Lists and objects inside of one another in a value."""

_MAX_OPTIONS = 8


@dataclass(frozen=True, slots=True)
class CompiledValue:
    """A compiled value.

    Attributes:
        type: The static type, as far as it is known; `Any` where only running tells.
        reads: Every dotted name that its expressions mention.
        unhandled: The names that may be absent and are read without a guard.
        constant: Whether it holds no expression: `evaluate` then needs no bindings.
        whole: Whether it is exactly one expression.
    """

    type: types.Type
    reads: frozenset[str]
    unhandled: frozenset[str]
    constant: bool
    whole: bool
    _evaluate: Callable[[Bindings], Any]

    def evaluate(self, bindings: Bindings) -> Any:
        """Return the value in wire form; raises what `Expression.evaluate` raises."""
        return self._evaluate(bindings)


def compile_value(value: Any, scope: Scope) -> CompiledValue:
    """Compile a JSON value whose strings may hold expressions.

    A string that is exactly one expression keeps the expression's type; with text around it
    becomes a string: numbers, booleans, lists and objects then as compact JSON.

    Raises:
        ExpressionError: With every finding; `path` says where in the value, `start` and `end`
            where in the string.
    """
    errors: list[Diagnostic] = []
    compiled = _compile(value, scope, "", errors, 0)
    if errors:
        raise ExpressionError(*errors)
    return compiled


def _compile(
    value: Any, scope: Scope, path: str, errors: list[Diagnostic], depth: int
) -> CompiledValue:
    if depth > MAX_DEPTH:
        errors.append(
            Diagnostic(
                code="ValueTooDeep",
                message=f"the value is nested more than {MAX_DEPTH} deep",
                path=path,
            )
        )
        return _constant(None)
    if isinstance(value, str):
        return _string(value, scope, path, errors)
    if isinstance(value, list | tuple):
        return _list(
            [
                _compile(item, scope, f"{path}[{index}]", errors, depth + 1)
                for index, item in enumerate(value)
            ]
        )
    if isinstance(value, dict):
        items: dict[str, CompiledValue] = {}
        for key, item in value.items():
            here = join_path(path, str(key)) or ""
            _refuse_in_key(str(key), here, errors)
            items[str(key)] = _compile(item, scope, here, errors, depth + 1)
        return _dict(items)
    return _constant(value)


def _refuse_in_key(key: str, path: str, errors: list[Diagnostic]) -> None:
    """An expression in a key is never evaluated: it is YAML's flow style that cut a value there."""
    if "$(" not in key:
        return
    try:
        if scan(key).constant:
            return
        position, end = key.index("$("), len(key)
        remedy = "write expressions in values only; in YAML put a value with one in quotes"
        diagnostic = Diagnostic(
            code="ExpressionInKey",
            message="a key can't hold an expression",
            remedy=remedy,
            source=key,
            start=position,
            end=end,
        )
        errors.append(diagnostic.at(path=path))
    except ExpressionError as error:
        errors.extend(diagnostic.at(path=path) for diagnostic in error.diagnostics)


def _string(text: str, scope: Scope, path: str, errors: list[Diagnostic]) -> CompiledValue:
    if "$(" not in text:
        return _constant(text)
    try:
        scanned = scan(text)
        if scanned.constant:
            return _constant("".join(part.text for part in scanned.parts if isinstance(part, Text)))
        return _embedded(scanned, scope)
    except InputError as error:
        errors.extend(diagnostic.at(path=path) for diagnostic in error.diagnostics)
        return _constant(text)


def _embedded(scanned: Scanned, scope: Scope) -> CompiledValue:
    compiled: list[str | Expression] = []
    errors: list[Diagnostic] = []
    for part in scanned.parts:
        if not isinstance(part, Embedded):
            compiled.append(part.text)
            continue
        try:
            compiled.append(compile_expression(part.source, scope))
        except ExpressionError as error:
            errors.extend(_moved(diagnostic, scanned, part) for diagnostic in error.diagnostics)
    if errors:
        raise ExpressionError(*errors)
    expressions = [part for part in compiled if isinstance(part, Expression)]
    reads = frozenset[str]().union(*(one.reads for one in expressions))
    unhandled = frozenset[str]().union(*(one.unhandled for one in expressions))
    if scanned.whole:
        only = expressions[0]
        return CompiledValue(only.type, reads, unhandled, False, True, only.evaluate)
    return CompiledValue(types.STR, reads, unhandled, False, False, _joining(compiled))


def _moved(diagnostic: Diagnostic, scanned: Scanned, part: Embedded) -> Diagnostic:
    """Count a finding's place in the whole string and not in its one expression."""
    start = (diagnostic.start or 0) + part.start
    end = None if diagnostic.end is None else diagnostic.end + part.start
    return dataclasses.replace(diagnostic, source=scanned.source, start=start, end=end)


def _joining(parts: list[str | Expression]) -> Callable[[Bindings], str]:
    def evaluate(bindings: Bindings) -> str:
        return "".join(
            part if isinstance(part, str) else text_of(part.evaluate(bindings)) for part in parts
        )

    return evaluate


def text_of(value: Any) -> str:
    """Write a wire value into a text: a string as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _constant(value: Any) -> CompiledValue:
    return CompiledValue(
        _constant_type(value), frozenset(), frozenset(), True, False, lambda _: value
    )


def _constant_type(value: Any) -> types.Type:
    match value:
        case None:
            return types.NONE
        case bool():
            return types.BOOL
        case int():
            return types.INT
        case float():
            return types.FLOAT
        case str():
            return types.LiteralOf((value,)) if len(value) <= 256 else types.STR
        case _:
            return types.ANY


def _list(items: list[CompiledValue]) -> CompiledValue:
    type_ = types.ListOf(_common([item.type for item in items]))
    return _container(type_, items, lambda bindings: [item.evaluate(bindings) for item in items])


def _dict(items: dict[str, CompiledValue]) -> CompiledValue:
    type_ = types.DictOf(types.STR, _common([item.type for item in items.values()]))
    return _container(
        type_,
        list(items.values()),
        lambda bindings: {key: item.evaluate(bindings) for key, item in items.items()},
    )


def _container(
    type_: types.Type, items: list[CompiledValue], evaluate: Callable[[Bindings], Any]
) -> CompiledValue:
    constant = all(item.constant for item in items)
    return CompiledValue(
        type_,
        frozenset[str]().union(*(item.reads for item in items)),
        frozenset[str]().union(*(item.unhandled for item in items)),
        constant,
        False,
        evaluate,
    )


def _common(members: list[types.Type]) -> types.Type:
    """Return the type of a container's items; `Any` where there are none, or too many kinds."""
    if not members or types.ANY in members:
        return types.ANY
    joined = types.union(*dict.fromkeys(members))
    if isinstance(joined, types.UnionOf) and len(joined.options) > _MAX_OPTIONS:
        return types.ANY
    return joined
