"""What starts a pipeline's runs by itself: a schedule, or a change of what the pipeline does."""

import enum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from dspex.api import cron
from dspex.api.base import (
    ATOMIC,
    ApiModel,
    Duration,
    ObjectName,
    Timestamp,
    Values,
    refuse,
)
from dspex.api.limits import MAX_LIST
from dspex.api.pipelinerun import InputsFrom
from dspex.api.rule import Rule, exactly_one
from dspex.api.scheduling import MAX_LABELS, LabelKey, LabelMap

MAX_TRIGGERS: Final = 32
"""Triggers of a pipeline."""

MAX_ANNOTATION: Final = 4096
"""Characters of an annotation's text."""

OWN_LABELS: Final = "dspex.dev/"
"""What labels and annotations begin with that only DSPex gives."""


def _cron(value: str) -> str:
    reason = cron.check_cron(value)
    if reason:
        raise refuse(
            reason,
            expected="minute, hour, day of the month, month and day of the week, such as "
            "0 9 * * MON-FRI, or a word such as @daily",
            remedy="write five fields as cron has them",
        )
    return value


def _time_zone(value: str) -> str:
    reason = cron.check_time_zone(value)
    if reason:
        raise refuse(
            reason,
            expected="a name of the IANA database, such as Europe/Zurich or UTC",
            remedy="write the name of a place, or leave the field out for UTC",
        )
    return value


Cron = Annotated[
    str,
    Field(max_length=cron.MAX_CRON, json_schema_extra={"pattern": cron.CRON_PATTERN}),
    AfterValidator(_cron),
]
"""A schedule as cron writes it."""

TimeZone = Annotated[
    str,
    Field(max_length=cron.MAX_TIME_ZONE, json_schema_extra={"pattern": cron.TIME_ZONE_PATTERN}),
    AfterValidator(_time_zone),
]
"""Name of a time zone in the IANA database."""


class ConcurrencyPolicy(enum.StrEnum):
    """What a trigger does while a run that it started has not ended."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


_POLICY: Final = (
    "What is done while a run of this trigger has not ended. Allow: another one starts beside it. "
    "Forbid: the next one waits until it has ended{late}. Replace: it is deleted, with all that "
    "belongs to it, and the next one starts. Default: Allow."
)


class Schedule(ApiModel):
    """When runs start, as a CronJob has it."""

    cron: Cron = Field(
        description="Minute, hour, day of the month, month and day of the week, as for a CronJob: "
        "numbers, names (MON, JAN), *, ranges 1-5, lists 1,3 and steps */15; or @hourly, @daily, "
        "@weekly, @monthly, @yearly. Where both days are given, either is enough, unless one of "
        "them begins with *.",
    )
    time_zone: TimeZone | None = Field(
        default=None,
        description="Name of the time zone in the IANA database, such as Europe/Zurich. Where "
        "clocks change, a time that is left out is taken right after the change, one that comes "
        "twice the first time only. Default: UTC.",
    )
    concurrency_policy: ConcurrencyPolicy | None = Field(
        default=None,
        strict=False,
        description=_POLICY.format(
            late=", if it is then still within startingDeadline; of several only the latest"
        ),
    )
    starting_deadline: Duration | None = Field(
        default=None,
        description="How long after its time a run may still start, where that was missed: the "
        "operator was down, the trigger suspended, the Pipeline not Ready. Of several missed times "
        "only the latest is made up for. Default: no limit.",
    )


class OnChange(ApiModel):
    """Runs start when the digest of the compiled pipeline has changed."""

    concurrency_policy: ConcurrencyPolicy | None = Field(
        default=None,
        strict=False,
        description=_POLICY.format(late=", and is for the digest that there is then"),
    )


def _keys_are_foreign(template: "RunMetadata") -> bool:
    keys = (*(template.labels or {}), *(template.annotations or {}))
    return not any(key.startswith(OWN_LABELS) for key in keys)


class RunMetadata(ApiModel):
    """Labels and annotations of a trigger's runs."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="(!has(self.labels) || self.labels.all(k, !k.startsWith('dspex.dev/'))) && "
            "(!has(self.annotations) || self.annotations.all(k, !k.startsWith('dspex.dev/')))",
            message="labels and annotations of dspex.dev/ are given by DSPex alone",
            check=_keys_are_foreign,
            remedy="choose another prefix",
        ),
    )

    labels: LabelMap | None = Field(
        default=None,
        description="Labels of the runs, beside dspex.dev/pipeline and dspex.dev/trigger.",
    )
    annotations: (
        Annotated[
            dict[LabelKey, Annotated[str, Field(max_length=MAX_ANNOTATION)]],
            Field(max_length=MAX_LABELS),
        ]
        | None
    ) = Field(
        default=None,
        description="Annotations of the runs, beside dspex.dev/scheduled-time.",
    )


class RunTemplate(ApiModel):
    """What a trigger's runs are like."""

    metadata: RunMetadata | None = Field(
        default=None, description="Labels and annotations of the runs."
    )
    inputs: Values | None = Field(
        default=None,
        description="Values by input name, as JSON, with expressions in $( ): trigger.name, "
        "trigger.time (the time that the run is for), and under onChange trigger.digest. "
        "Up to 64 KiB together.",
    )
    inputs_from: Annotated[tuple[InputsFrom, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Secrets and ConfigMaps whose keys are names of inputs, as a run has them; "
        "they are read when a run starts.",
        json_schema_extra=ATOMIC,
    )
    timeout: Duration | None = Field(
        default=None,
        description="The longest that a run may take, finally included. Default: the Pipeline's "
        "timeouts.total.",
    )
    ttl_after_finished: Duration | None = Field(
        default=None,
        description="How long a run is kept after it has ended. Default: until somebody deletes "
        "it, or the Pipeline's historyLimits do.",
    )


class Trigger(ApiModel):
    """What starts runs by itself. No meaning in local mode."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "schedule", "onChange", message="a trigger has exactly one of schedule and onChange"
        ),
    )

    name: ObjectName = Field(
        description="Name of the trigger: part of its runs' names, and the value of their label "
        "dspex.dev/trigger."
    )
    schedule: Schedule | None = Field(default=None, description="Runs start at these times.")
    on_change: OnChange | None = Field(
        default=None,
        description="Runs start when the digest of the compiled pipeline, which stands in status, "
        "has become another: after a change of the Pipeline, or of anything that it names. The "
        "first digest starts none.",
    )
    suspend: bool | None = Field(
        default=None,
        description="true: it starts nothing; runs under way go on. Once it is false again, what "
        "it missed is made up for by one run: the latest time within startingDeadline, or the "
        "digest if it has changed. Default: false.",
    )
    run_template: RunTemplate | None = Field(
        default=None,
        description="Inputs and the like of the runs. Default: a run without inputs.",
    )


class TriggerStatus(ApiModel):
    """How a trigger stands."""

    name: ObjectName = Field(description="Name of the trigger.")
    schedule: Annotated[str, Field(max_length=cron.MAX_CRON + cron.MAX_TIME_ZONE + 1)] | None = (
        Field(
            default=None,
            description="The schedule, with its time zone, that these times are of; with another "
            "one they begin anew.",
        )
    )
    since: Timestamp | None = Field(
        default=None,
        description="Times up to then are no matter any more: the trigger was not there, or they "
        "were missed.",
    )
    last_schedule_time: Timestamp | None = Field(
        default=None, description="The latest time for which a run was started."
    )
    next_schedule_time: Timestamp | None = Field(
        default=None, description="When the next run starts; absent while suspended."
    )
    last_digest: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="The digest that was seen first, or started a run last."
    )
    changes: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="How many changes of the digest have started a run."
    )
