"""The kind Pipeline: a typed graph of steps."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dspex.api.base import (
    LIST_MAP,
    NULLABLE,
    SET,
    AnyJson,
    ApiModel,
    Duration,
    Name,
    NameReference,
    Resource,
    Status,
    Text,
    TypeText,
)
from dspex.api.constraints import InputField
from dspex.api.limits import MAX_DESCRIPTION, MAX_FIELDS, MAX_LIST, MAX_STEPS
from dspex.api.rule import Rule
from dspex.api.step import DefaultOnError, Retry, Step, ValidationMode


class PipelineOutput(ApiModel):
    """An output of a pipeline."""

    name: Name = Field(description="Name of the output.")
    type: TypeText = Field(
        default="str",
        description="Its type, in the spelling of an input's type. Default: str.",
    )
    value: AnyJson = Field(
        description="The value: JSON of any depth, with expressions in $( ). An absent value must "
        "be handled here with coalesce() or present(), or the type must allow None.",
        json_schema_extra={NULLABLE: True},
    )


class StepDefaults(ApiModel):
    """Policies for steps that do not say themselves. A sub-pipeline does not inherit them."""

    timeout: Duration | None = Field(
        default=None,
        description="The longest that one attempt may take. Default: the Pool's callTimeout for "
        "a dspy step.",
    )
    retry: Retry | None = Field(
        default=None,
        description="When a failed attempt is followed by another. Default: one attempt.",
    )
    on_error: DefaultOnError | None = Field(
        default=None,
        strict=False,
        description="What a failed step does: Fail ends the run, Continue goes on as if its "
        "outputs were absent. Default: Fail.",
    )
    validation: ValidationMode | None = Field(
        default=None,
        strict=False,
        description="Coerce turns values into their types where that is plain, Strict refuses. "
        "Default: Coerce.",
    )


class Timeouts(ApiModel):
    """The longest that a run of the pipeline and its parts may take."""

    total: Duration | None = Field(
        default=None,
        description="The whole run, finally included; a run's own timeout wins. Default: no limit.",
    )
    steps: Duration | None = Field(
        default=None,
        description="All steps together, without finally. Default: total less finally.",
    )
    finally_: Duration | None = Field(
        default=None,
        alias="finally",
        description="All finally steps together. Default: 1m, at most half of total.",
    )


def _names_differ(spec: "PipelineSpec") -> bool:
    names = {step.name for step in spec.steps}
    return all(step.name not in names for step in spec.finally_)


class PipelineSpec(ApiModel):
    """The graph: inputs, steps, outputs."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.finally) || "
            "self.finally.all(f, !self.steps.exists(s, s.name == f.name))",
            message="a finally step can't have the name of a step",
            check=_names_differ,
            field="finally",
            remedy="rename one of them",
        ),
    )

    description: Text = Field(default="", description="What the pipeline does, in words.")
    inputs: Annotated[tuple[InputField, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_FIELDS,
        description="The inputs of a run, with their types.",
        json_schema_extra=LIST_MAP,
    )
    outputs: Annotated[tuple[PipelineOutput, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_FIELDS,
        description="The outputs of a run, with their types and where they come from.",
        json_schema_extra=LIST_MAP,
    )
    defaults: StepDefaults | None = Field(
        default=None, description="Policies for steps that do not say themselves."
    )
    steps: Annotated[tuple[Step, ...], Field(strict=False)] = Field(
        min_length=1,
        max_length=MAX_STEPS,
        description="The steps. One starts as soon as the steps that its expressions read, and "
        "those in after, have ended; steps that nothing ties run at the same time.",
        json_schema_extra=LIST_MAP,
    )
    finally_: Annotated[tuple[Step, ...], Field(strict=False)] = Field(
        default=(),
        alias="finally",
        max_length=MAX_STEPS,
        description="Steps that run when all others have ended: after success, failure, timeout "
        "and Stop, not after Cancel. They see the state of every step.",
        json_schema_extra=LIST_MAP,
    )
    timeouts: Timeouts | None = Field(
        default=None, description="The longest that a run and its parts may take."
    )
    concurrency: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None,
        description="Steps and items that run at the same time in one run. Default: no limit but "
        "the steps' own.",
    )


class GraphStep(ApiModel):
    """A step as the compiler sees it."""

    name: NameReference = Field(description="Name of the step.")
    kind: Annotated[str, Field(max_length=32)] = Field(description="Kind of the step.")
    depends_on: Annotated[tuple[NameReference, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_STEPS,
        description="Steps that it waits for.",
        json_schema_extra=SET,
    )
    finally_: bool = Field(
        default=False, alias="finally", description="Whether it is a finally step."
    )


class PipelineStatus(Status):
    """What the compiler found."""

    graph: Annotated[tuple[GraphStep, ...], Field(strict=False)] = Field(
        default=(),
        max_length=2 * MAX_STEPS,
        description="The steps with what each waits for.",
        json_schema_extra=LIST_MAP,
    )
    digest: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="sha256 of the compiled plan."
    )
    warnings: Annotated[
        tuple[Annotated[str, Field(max_length=MAX_DESCRIPTION)], ...], Field(strict=False)
    ] = Field(
        default=(),
        max_length=MAX_LIST,
        description="What is allowed but probably not meant, such as an input that nothing reads.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )


class Pipeline(Resource):
    """A typed graph of steps."""

    kind: Literal["Pipeline"] = Field(default="Pipeline", description="Always Pipeline.")
    spec: PipelineSpec = Field(description="The graph: inputs, steps, outputs.")
    status: PipelineStatus = Field(
        default_factory=PipelineStatus, description="What the compiler found; written by DSPex."
    )
