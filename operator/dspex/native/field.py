"""A field of a signature, a pipeline or a step: a name, a type and what its values must satisfy."""

import dataclasses
from dataclasses import dataclass
from typing import Final

from dspex.native.types import Type


class _Missing:
    """The absence of a default, which None can't stand for: None may be a default."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a value must satisfy beside its type; None asks nothing.

    Names are those of the manifests in snake case: string (`min_length`, `max_length`, `pattern`,
    `enum`, `format`), number (`minimum`, `maximum`, `exclusive_minimum`, `exclusive_maximum`,
    `multiple_of`, `probability`, `confidence`), list (`min_items`, `max_items`, `unique_items`,
    `items`, `probability`, `dimension`, `shape`), object (`schema`). `enum` and `schema` are JSON
    texts, so that the value stays hashable.

    `probability` and `confidence` are numbers from 0 to 1; a list or a dict with `probability` is a
    distribution, whose sum is 1. `dimension` is the exact length of an embedding, a list of
    numbers. `shape` is that of a tensor, a list of lists, with -1 for any size.
    """

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: str | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    multiple_of: float | None = None
    probability: bool | None = None
    confidence: bool | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool | None = None
    items: "Constraints | None" = None
    dimension: int | None = None
    shape: tuple[int, ...] | None = None
    schema: str | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in dataclasses.fields(self))


NO_CONSTRAINTS: Final = Constraints()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A typed name.

    Attributes:
        name: As design's rule for names has it.
        type: Its type.
        description: DSPy's `desc`; empty means DSPy's own default, `${name}`.
        prefix: DSPy's prefix; empty means the one that DSPy infers from the name.
        default: JSON text of the default in wire form, or MISSING.
        constraints: What its values must satisfy.
    """

    name: str
    type: Type
    description: str = ""
    prefix: str = ""
    default: str | _Missing = MISSING
    constraints: Constraints = NO_CONSTRAINTS
