"""What all models share: camelCase names, strict types, immutability, rules; and metadata."""

import functools
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from dspex.api import names
from dspex.api.duration import (
    DURATION_PATTERN,
    MAX_DURATION_LENGTH,
    DurationError,
    parse_duration,
)
from dspex.api.limits import (
    MAX_DESCRIPTION,
    MAX_EXPRESSION,
    MAX_FIELDS,
    MAX_JSON,
    MAX_PATH,
    MAX_TYPE,
)
from dspex.api.rule import Broken, Rule, broken

GROUP: Final = "dspex.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = "dspex.dev/v1alpha1"

RULE_ERROR: Final = "dspex_rules"
"""Type of the pydantic error that carries broken rules in its context, under `broken`."""

VALUE_ERROR: Final = "dspex_value"
"""Type of the pydantic error of one value; context: `message`, `expected`, `remedy`."""

LIST_TYPE: Final = "x-kubernetes-list-type"
LIST_KEYS: Final = "x-kubernetes-list-map-keys"
LIST_MAP: Final[dict[str, JsonValue]] = {
    LIST_TYPE: "map",
    LIST_KEYS: ["name"],
}
SET: Final[dict[str, JsonValue]] = {LIST_TYPE: "set"}
ATOMIC: Final[dict[str, JsonValue]] = {LIST_TYPE: "atomic"}
NULLABLE: Final = "x-dspex-nullable"
"""Marks a field whose null means null; any other null counts as absent, as in the cluster."""

RULES: Final = "x-dspex-rules"
"""Where a model's rules stand in the JSON Schema that pydantic writes."""

PATH_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
DOTTED_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"
REGISTRY_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$"
ENV_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
URL_PATTERN: Final = r"^https?://\S+$"
FORMAT_PATTERN: Final = r"^[a-z][a-z0-9-]{0,62}$"
STEP_PATH_PATTERN: Final = r"^[a-z][A-Za-z0-9_]{0,62}(/[a-z][A-Za-z0-9_]{0,62}){0,7}$"
CAMEL_PATTERN: Final = r"^[A-Z][A-Za-z0-9]*$"
CONDITION_PATTERN: Final = r"^(True|False|Unknown)$"
IDENTIFIER_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
CORE_NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
DATA_KEY_PATTERN: Final = r"^[-._a-zA-Z0-9]+$"
EXPRESSION_PATTERN: Final = r"^\s*\$\([\s\S]*\)\s*$"
_EXPRESSION: Final = re.compile(EXPRESSION_PATTERN)
TIMESTAMP_PATTERN: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"


PATTERN_WORDS: Final = {
    PATH_PATTERN: "a name or a dotted path, such as Predict or shop.modules.Rank",
    DOTTED_PATTERN: "a dotted path, such as shop.tools.search",
    REGISTRY_PATTERN: "a name of letters, digits, _, . and -, such as exact_match",
    ENV_PATTERN: "a name of letters, digits and _, such as LOG_LEVEL",
    URL_PATTERN: "a URL that begins with http:// or https://",
    FORMAT_PATTERN: "the name of a format, such as email or date-time",
    STEP_PATH_PATTERN: "a step's name, or outer/inner for a step of a sub-pipeline",
    CAMEL_PATTERN: "one CamelCase word, such as Pending",
    CONDITION_PATTERN: "True, False or Unknown, in quotes",
    IDENTIFIER_PATTERN: "a Python name, such as search_orders",
    CORE_NAME_PATTERN: "a name of lower-case letters, digits, - and .",
    DATA_KEY_PATTERN: "a key of letters, digits, -, _ and .",
    TIMESTAMP_PATTERN: "a moment such as 2026-11-22T20:57:00Z",
}
"""What each pattern asks for, in words."""


class ApiModel(BaseModel):
    """Base of all models: unknown fields refused, no conversion between types, immutable.

    A null counts as absent, as the API server has it, unless the field is marked nullable.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules between the fields."""

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or None not in data.values():
            return data
        droppable = {
            key
            for name, field in cls.model_fields.items()
            if not is_nullable(field)
            for key in (name, field.alias or name)
        }
        return {k: v for k, v in data.items() if v is not None or k not in droppable}

    @model_validator(mode="after")
    def _check_rules(self) -> Any:
        found = [*broken(self.rules, self), *duplicates(type(self), self)]
        if found:
            raise PydanticCustomError(
                RULE_ERROR,
                "{messages}",
                {"messages": "; ".join(each.message for each in found), "broken": found},
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        validations = [rule.to_kubernetes() for rule in cls.rules if rule.cel]
        if validations:
            handler.resolve_ref_schema(schema)[RULES] = validations
        for each in cls.rules:
            if isinstance(each.json_schema, dict):
                handler.resolve_ref_schema(schema).update(each.json_schema)
        return schema

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_absent(self, handler(self))

    def to_json(self) -> dict[str, Any]:
        """Return the object as the cluster holds it: camelCase names, absent fields left out."""
        return self.model_dump(mode="json")


def is_nullable(field: FieldInfo) -> bool:
    """Say whether null is a value of the field, instead of its absence."""
    return isinstance(field.json_schema_extra, dict) and NULLABLE in field.json_schema_extra


def has_schema_default(field: FieldInfo) -> bool:
    """Say whether the API server fills the field in where it is absent."""
    return not field.is_required() and not field.default_factory and bool(field.default)


def duplicates(model: type[BaseModel], value: object) -> list[Broken]:
    """Find the names that stand twice in a list-map, and the values that stand twice in a set."""
    found = []
    for attribute, alias, key in _unique_lists(model):
        seen: dict[str, int] = {}
        for index, item in enumerate(getattr(value, attribute)):
            given = getattr(item, key, None) if key else item
            first = seen.setdefault(str(given), index)
            if first != index and given is not None:
                path = (alias, index, key) if key else (alias, index)
                message = f"{str(given)!r} stands already in {alias}[{first}]"
                found.append(Broken(message, path, "give each its own name, or remove one"))
    return found


@functools.cache
def _unique_lists(model: type[BaseModel]) -> tuple[tuple[str, str, str], ...]:
    """List a model's list-maps and sets: attribute, name in manifests, key (none for a set)."""
    found = []
    for attribute, field in model.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        keys = extra.get(LIST_KEYS, [""])
        if extra.get(LIST_TYPE) in ("map", "set") and isinstance(keys, list):
            found.append((attribute, field.alias or attribute, str(keys[0])))
    return tuple(found)


def _without_absent(model: BaseModel, data: dict[str, Any]) -> dict[str, Any]:
    kept = dict(data)
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        absent = kept.get(key) is None and not is_nullable(field)
        unset = name not in model.model_fields_set and not has_schema_default(field)
        if absent or unset:
            kept.pop(key, None)
    return kept


def refuse(message: str, *, expected: str, remedy: str) -> PydanticCustomError:
    """Make the error of a value that breaks a rule of its own."""
    context = {"message": message, "expected": expected, "remedy": remedy}
    return PydanticCustomError(VALUE_ERROR, "{message}", context)


def _name(value: str) -> str:
    reason = names.check_name(value)
    if reason:
        raise refuse(
            reason,
            expected="a name such as topic or firstDraft, no reserved word",
            remedy="choose another name",
        )
    return value


def _object_name(value: str) -> str:
    reason = names.check_object_name(value)
    if reason:
        raise refuse(
            reason,
            expected="a name such as support-triage",
            remedy="write lower-case letters, digits and -, at most 63",
        )
    return value


def _duration_text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise refuse(
        f"{str(value)[:40]} is not a duration",
        expected="a duration such as 30s, 500ms, 1m30s or 2h",
        remedy=f"write {value}s" if isinstance(value, int) and value > 0 else "write a duration",
    )


def _expression(value: Any) -> Any:
    if isinstance(value, str) and _EXPRESSION.fullmatch(value):
        return value
    shown = json.dumps(value) if isinstance(value, (bool, int, float)) else None
    raise refuse(
        "exactly one expression in $( ) belongs here",
        expected="an expression such as $(inputs.urgent)",
        remedy=f"write $({shown})" if shown else "put all of it into one $( )",
    )


def _duration(value: str) -> str:
    try:
        seconds = parse_duration(value)
    except DurationError as error:
        finding = error.diagnostics[0]
        raise refuse(
            finding.message, expected=finding.expected or "", remedy=finding.remedy or ""
        ) from error
    if seconds <= 0:
        raise refuse(
            f"{value!r} is no time at all",
            expected="a duration above zero, such as 30s",
            remedy="write a longer duration, or leave the field out",
        )
    return value


class JsonSize:
    """A validator that bounds a free JSON value by the bytes of its JSON text."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, value: Any) -> Any:
        """Return the value; raise if its JSON text, written without spaces, is too long."""
        size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
        if size > self.limit:
            raise refuse(
                f"the value has {size} bytes of JSON",
                expected=f"at most {self.limit} bytes",
                remedy="make it smaller, or pass it by reference",
            )
        return value


_RESERVED: Final[dict[str, JsonValue]] = Rule(
    cel=f"!(self.lowerAscii() in {sorted(names.YAML_WORDS)}) && !(self in "
    f"{sorted(names.CEL_WORDS - names.YAML_WORDS)})",
    message="a name can't be a word of CEL, nor one that YAML reads as a boolean or null "
    "(y, n, yes, no, on, off, …)",
).to_kubernetes()

Name = Annotated[
    str,
    Field(
        max_length=names.MAX_NAME,
        json_schema_extra={
            "pattern": names.NAME_PATTERN,
            "x-kubernetes-validations": [_RESERVED],
        },
    ),
    AfterValidator(_name),
]
"""Name of a step, an input or a field, where it is given."""

NameReference = Annotated[
    str,
    Field(max_length=names.MAX_NAME, json_schema_extra={"pattern": names.NAME_PATTERN}),
    AfterValidator(_name),
]
"""Name of a step, an input or a field, where it is referred to."""

ObjectName = Annotated[
    str,
    Field(max_length=names.MAX_NAME, json_schema_extra={"pattern": names.OBJECT_NAME_PATTERN}),
    AfterValidator(_object_name),
]
"""Name of an object of group dspex.dev."""

Duration = Annotated[
    str,
    Field(max_length=MAX_DURATION_LENGTH, json_schema_extra={"pattern": DURATION_PATTERN}),
    BeforeValidator(_duration_text),
    AfterValidator(_duration),
]
"""A time above zero, with its unit."""

Expression = Annotated[
    str,
    Field(max_length=MAX_EXPRESSION, json_schema_extra={"pattern": EXPRESSION_PATTERN}),
    BeforeValidator(_expression),
]
"""Exactly one expression in `$( )`."""

Text = Annotated[str, Field(max_length=MAX_DESCRIPTION)]
TypeText = Annotated[str, Field(min_length=1, max_length=MAX_TYPE)]
ModulePath = Annotated[str, Field(min_length=1, max_length=MAX_PATH, pattern=PATH_PATTERN)]
DottedPath = Annotated[str, Field(min_length=3, max_length=MAX_PATH, pattern=DOTTED_PATTERN)]
Identifier = Annotated[str, Field(max_length=names.MAX_NAME, pattern=IDENTIFIER_PATTERN)]
Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
Timestamp = Annotated[
    str,
    Field(max_length=40, pattern=TIMESTAMP_PATTERN, json_schema_extra={"format": "date-time"}),
]
"""A moment in RFC 3339, such as 2026-11-22T20:57:00Z."""

_FREE: Final[dict[str, JsonValue]] = {"x-kubernetes-preserve-unknown-fields": True}

AnyJson = Annotated[JsonValue, Field(json_schema_extra=_FREE), AfterValidator(JsonSize(MAX_JSON))]
"""Any JSON value of up to 64 KiB."""

JsonObject = Annotated[
    dict[str, JsonValue],
    Field(max_length=256, json_schema_extra=_FREE),
    AfterValidator(JsonSize(MAX_JSON)),
]
"""A free JSON object of up to 64 KiB and 256 properties."""

Values = Annotated[
    dict[Name, JsonValue],
    Field(max_length=MAX_FIELDS, json_schema_extra=_FREE),
    AfterValidator(JsonSize(MAX_JSON)),
]
"""JSON values by the name of an input or a field."""


class ObjectReference(ApiModel):
    """A reference to an object in the same namespace."""

    name: ObjectName = Field(description="Name of the object, in the same namespace.")


CoreName = Annotated[str, Field(min_length=1, max_length=253, pattern=CORE_NAME_PATTERN)]
"""Name of a Secret or a ConfigMap."""

DataKey = Annotated[str, Field(min_length=1, max_length=253, pattern=DATA_KEY_PATTERN)]
"""Key in a Secret or a ConfigMap."""


class KeyReference(ApiModel):
    """A reference to one key of a Secret or a ConfigMap in the same namespace."""

    name: CoreName = Field(description="Name of the Secret or ConfigMap, in the same namespace.")
    key: DataKey = Field(description="Key in its data.")


class CoreReference(ApiModel):
    """A reference to a Secret, a ConfigMap or the like in the same namespace."""

    name: CoreName = Field(description="Its name; it is in the same namespace.")


class ObjectMeta(BaseModel):
    """The metadata of an object; what DSPex does not read is kept and ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="allow",
        frozen=True,
        strict=True,
    )

    name: ObjectName = Field(
        description="Name of the object: lower-case letters, digits and -, up to 63 characters."
    )
    namespace: str = Field(default="", description="Namespace; the current one if not set.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations.")
    uid: str = Field(default="", description="Identity that the cluster gave the object.")
    generation: int = Field(default=0, description="Counts the changes of spec.")
    resource_version: str = Field(default="", description="Version that the cluster gave it.")

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_absent(self, handler(self))


class Status(ApiModel):
    """What every status has."""

    observed_generation: int | None = Field(
        default=None,
        ge=0,
        description="The metadata.generation that this status speaks of.",
    )
    conditions: Annotated[tuple["Condition", ...], Field(strict=False, max_length=16)] = Field(
        default=(),
        description="Ready, Reconciling and Stalled, as kstatus reads them.",
        json_schema_extra={
            LIST_TYPE: "map",
            LIST_KEYS: ["type"],
        },
    )

    def condition(self, type_: str) -> "Condition | None":
        """Return the condition of a type, None if it is not there."""
        return next((each for each in self.conditions if each.type == type_), None)


class Condition(ApiModel):
    """One aspect of an object's state, as Kubernetes' own conditions have it."""

    type: Annotated[str, Field(max_length=64, pattern=CAMEL_PATTERN)] = Field(
        description="Which aspect: Ready, Reconciling, Stalled, or Succeeded for a run."
    )
    status: Annotated[str, Field(max_length=7, pattern=CONDITION_PATTERN)] = Field(
        description="True, False or Unknown."
    )
    reason: Annotated[str, Field(max_length=64, pattern=CAMEL_PATTERN)] = Field(
        description="Why, in one CamelCase word."
    )
    message: Text = Field(default="", description="Why, for a person.")
    last_transition_time: Timestamp = Field(description="When status last changed.")
    observed_generation: int | None = Field(
        default=None, ge=0, description="The metadata.generation that it speaks of."
    )


class Resource(ApiModel):
    """Base of the kinds: apiVersion, kind, metadata, spec, status."""

    api_version: Literal["dspex.dev/v1alpha1"] = Field(
        default=API_VERSION, description="Always dspex.dev/v1alpha1."
    )
    kind: str = Field(description="The kind's name.")
    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")
    spec: ApiModel = Field(description="What is wanted.")
    status: Status = Field(description="What is; written by DSPex.")

    @property
    def name(self) -> str:
        """The object's name."""
        return self.metadata.name

    @property
    def subject(self) -> str:
        """`Kind/name`, as diagnostics name the object."""
        return f"{self.kind}/{self.metadata.name}"


Status.model_rebuild()
