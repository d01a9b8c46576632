"""What the values of a field must satisfy, and the fields of signatures and pipelines."""

from typing import Annotated, ClassVar

from pydantic import Field, JsonValue, WithJsonSchema

from dspex.api.base import (
    FORMAT_PATTERN,
    NULLABLE,
    AnyJson,
    ApiModel,
    JsonObject,
    Name,
    Number,
    Text,
    TypeText,
)
from dspex.api.limits import MAX_CONSTRAINT_DEPTH, MAX_LIST, MAX_PATTERN
from dspex.api.rule import Rule, ordered

Positive = Annotated[
    int | float, Field(gt=0), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]

_ORDERED = (
    ordered("minLength", "maxLength"),
    ordered("minItems", "maxItems"),
    ordered("minimum", "maximum"),
)


def _depth(value: "Constraints") -> int:
    return 0 if value.items is None else 1 + _depth(value.items)


class Constraints(ApiModel):
    """What a value must satisfy beside its type; a field left out asks nothing."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *_ORDERED,
        Rule(
            # The CRD ends there, so the API server finds a deeper one as an unknown field.
            cel="",
            message=f"items are nested deeper than {MAX_CONSTRAINT_DEPTH} levels",
            check=lambda value: _depth(value) <= MAX_CONSTRAINT_DEPTH,
            field="items",
            remedy="say it in schema",
        ),
    )

    min_length: Count | None = Field(
        default=None, description="Strings: the fewest characters (code points) allowed."
    )
    max_length: Count | None = Field(
        default=None, description="Strings: the most characters (code points) allowed."
    )
    pattern: Annotated[str, Field(min_length=1, max_length=MAX_PATTERN)] | None = Field(
        default=None,
        description="Strings: a regular expression that must be found in the value; write ^ and $ "
        "to match all of it.",
    )
    enum: Annotated[tuple[JsonValue, ...], Field(strict=False)] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_LIST,
        description="The only values allowed, written as JSON. Prefer the type Literal[…], which "
        "the model is told of too.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    format: Annotated[str, Field(pattern=FORMAT_PATTERN, max_length=63)] | None = Field(
        default=None,
        description="Strings: a format of JSON Schema such as email, uri, uuid, ipv4, date, time "
        "or date-time.",
    )
    minimum: Number | None = Field(
        default=None, description="Numbers: the least value allowed, itself included."
    )
    maximum: Number | None = Field(
        default=None, description="Numbers: the greatest value allowed, itself included."
    )
    exclusive_minimum: Number | None = Field(
        default=None, description="Numbers: values must be greater than this."
    )
    exclusive_maximum: Number | None = Field(
        default=None, description="Numbers: values must be less than this."
    )
    multiple_of: Positive | None = Field(
        default=None, description="Numbers: values must be a multiple of this; greater than 0."
    )
    min_items: Count | None = Field(
        default=None, description="Lists, sets and tuples: the fewest items allowed."
    )
    max_items: Count | None = Field(
        default=None, description="Lists, sets and tuples: the most items allowed."
    )
    unique_items: bool | None = Field(
        default=None, description="Lists: whether no two items may be equal. Default: false."
    )
    probability: bool | None = Field(
        default=None,
        description="true: a number from 0 to 1; a list or a dict of them is a distribution, whose "
        "sum is 1. Default: false.",
    )
    confidence: bool | None = Field(
        default=None, description="true: a number from 0 to 1. Default: false."
    )
    dimension: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Embeddings: how many numbers the list holds, exactly."
    )
    shape: Annotated[tuple[Annotated[int, Field(ge=-1)], ...], Field(strict=False)] | None = Field(
        default=None,
        min_length=1,
        max_length=8,
        description="Tensors as lists of lists: the size of each level, -1 for any size.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    items: "Constraints | None" = Field(
        default=None,
        description="Lists, sets and tuples: what each item must satisfy, up to three levels deep.",
    )
    schema_: JsonObject | None = Field(
        default=None,
        alias="schema",
        description="A JSON Schema (2020-12) that the value must satisfy; for the type object, "
        "or where the other constraints are not enough. Without $ref to other documents.",
    )


class Named(ApiModel):
    """A name with a description."""

    name: Name = Field(
        description="Name of the field: a lower-case letter, then letters, digits or _; no word "
        "of CEL and none that YAML reads as a boolean or null (y, n, yes, no, on, off, …)."
    )
    description: Text = Field(
        default="", description="What the field holds, in words. The model is shown it."
    )


class Typed(Named):
    """A name with a type and a default."""

    type: TypeText = Field(
        default="str",
        description="The type, in Python's spelling: str, int, float, bool, bytes, Any, "
        "list[…], dict[…, …], tuple[…], set[…], Literal['a', 'b'], Optional[…], A | B, date, "
        "datetime, object (with schema), Image, Audio, File, History, Tool; nested to any depth. "
        "Default: str.",
    )
    default: AnyJson = Field(
        default=None,
        description="The value where none is given, as JSON. Without it the input is required, "
        "unless its type allows None.",
        json_schema_extra={NULLABLE: True},
    )

    @property
    def has_default(self) -> bool:
        """Whether a default is given; it may be null."""
        return "default" in self.model_fields_set


class ConstrainedField(Constraints, Named):
    """A name with what its values must satisfy."""


class InputField(Constraints, Typed):
    """An input of a pipeline, or a field of a signature."""
