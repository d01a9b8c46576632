"""Hypothesis strategies of types, and of values in wire form that a type takes."""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from dspex.native.types import (
    ANY,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT,
    INT,
    NONE,
    OBJECT,
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
    union,
)

TEXTS = st.text(max_size=12).filter(lambda text: text.isprintable() or text.isascii())
INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
"""Any JSON value of bounded size."""

_CONSTANTS = st.lists(st.one_of(TEXTS, INTS, st.booleans(), st.none()), min_size=1, max_size=4)
# Not Literal[1, True]: a Python dict takes both keys for one.
_KEYS = st.sampled_from([STR, INT, BOOL, DATE, LiteralOf(("a", "b")), LiteralOf((1, None))])

SCALARS = st.sampled_from([STR, INT, FLOAT, BOOL, BYTES, DATE, DATETIME, NONE, ANY, OBJECT])
MEDIA: st.SearchStrategy[Type] = st.sampled_from(
    [Media("Image"), Media("Audio"), Media("File"), Media("History"), Media("Tool")]
)


def _literal(values: list[Any]) -> Type:
    return LiteralOf(tuple({(type(value), value): value for value in values}.values()))


def _containers(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    items = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(
        inner.map(ListOf),
        inner.map(SetOf),
        st.builds(DictOf, _KEYS, inner),
        items.map(TupleOf),
        inner.map(lambda item: TupleOf((item,), variadic=True)),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: union(*options)),
    )


TYPES: st.SearchStrategy[Type] = st.recursive(
    st.one_of(SCALARS, MEDIA, _CONSTANTS.map(_literal)), _containers, max_leaves=5
)
"""Any type of bounded size."""

_MEDIA_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Image": st.sampled_from(
        [{"url": "https://example.com/a.png"}, {"url": "data:image/png;base64,aGk="}]
    ),
    "Audio": st.just({"data": "aGk=", "audio_format": "wav"}),
    "File": st.sampled_from([{"file_id": "f-1"}, {"file_data": "data:text/plain;base64,aGk="}]),
    "History": st.just({"messages": [{"question": "a", "answer": "b"}]}),
    "Tool": st.just({"name": "search"}),
}

_SCALAR_VALUES: dict[Scalar, st.SearchStrategy[Any]] = {
    STR: TEXTS,
    INT: INTS,
    FLOAT: FLOATS,
    BOOL: st.booleans(),
    BYTES: st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode()),
    DATE: st.dates().map(lambda date: date.isoformat()),
    DATETIME: st.datetimes().map(lambda moment: moment.isoformat()),
    NONE: st.none(),
}


def values_of(type_: Type) -> st.SearchStrategy[Any]:
    """Give values in wire form that have the type exactly."""
    match type_:
        case Scalar():
            return _SCALAR_VALUES[type_]
        case AnyType():
            return JSON_VALUES
        case ObjectType():
            return st.dictionaries(TEXTS, JSON_VALUES, max_size=3)
        case LiteralOf():
            return st.sampled_from(type_.values)
        case Media():
            return _MEDIA_VALUES[type_.name]
        case UnionOf():
            return st.one_of(*map(values_of, type_.options))
        case ListOf():
            return st.lists(values_of(type_.item), max_size=3)
        case SetOf():
            return st.lists(values_of(type_.item), max_size=3, unique_by=_same)
        case TupleOf(variadic=True):
            return st.lists(values_of(type_.items[0]), max_size=3)
        case TupleOf():
            return st.tuples(*map(values_of, type_.items)).map(list)
        case DictOf():
            keys = values_of(type_.key).map(_key)
            return st.dictionaries(keys, values_of(type_.value), max_size=3)


def _same(value: Any) -> str:
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def _key(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Type, Any]:
    """Give a type and a value of it."""
    type_ = draw(TYPES)
    return type_, draw(values_of(type_))
