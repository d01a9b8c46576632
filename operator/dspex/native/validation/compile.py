"""From a type and its constraints to one check, made of closures: compiled once, run often."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from dspex.native.field import NO_CONSTRAINTS, Constraints
from dspex.native.types import (
    ANY,
    FLOAT,
    INT,
    NONE,
    STR,
    AnyType,
    DictOf,
    ListOf,
    LiteralOf,
    Media,
    ObjectType,
    Scalar,
    SetOf,
    TupleOf,
    Type,
    UnionOf,
    without_none,
)
from dspex.native.validation import encoded, scalars
from dspex.native.validation.check import Check, Limit, then
from dspex.native.validation.constants import (
    coerce_constant,
    strict_constant,
    strict_number_constant,
)
from dspex.native.validation.containers import dict_check, list_check, set_check, tuple_check
from dspex.native.validation.fit import fitting, item_of
from dspex.native.validation.json_value import (
    check_json,
    coerce_object,
    read_json,
    strict_object,
)
from dspex.native.validation.list_limits import list_limits
from dspex.native.validation.media import media_check
from dspex.native.validation.number_limits import distribution, number_limits, read_percent
from dspex.native.validation.object_schema import schema_errors
from dspex.native.validation.text_limits import text_limits
from dspex.native.validation.unions import Option, optional_check, union_check
from dspex.native.validation.violation import Finding

_STRICT = {**scalars.STRICT, **encoded.STRICT}
_COERCE = {**scalars.COERCE, **encoded.COERCE}


def compile_check(type_: Type, constraints: Constraints, *, strict: bool) -> Check:
    """Return the check of a type with constraints that fit it (`check_constraints`)."""
    if isinstance(type_, UnionOf):
        return _union(type_, constraints, strict=strict)
    check = _base(type_, constraints, strict=strict)
    if not constraints:
        return check
    if constraints.confidence and not strict and type_ == FLOAT:
        check = read_percent(check)
    return then(check, _limits(type_, constraints, strict=strict))


def _base(type_: Type, constraints: Constraints, *, strict: bool) -> Check:
    match type_:
        case Scalar():
            return (_STRICT if strict else _COERCE)[type_.name]
        case AnyType():
            return check_json
        case ObjectType():
            return strict_object if strict else coerce_object
        case LiteralOf():
            make = strict_constant if strict else coerce_constant
            return make(type_.values, str(type_))
        case Media():
            return media_check(type_.name, strict=strict)
        case _:
            return _container(type_, constraints, strict=strict)


def _container(type_: Type, constraints: Constraints, *, strict: bool) -> Check:
    inner = _inner_constraints(type_, constraints)
    match type_:
        case SetOf():
            item = compile_check(type_.item, inner, strict=strict)
            return set_check(item, str(type_), strict=strict)
        case DictOf():
            key = _key_check(type_.key, strict=strict)
            value = compile_check(type_.value, inner, strict=strict)
            return dict_check(key, value, str(type_), strict=strict)
        case TupleOf(variadic=False):
            items = tuple(
                compile_check(item, NO_CONSTRAINTS, strict=strict) for item in type_.items
            )
            return tuple_check(items, str(type_), strict=strict)
        case _:
            item_type = item_of(type_)
            item = compile_check(item_type or NONE, inner, strict=strict)
            return list_check(item, str(type_), strict=strict)


def _inner_constraints(type_: Type, constraints: Constraints) -> Constraints:
    """Return the constraints of a container's items; those of a distribution are probabilities."""
    inner = constraints.items or NO_CONSTRAINTS
    if constraints.probability and isinstance(type_, (ListOf, SetOf, DictOf, TupleOf)):
        return Constraints(probability=True)
    return inner


def _limits(type_: Type, constraints: Constraints, *, strict: bool) -> Iterator[Limit]:
    if constraints.enum is not None:
        yield _enum(constraints.enum, strict=strict)
    if isinstance(type_, AnyType):
        yield _any_limits(constraints)
    elif type_ == STR:
        yield from text_limits(constraints)
    elif type_ in (INT, FLOAT):
        yield from number_limits(constraints)
    elif item_of(type_) is not None:
        yield from list_limits(constraints)
    if constraints.probability and type_ not in (INT, FLOAT, ANY):
        yield distribution
    yield from _schema_limits(constraints)


def _any_limits(constraints: Constraints) -> Limit:
    """Return the limits of Any: each kind of value gets those that mean something for it."""
    kinds: dict[type, Type] = {str: STR, int: INT, float: FLOAT}
    item = FLOAT if constraints.probability else ANY
    kinds |= {list: ListOf(item), dict: DictOf(STR, item)}
    own = dataclasses.replace(constraints, enum=None, schema=None)
    checks = {
        kind: compile_check(type_, fitting(own, type_), strict=True)
        for kind, type_ in kinds.items()
    }

    def limit(value: Any, findings: list[Finding]) -> Any:
        check = checks.get(type(value))
        return value if check is None else check(value, findings)

    return limit


def _enum(values: str, *, strict: bool) -> Limit:
    constants = json.loads(values)
    exact = strict_number_constant(constants, "enum")
    if strict:
        return exact
    loose = coerce_constant(constants, "enum")

    def limit(value: Any, findings: list[Finding]) -> Any:
        # A value that is there already keeps its own kind: 1.0 in a float field is not made 1.
        misses: list[Finding] = []
        exact(value, misses)
        return loose(value, findings) if misses else value

    return limit


def _schema_limits(constraints: Constraints) -> Iterator[Limit]:
    if constraints.schema is None:
        return
    errors = schema_errors(constraints.schema)

    def limit(value: Any, findings: list[Finding]) -> Any:
        findings.extend(errors(value))
        return value

    yield limit


def _union(type_: UnionOf, constraints: Constraints, *, strict: bool) -> Check:
    rest = without_none(type_)
    if rest != type_ and not isinstance(rest, UnionOf):
        full = compile_check(rest, fitting(constraints, rest), strict=strict)
        return optional_check(full, coerce=not strict, reads_none_words=True)
    # An integer is a float's value too; where the union has both, it is to stay an integer.
    options = sorted(type_.options, key=lambda option: option == FLOAT)
    return union_check(
        tuple(_option(option, constraints, strict=strict) for option in options), str(type_)
    )


def _option(type_: Type, constraints: Constraints, *, strict: bool) -> Option:
    fit = fitting(constraints, type_)
    return Option(
        exact=compile_check(type_, NO_CONSTRAINTS, strict=True),
        loose=None if strict else compile_check(type_, NO_CONSTRAINTS, strict=False),
        full=compile_check(type_, fit, strict=strict),
        container=_container_of(type_),
    )


def _container_of(type_: Type) -> type | None:
    match type_:
        case ListOf() | SetOf() | TupleOf():
            return list
        case DictOf() | ObjectType() | Media():
            return dict
    return None


def _key_check(type_: Type, *, strict: bool) -> Check:
    """Return the check of a dict's keys: a JSON string that writes a value of the type."""
    if isinstance(type_, AnyType) or type_ == STR:
        return scalars.strict_str
    check = compile_check(type_, NO_CONSTRAINTS, strict=strict)

    def key_check(key: Any, findings: list[Finding]) -> Any:
        if not isinstance(key, str):
            return scalars.strict_str(key, findings)
        before = len(findings)
        value = check(key, findings)
        if len(findings) > before:
            # Not the type's value as text (date, Literal['a']); then perhaps its JSON (1, true).
            read = read_json(key, key.strip()[:1], unreadable=key)
            again: list[Finding] = []
            value = check(read, again)
            if again:
                return key
            del findings[before:]
        return value if isinstance(value, str) else json.dumps(value)

    return key_check
