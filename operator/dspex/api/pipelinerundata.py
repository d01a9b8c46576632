"""The kind PipelineRunData: outputs and checkpoints of a run's steps, written by its runner."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue

from dspex.api.base import ApiModel, JsonSize, ObjectReference, Resource, Status
from dspex.api.limits import MAX_DATA
from dspex.api.pipelinerun import StepPath
from dspex.api.rule import Rule, exactly_one

Data = Annotated[
    dict[str, JsonValue],
    Field(max_length=1024, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    AfterValidator(JsonSize(MAX_DATA)),
]
"""A free JSON object of up to 512 KiB."""


class PipelineRunDataSpec(ApiModel):
    """The outputs or a checkpoint of one step."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("outputs", "checkpoint", message="give exactly one of outputs and checkpoint"),
    )

    run_ref: ObjectReference = Field(description="The run that it belongs to.")
    step: StepPath | None = Field(
        default=None,
        description="The step that it belongs to; a step of a sub-pipeline is outer/inner. "
        "Without it the outputs are the run's own.",
    )
    outputs: Data | None = Field(
        default=None, description="The step's outputs by name, as JSON; up to 512 KiB."
    )
    checkpoint: Data | None = Field(
        default=None, description="What the runner needs to go on with the step; up to 512 KiB."
    )


class PipelineRunDataStatus(Status):
    """Nothing but conditions: the data is complete when it is there."""


class PipelineRunData(Resource):
    """Outputs or a checkpoint of a step of a run; written by DSPex, deleted with the run."""

    kind: Literal["PipelineRunData"] = Field(
        default="PipelineRunData", description="Always PipelineRunData."
    )
    spec: PipelineRunDataSpec = Field(description="The outputs or a checkpoint of one step.")
    status: PipelineRunDataStatus = Field(
        default_factory=PipelineRunDataStatus, description="Conditions."
    )
