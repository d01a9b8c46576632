"""Where pods may run: labels of nodes, taints, and how pods are spread."""

import enum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from dspex.api.base import ApiModel
from dspex.api.rule import Rule

LABEL_PATTERN: Final = (
    r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
LABEL_VALUE_PATTERN: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
MAX_LABEL: Final = 317
"""Characters of a label's key: 253 of the prefix, the slash, 63 of the name."""

MAX_LABELS: Final = 32

LabelKey = Annotated[str, Field(min_length=1, max_length=MAX_LABEL, pattern=LABEL_PATTERN)]
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE_PATTERN)]
LabelMap = Annotated[dict[LabelKey, LabelValue], Field(max_length=MAX_LABELS)]
"""Labels as a mapping."""


class TolerationOperator(enum.StrEnum):
    """How a toleration compares."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(enum.StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(ApiModel):
    """A taint of nodes that the pods tolerate."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.operator) || self.operator != 'Exists' || !has(self.value)",
            message="operator Exists takes no value",
            check=lambda each: each.operator is not TolerationOperator.EXISTS or each.value is None,
            field="value",
            remedy="leave value out, or write operator: Equal",
        ),
        Rule(
            cel="has(self.key) || (has(self.operator) && self.operator == 'Exists')",
            message="without a key the operator must be Exists",
            check=lambda each: each.key is not None or each.operator is TolerationOperator.EXISTS,
            remedy="name the taint's key, or write operator: Exists to tolerate all",
        ),
        Rule(
            cel="!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            message="tolerationSeconds goes with effect NoExecute",
            check=lambda each: (
                each.toleration_seconds is None or each.effect is TaintEffect.NO_EXECUTE
            ),
            field="tolerationSeconds",
            remedy="write effect: NoExecute, or leave tolerationSeconds out",
        ),
    )

    key: LabelKey | None = Field(
        default=None, description="Key of the taint. Default: all taints, with operator Exists."
    )
    operator: TolerationOperator | None = Field(
        default=None,
        strict=False,
        description="Equal: the taint has this value. Exists: whatever its value. Default: Equal.",
    )
    value: LabelValue | None = Field(default=None, description="Value of the taint, with Equal.")
    effect: TaintEffect | None = Field(
        default=None, strict=False, description="Effect of the taint. Default: all effects."
    )
    toleration_seconds: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        default=None,
        description="With NoExecute: seconds that a pod stays on a node which got the taint. "
        "Default: for ever.",
    )


class Unsatisfiable(enum.StrEnum):
    """What becomes of a pod that would upset the spread."""

    DO_NOT_SCHEDULE = "DoNotSchedule"
    SCHEDULE_ANYWAY = "ScheduleAnyway"


class TopologySpread(ApiModel):
    """How evenly a Pool's pods are spread over zones, nodes and the like."""

    max_skew: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="By how many pods two parts may differ. Default: 1.",
    )
    topology_key: LabelKey = Field(
        description="Label of nodes that says to which part one belongs, such as "
        "topology.kubernetes.io/zone or kubernetes.io/hostname."
    )
    when_unsatisfiable: Unsatisfiable = Field(
        default=Unsatisfiable.SCHEDULE_ANYWAY,
        strict=False,
        description="DoNotSchedule: a pod that would upset the spread waits. ScheduleAnyway: it "
        "only goes elsewhere where it can. Default: ScheduleAnyway.",
    )
