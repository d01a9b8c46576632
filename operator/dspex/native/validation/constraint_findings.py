"""What is wrong about constraints: found when a signature is compiled, not when it runs."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from dspex.errors import Diagnostic
from dspex.native.field import Constraints, Field
from dspex.native.types import ANY, INT, LiteralOf, Type, UnionOf, is_optional, union
from dspex.native.validation.compile import compile_check
from dspex.native.validation.fit import FITTING_TYPES, camel, fits, fitting, has_rank, item_of
from dspex.native.validation.object_schema import schema_errors
from dspex.native.validation.patterns import PatternError, format_matcher, pattern_matcher
from dspex.native.validation.schema_cost import SchemaError
from dspex.native.validation.violation import Finding, join_parts


def check_constraints(type_: Type, constraints: Constraints) -> tuple[Diagnostic, ...]:
    """Return what is wrong about constraints on a type: misfits, contradictions, bad patterns.

    Paths are the constraints' names: `minLength`, `items.pattern`.
    """
    if not constraints:
        return ()
    return tuple(
        finding
        for check in (_misfits, _contradictions, _uncompilable, _enum_misfits, _item_findings)
        for finding in check(type_, constraints)
    )


def _misfits(type_: Type, constraints: Constraints) -> Iterator[Diagnostic]:
    for field in dataclasses.fields(constraints):
        name = field.name
        if getattr(constraints, name) is None or fits(name, type_):
            continue
        shown = camel(name)
        yield Diagnostic(
            code="ConstraintMisfit",
            message=f"{shown} means nothing for {type_}",
            expected=f"a type that {shown} fits: {FITTING_TYPES[name]}",
            remedy=_misfit_remedy(shown, type_),
            path=shown,
        )
    if constraints.shape is not None and fits("shape", type_):
        rank = len(constraints.shape)
        options = type_.options if isinstance(type_, UnionOf) else (type_,)
        if not any(has_rank(option, rank) for option in options):
            yield Diagnostic(
                code="ConstraintMisfit",
                message=f"a shape of {rank} sizes means nothing for {type_}",
                expected="list[" * rank + "float" + "]" * rank,
                path="shape",
            )


def _misfit_remedy(name: str, type_: Type) -> str:
    if isinstance(type_, LiteralOf):
        return f"take {name} out: a Literal lists its values already"
    if item_of(type_) is not None:
        return f"put {name} under items to constrain the items, or take it out"
    return f"take {name} out, or change the type"


def _contradictions(type_: Type, constraints: Constraints) -> Iterator[Diagnostic]:
    for low, high in (("min_length", "max_length"), ("min_items", "max_items")):
        least, most = getattr(constraints, low), getattr(constraints, high)
        if least is not None and most is not None and least > most:
            yield _contradiction(low, least, high, most)
    lows, highs = ("minimum", "exclusive_minimum"), ("maximum", "exclusive_maximum")
    for low in lows:
        for high in highs:
            least, most = getattr(constraints, low), getattr(constraints, high)
            if least is None or most is None:
                continue
            if least > most or (least == most and "exclusive" in low + high):
                yield _contradiction(low, least, high, most)
    if constraints.dimension is not None:
        size = constraints.dimension
        if constraints.min_items is not None and constraints.min_items > size:
            yield _contradiction("min_items", constraints.min_items, "dimension", size)
        if constraints.max_items is not None and constraints.max_items < size:
            yield _contradiction("dimension", size, "max_items", constraints.max_items)
    if type_ == INT and _no_integer(constraints):
        yield Diagnostic(
            code="ContradictoryConstraints",
            message="no integer lies between the bounds",
            path="minimum",
            remedy="widen the bounds, or make the type float",
        )


def _no_integer(constraints: Constraints) -> bool:
    lows = [
        bound for bound in (constraints.minimum, constraints.exclusive_minimum) if bound is not None
    ]
    highs = [
        bound for bound in (constraints.maximum, constraints.exclusive_maximum) if bound is not None
    ]
    if not lows or not highs or max(lows) > min(highs):
        return False
    first = int(max(lows)) - 1
    return not any(_in_bounds(first + step, constraints) for step in range(4))


def _in_bounds(number: int, constraints: Constraints) -> bool:
    return (
        (constraints.minimum is None or number >= constraints.minimum)
        and (constraints.maximum is None or number <= constraints.maximum)
        and (constraints.exclusive_minimum is None or number > constraints.exclusive_minimum)
        and (constraints.exclusive_maximum is None or number < constraints.exclusive_maximum)
    )


def _contradiction(low: str, least: float, high: str, most: float) -> Diagnostic:
    return Diagnostic(
        code="ContradictoryConstraints",
        message=f"no value can satisfy {camel(low)} {least:g} and {camel(high)} {most:g}",
        path=camel(low),
        remedy=f"lower {camel(low)} or raise {camel(high)}",
    )


def _uncompilable(type_: Type, constraints: Constraints) -> Iterator[Diagnostic]:
    compilers: tuple[tuple[str, str | None, str, Callable[[str], Any]], ...] = (
        ("pattern", constraints.pattern, "InvalidPattern", pattern_matcher),
        ("format", constraints.format, "UnknownFormat", format_matcher),
        ("schema", constraints.schema, "InvalidSchema", schema_errors),
    )
    for name, source, code, compile_ in compilers:
        if source is None:
            continue
        try:
            compile_(source)
        except PatternError as error:
            if name == "format":
                message, remedy = f"there is no format {source!r}", str(error)
            else:
                message, remedy = f"the pattern can't be used: {error}", None
            yield Diagnostic(code=code, message=message, remedy=remedy, found=source, path=name)
        except SchemaError as error:
            yield Diagnostic(code=code, message=f"the schema can't be used: {error}", path=name)


def _enum_misfits(type_: Type, constraints: Constraints) -> Iterator[Diagnostic]:
    if constraints.enum is None or not fits("enum", type_):
        return
    others = dataclasses.replace(constraints, enum=None, **dict.fromkeys(_COMPILED))
    check = compile_check(type_, fitting(others, type_), strict=True)
    for index, value in enumerate(json.loads(constraints.enum)):
        findings: list[Finding] = []
        check(value, findings)
        if findings or (value is None and not is_optional(type_)):
            yield Diagnostic(
                code="ContradictoryConstraints",
                message=f"the value can never be taken: it {findings[0].message}",
                found=json.dumps(value),
                path=f"enum[{index}]",
            )


# Those that may not compile; they have findings of their own.
_COMPILED: Final = ("pattern", "format", "schema")


def _item_findings(type_: Type, constraints: Constraints) -> Iterator[Diagnostic]:
    if constraints.items is None or not fits("items", type_):
        return
    options = type_.options if isinstance(type_, UnionOf) else (type_,)
    items = [item_of(option) or ANY for option in options if fits("items", option)]
    for finding in check_constraints(union(*items), constraints.items):
        yield finding.at(path="items")


def check_default(field: Field) -> tuple[Diagnostic, ...]:
    """Return what is wrong about a field's default; its constraints must fit its type."""
    if not isinstance(field.default, str):
        return ()
    findings: list[Finding] = []
    compile_check(field.type, field.constraints, strict=True)(json.loads(field.default), findings)
    return tuple(
        Diagnostic(
            code="InvalidDefault",
            message=f"the default is no value of the field: it {finding.message}",
            expected=finding.expected,
            found=finding.found,
            path=join_parts(["default", *finding.parts[::-1]]),
        )
        for finding in findings
    )
