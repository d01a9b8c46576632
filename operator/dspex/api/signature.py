"""The kind Signature: a typed task, as DSPy has it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dspex.api.base import LIST_MAP, ApiModel, JsonObject, Resource, Status
from dspex.api.constraints import ConstrainedField, InputField
from dspex.api.limits import MAX_FIELDS, MAX_INSTRUCTIONS, MAX_SIGNATURE
from dspex.api.rule import Rule, given

Prefix = Annotated[str, Field(max_length=256)]

_PREFIX = (
    "Words that stand before the field's value in the prompt, ended by a colon. Default: made "
    "from the name."
)


class SignatureField(InputField):
    """An input or output of a signature."""

    prefix: Prefix = Field(default="", description=_PREFIX)


class FieldOverride(ConstrainedField):
    """What is added to a field of the signature string."""

    prefix: Prefix = Field(default="", description=_PREFIX)


def _has_fields(spec: "SignatureSpec") -> bool:
    return bool(spec.inputs or spec.outputs)


class SignatureSpec(ApiModel):
    """The task: its inputs and outputs, and what to do."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.signature) != (has(self.inputs) || has(self.outputs))",
            message="give either signature, or inputs and outputs",
            check=lambda spec: (spec.signature is not None) != _has_fields(spec),
            remedy="keep the string in signature, or the lists inputs and outputs",
        ),
        Rule(
            cel="has(self.inputs) == has(self.outputs)",
            message="inputs and outputs go together",
            check=lambda spec: bool(spec.inputs) == bool(spec.outputs),
            remedy="write both lists; each has at least one field",
        ),
        Rule(
            cel="!has(self.fields) || has(self.signature)",
            message="fields stands only beside signature",
            check=lambda spec: not spec.fields or given(spec, "signature") == 1,
            field="fields",
            remedy="put the constraints into inputs and outputs",
        ),
    )

    signature: Annotated[str, Field(min_length=1, max_length=MAX_SIGNATURE)] | None = Field(
        default=None,
        description="Inputs, ->, outputs in DSPy's syntax, such as "
        "question: str, context: list[str] -> answer: str. A field without a type is a str.",
    )
    inputs: Annotated[tuple[SignatureField, ...], Field(strict=False)] = Field(
        default=(),
        min_length=1,
        max_length=MAX_FIELDS,
        description="The inputs, in order; in place of signature, together with outputs.",
        json_schema_extra=LIST_MAP,
    )
    outputs: Annotated[tuple[SignatureField, ...], Field(strict=False)] = Field(
        default=(),
        min_length=1,
        max_length=MAX_FIELDS,
        description="The outputs, in the order in which the model writes them; in place of "
        "signature, together with inputs.",
        json_schema_extra=LIST_MAP,
    )
    instructions: Annotated[str, Field(max_length=MAX_INSTRUCTIONS)] = Field(
        default="",
        description="What the model is to do. Default: DSPy's own sentence, which names the "
        "inputs and outputs.",
    )
    fields: Annotated[tuple[FieldOverride, ...], Field(strict=False)] = Field(
        default=(),
        max_length=2 * MAX_FIELDS,
        description="Descriptions and constraints for fields of signature, by name.",
        json_schema_extra=LIST_MAP,
    )


class SignatureStatus(Status):
    """What DSPex understood."""

    signature: str | None = Field(
        default=None,
        max_length=4 * MAX_SIGNATURE,
        description="The signature in its canonical spelling, every type written out.",
    )
    inputs: Annotated[tuple[SignatureField, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_FIELDS,
        description="The inputs with their types.",
        json_schema_extra=LIST_MAP,
    )
    outputs: Annotated[tuple[SignatureField, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_FIELDS,
        description="The outputs with their types.",
        json_schema_extra=LIST_MAP,
    )
    input_schema: JsonObject | None = Field(
        default=None, description="JSON Schema of the inputs as an object."
    )
    output_schema: JsonObject | None = Field(
        default=None, description="JSON Schema of the outputs as an object."
    )
    digest: Annotated[str, Field(max_length=128)] | None = Field(
        default=None,
        description="sha256 of everything that matters to a result; two signatures with the same "
        "digest are the same task.",
    )


class Signature(Resource):
    """A typed task: inputs, outputs and instructions, as in DSPy."""

    kind: Literal["Signature"] = Field(default="Signature", description="Always Signature.")
    spec: SignatureSpec = Field(description="The task: its inputs and outputs, and what to do.")
    status: SignatureStatus = Field(
        default_factory=SignatureStatus, description="What DSPex understood; written by DSPex."
    )
