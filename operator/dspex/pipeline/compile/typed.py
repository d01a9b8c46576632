"""Checks that a value fits a type, as far as that can be known before running."""

import json
from typing import Any

from dspex.errors import ExpressionError
from dspex.native.expressions import CompiledValue, Scope, compile_value
from dspex.native.field import Field
from dspex.native.signatures import assignable
from dspex.native.types import BOOL, AnyType, ListOf, Type
from dspex.native.validation import Validator
from dspex.pipeline.context import Context

MAX_SHOWN = 60
"""Characters of a value that an error shows."""


def compile_at(value: Any, scope: Scope, context: Context, path: str) -> CompiledValue | None:
    """Compile a value; report what is wrong at `path`, and return None then."""
    try:
        return compile_value(value, scope)
    except ExpressionError as error:
        context.report_all(error, path)
        return None


def compile_whole(
    text: str, scope: Scope, context: Context, path: str, *, expected: str
) -> CompiledValue | None:
    """Compile a string that must be exactly one expression.

    Args:
        text: The string.
        scope: What it may read.
        context: Where it stands.
        path: Where in there.
        expected: The type that it must have, for the error: `bool` or `list`.
    """
    compiled = compile_at(text, scope, context, path)
    if compiled is None:
        return None
    if not compiled.whole:
        context.error(
            "NotAnExpression",
            f"{path} holds exactly one expression",
            path=path,
            expected=f"$(…) of type {expected}, with nothing around it",
            found=_shown(text),
            remedy="put the whole condition into one $( )",
        )
        return None
    fits = compiled.type == BOOL if expected == "bool" else isinstance(compiled.type, ListOf)
    if not fits and not isinstance(compiled.type, AnyType):
        context.error(
            "WrongType",
            f"{path} is of the wrong type",
            path=path,
            expected=expected,
            found=f"{compiled.type}, in {_shown(text)}",
            remedy="compare, for example with == or >"
            if expected == "bool"
            else "give a list, for example [a, b]",
        )
        return None
    return compiled


def check_fits(
    compiled: CompiledValue, raw: Any, field: Field, context: Context, path: str, *, strict: bool
) -> None:
    """Report a value that can't fit its field: by validation if constant, else by its type."""
    if compiled.constant:
        _check_constant(compiled.evaluate({}), field, context, path, strict=strict)
    elif not assignable(compiled.type, field.type):
        context.error(
            "WrongType",
            f"{path} does not fit {field.name}: {field.type}",
            path=path,
            expected=str(field.type),
            found=f"{compiled.type}, in {_shown(raw)}",
            remedy=_conversion(compiled.type, field.type),
        )


def _check_constant(value: Any, field: Field, context: Context, path: str, *, strict: bool) -> None:
    result = Validator((field,)).validate({field.name: value}, strict=strict)
    for violation in result.violations:
        inside = violation.path.removeprefix(field.name)
        context.error(
            "WrongValue",
            f"{path}{inside} does not fit {field.name}: {violation.message}",
            path=f"{path}{inside}",
            expected=violation.expected or str(field.type),
            found=violation.found or _shown(value),
        )


def _conversion(source: Type, target: Type) -> str:
    convertible = ("str", "int", "float", "bool")
    if str(target) in convertible and str(source) in convertible:
        name = (
            "double" if str(target) == "float" else {"str": "string"}.get(str(target), str(target))
        )
        return f"convert it, as in $({name}(…)), or change one of the types"
    return "change the expression, or one of the types"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
