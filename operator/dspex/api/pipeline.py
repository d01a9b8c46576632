"""The kind Pipeline: a typed graph of steps."""

import enum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dspex.api.amounts import Resources
from dspex.api.base import (
    ATOMIC,
    LIST_MAP,
    NULLABLE,
    SET,
    AnyJson,
    ApiModel,
    CoreName,
    Duration,
    Name,
    NameReference,
    ObjectName,
    Resource,
    Status,
    Text,
    Timestamp,
    TypeText,
)
from dspex.api.constraints import InputField
from dspex.api.limits import MAX_DESCRIPTION, MAX_FIELDS, MAX_LIST, MAX_STEPS
from dspex.api.rule import Rule
from dspex.api.scheduling import LabelMap, Toleration
from dspex.api.step import DefaultOnError, Retry, Step, ValidationMode
from dspex.api.trigger import MAX_TRIGGERS, Trigger, TriggerStatus

MAX_ACTIVE_RUNS = 10_000
MAX_HISTORY = 10_000

Count = Annotated[int, Field(ge=0)]


class RunState(enum.StrEnum):
    """How a run stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class PipelineInput(InputField):
    """An input of a pipeline."""

    sensitive: bool | None = Field(
        default=None,
        description="true: the value comes from a Secret (a run's inputsFrom) and is shown "
        "nowhere: not in status, logs, events or errors. A default is no secret. Default: false.",
    )


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


class Runner(ApiModel):
    """The pods in which runs of the pipeline take place. No meaning in local mode."""

    resources: Resources | None = Field(
        default=None,
        description="What a run's pod asks for and may use. Default: 50m of cpu and 96Mi of "
        "memory, up to 512Mi.",
    )
    node_selector: LabelMap | None = Field(
        default=None, description="Labels that a node must have to run such a pod."
    )
    tolerations: Annotated[tuple[Toleration, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Taints of nodes that the pods tolerate.",
        json_schema_extra=ATOMIC,
    )
    priority_class_name: CoreName | None = Field(
        default=None, description="PriorityClass of the pods. Default: the cluster's."
    )


class HistoryLimits(ApiModel):
    """How many ended runs of the pipeline are kept; older ones are deleted."""

    succeeded: Annotated[int, Field(ge=0, le=MAX_HISTORY)] | None = Field(
        default=None, description="Runs that succeeded. Default: all are kept."
    )
    failed: Annotated[int, Field(ge=0, le=MAX_HISTORY)] | None = Field(
        default=None, description="Runs that failed or were cancelled. Default: all are kept."
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
    inputs: Annotated[tuple[PipelineInput, ...], Field(strict=False)] = Field(
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
    runner: Runner | None = Field(
        default=None, description="The pods in which runs take place. No meaning in local mode."
    )
    max_active_runs: Annotated[int, Field(ge=1, le=MAX_ACTIVE_RUNS)] | None = Field(
        default=None,
        description="Runs of the pipeline that may go on at the same time; further ones wait, "
        "reason Queued, the oldest first. Default: no limit. No meaning in local mode.",
    )
    triggers: Annotated[tuple[Trigger, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_TRIGGERS,
        description="What starts runs by itself: schedules, and changes of what the pipeline does. "
        "Such runs belong to the Pipeline and are deleted with it. No meaning in local mode.",
        json_schema_extra=LIST_MAP,
    )
    history_limits: HistoryLimits | None = Field(
        default=None,
        description="How many ended runs are kept; older ones are deleted. No meaning in local "
        "mode.",
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


class LastRun(ApiModel):
    """The run that was started last."""

    name: ObjectName = Field(description="Its name.")
    state: RunState = Field(strict=False, description="How it stands.")
    time: Timestamp = Field(description="When it came to stand so.")


class RunCounts(ApiModel):
    """How the pipeline's runs stand, those that were deleted left out."""

    active: Count = Field(default=0, description="Runs that have not ended, waiting ones too.")
    succeeded: Count = Field(default=0, description="Runs that succeeded.")
    failed: Count = Field(default=0, description="Runs that failed or were cancelled.")
    time: Timestamp | None = Field(
        default=None,
        description="When they were last counted anew: at most once in two seconds.",
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
    last_run: LastRun | None = Field(
        default=None, description="The run that was started last, of those that are there."
    )
    runs: RunCounts | None = Field(default=None, description="How the pipeline's runs stand.")
    triggers: Annotated[tuple[TriggerStatus, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_TRIGGERS,
        description="How the triggers stand.",
        json_schema_extra=LIST_MAP,
    )


class Pipeline(Resource):
    """A typed graph of steps."""

    kind: Literal["Pipeline"] = Field(default="Pipeline", description="Always Pipeline.")
    spec: PipelineSpec = Field(description="The graph: inputs, steps, outputs.")
    status: PipelineStatus = Field(
        default_factory=PipelineStatus, description="What the compiler found; written by DSPex."
    )
