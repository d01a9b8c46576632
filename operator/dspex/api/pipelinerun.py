"""The kind PipelineRun: one execution of a Pipeline, and all that came of it."""

import enum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue

from dspex.api.base import (
    ATOMIC,
    LIST_MAP,
    STEP_PATH_PATTERN,
    ApiModel,
    CoreReference,
    Duration,
    JsonObject,
    JsonSize,
    Name,
    ObjectReference,
    Resource,
    Status,
    Text,
    Timestamp,
)
from dspex.api.limits import (
    MAX_DESCRIPTION,
    MAX_FIELDS,
    MAX_JSON,
    MAX_LIST,
    MAX_RUN_INPUTS,
    MAX_STATUS_STEPS,
    MAX_TRACEBACK,
)
from dspex.api.rule import Rule, exactly_one

Count = Annotated[int, Field(ge=0)]

RunValues = Annotated[
    dict[Name, JsonValue],
    Field(max_length=MAX_FIELDS, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    AfterValidator(JsonSize(MAX_RUN_INPUTS)),
]
"""JSON values by name, up to 512 KiB together."""

InlineValues = Annotated[
    dict[Name, JsonValue],
    Field(max_length=MAX_FIELDS, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    AfterValidator(JsonSize(MAX_JSON)),
]
"""JSON values by name, up to 64 KiB together."""

StepPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=8 * 64,
        pattern=STEP_PATH_PATTERN,
    ),
]
"""Name of a step; steps of a sub-pipeline are `outer/inner`."""


class Shutdown(enum.StrEnum):
    """How a run is to end early."""

    STOP = "Stop"
    CANCEL = "Cancel"


class StepState(enum.StrEnum):
    """Where a step stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"


class InputsFrom(ApiModel):
    """A Secret or ConfigMap whose keys are inputs."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "secretRef", "configMapRef", message="give exactly one of secretRef and configMapRef"
        ),
    )

    secret_ref: CoreReference | None = Field(
        default=None, description="A Secret in the same namespace; for sensitive inputs."
    )
    config_map_ref: CoreReference | None = Field(
        default=None, description="A ConfigMap in the same namespace."
    )


class PipelineRunSpec(ApiModel):
    """What to run. It can't be changed, apart from suspend, shutdown and ttlAfterFinished."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.pipelineRef == oldSelf.pipelineRef",
            message="pipelineRef of a run can't be changed",
            field="pipelineRef",
            remedy="start a new run",
        ),
        Rule(
            cel="has(self.timeout) == has(oldSelf.timeout) && "
            "(!has(self.timeout) || self.timeout == oldSelf.timeout)",
            message="timeout of a run can't be changed",
            remedy="start a new run",
        ),
        # The API server compares free JSON key by key and overlooks a key that is replaced by
        # another one; the admission policy compares the whole.
        Rule(
            cel="has(self.inputs) == has(oldSelf.inputs) && "
            "(!has(self.inputs) || self.inputs == oldSelf.inputs)",
            message="inputs of a run can't be changed",
            remedy="start a new run",
        ),
        Rule(
            cel="has(self.inputsFrom) == has(oldSelf.inputsFrom) && "
            "(!has(self.inputsFrom) || self.inputsFrom == oldSelf.inputsFrom)",
            message="inputsFrom of a run can't be changed",
            remedy="start a new run",
        ),
    )

    pipeline_ref: ObjectReference = Field(description="The Pipeline to run.")
    inputs: RunValues | None = Field(
        default=None, description="Values by input name, as JSON; up to 512 KiB together."
    )
    inputs_from: Annotated[tuple[InputsFrom, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Secrets and ConfigMaps whose keys are names of inputs; sensitive inputs come "
        "from Secrets alone. A text stands as it is for a str, and is read as JSON for other "
        "types. A later one wins over a former, inputs over all; keys that are no inputs are "
        "ignored.",
        json_schema_extra=ATOMIC,
    )
    timeout: Duration | None = Field(
        default=None,
        description="The longest that the run may take, finally included. Default: the "
        "Pipeline's timeouts.total.",
    )
    shutdown: Shutdown | None = Field(
        default=None,
        strict=False,
        description="Set it to end the run early. Stop: running steps are cancelled, finally "
        "steps run. Cancel: nothing more runs. Cancel wins over Stop.",
    )
    suspend: bool | None = Field(
        default=None,
        description="true: the run does not start; one that is under way keeps what it has and "
        "leaves its pod. false or absent: it goes on. No meaning in local mode. Default: false.",
    )
    ttl_after_finished: Duration | None = Field(
        default=None,
        description="How long the run is kept after it has ended, such as 24h; then it is deleted "
        "with all that belongs to it. Default: until somebody deletes it, or the Pipeline's "
        "historyLimits do. No meaning in local mode.",
    )


class StepUsage(ApiModel):
    """What the model calls cost, those of failed attempts too."""

    calls: Count = Field(default=0, description="Model calls.")
    prompt_tokens: Count = Field(default=0, description="Tokens sent.")
    completion_tokens: Count = Field(default=0, description="Tokens received.")
    total_tokens: Count = Field(default=0, description="Both together.")


class StepFailure(ApiModel):
    """Why a step failed."""

    reason: Annotated[str, Field(max_length=64)] = Field(
        description="CamelCase reason from the closed list."
    )
    message: Text = Field(default="", description="What happened, for a person.")
    class_: Annotated[str, Field(max_length=255)] | None = Field(
        default=None, alias="class", description="Dotted class of the worker's exception."
    )
    traceback: Annotated[str, Field(max_length=MAX_TRACEBACK)] | None = Field(
        default=None, description="A short traceback, for the person who operates it."
    )
    details: JsonObject | None = Field(
        default=None, description="Facts as JSON: violations, limits, sizes."
    )


class ItemCounts(ApiModel):
    """How the items of a forEach stand."""

    total: Count = Field(default=0, description="Items in the list.")
    succeeded: Count = Field(default=0, description="Items that succeeded.")
    failed: Count = Field(default=0, description="Items that failed.")
    skipped: Count = Field(default=0, description="Items that were skipped or cancelled.")


class StepStatus(ApiModel):
    """Where one step stands."""

    name: StepPath = Field(description="Name of the step; a step of a sub-pipeline is outer/inner.")
    kind: Annotated[str, Field(max_length=32)] | None = Field(
        default=None, description="Kind of the step."
    )
    state: StepState = Field(strict=False, description="Where the step stands.")
    reason: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Why it failed or was skipped, in one CamelCase word."
    )
    message: Text | None = Field(default=None, description="More about it, for a person.")
    attempts: Count | None = Field(
        default=None, description="Attempts that were started, those of all items together."
    )
    start_time: Timestamp | None = Field(
        default=None, description="When the first attempt started."
    )
    completion_time: Timestamp | None = Field(default=None, description="When the step ended.")
    pool: Annotated[str, Field(max_length=63)] | None = Field(
        default=None, description="The Pool that the last attempt ran in."
    )
    worker: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="The worker that the last attempt ran in."
    )
    usage: StepUsage | None = Field(default=None, description="What the model calls cost.")
    error: StepFailure | None = Field(
        default=None, description="Why the step failed; there too where onError went on."
    )
    items: ItemCounts | None = Field(default=None, description="How the items of a forEach stand.")


class RunnerPhase(enum.StrEnum):
    """Where a run's runner stands."""

    RUNNING = "Running"
    FINISHED = "Finished"


class RunnerState(enum.StrEnum):
    """How a run ended, in its runner's word."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class RunnerStatus(ApiModel):
    """The pod that has claimed the run, and its word on it; an admission policy fences it."""

    epoch: Annotated[int, Field(ge=1)] = Field(
        description="How often the run was claimed; a pod with a lower one can't write any more."
    )
    pod_uid: Annotated[str, Field(max_length=64)] = Field(
        alias="podUID", description="Uid of the pod that has claimed the run."
    )
    pod_name: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name of that pod."
    )
    phase: RunnerPhase = Field(strict=False, description="Whether it has said its last word.")
    state: RunnerState | None = Field(
        default=None, strict=False, description="How the run ended, once phase is Finished."
    )
    reason: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Why it ended so, in one CamelCase word."
    )
    message: Text | None = Field(default=None, description="More about it, for a person.")
    start_time: Timestamp | None = Field(default=None, description="When the first step started.")
    completion_time: Timestamp | None = Field(default=None, description="When the run ended.")
    heartbeat_time: Timestamp | None = Field(
        default=None, description="When the runner last wrote, where it had nothing else to say."
    )


class PipelineRunStatus(Status):
    """All that came of the run."""

    runner: RunnerStatus | None = Field(
        default=None, description="The pod that has claimed the run. Written by it alone."
    )
    start_time: Timestamp | None = Field(default=None, description="When the run started.")
    completion_time: Timestamp | None = Field(default=None, description="When the run ended.")
    steps: Annotated[tuple[StepStatus, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_STATUS_STEPS,
        description="Where each step stands, in the order of the Pipeline.",
        json_schema_extra=LIST_MAP,
    )
    outputs: InlineValues | None = Field(
        default=None,
        description="The Pipeline's outputs by name, as JSON; up to 64 KiB together.",
    )
    outputs_ref: ObjectReference | None = Field(
        default=None,
        description="The PipelineRunData that holds the outputs where they are larger.",
    )
    usage: StepUsage | None = Field(
        default=None, description="What all model calls of the run cost together."
    )
    plan_digest: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="sha256 of the plan that ran."
    )
    message: Annotated[str, Field(max_length=MAX_DESCRIPTION)] | None = Field(
        default=None, description="How the run stands, for a person."
    )


class PipelineRun(Resource):
    """One execution of a Pipeline."""

    kind: Literal["PipelineRun"] = Field(default="PipelineRun", description="Always PipelineRun.")
    spec: PipelineRunSpec = Field(
        description="What to run. It can't be changed, apart from suspend, shutdown and "
        "ttlAfterFinished."
    )
    status: PipelineRunStatus = Field(
        default_factory=PipelineRunStatus, description="All that came of the run."
    )
