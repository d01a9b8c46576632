"""The plan: a compiled pipeline with all that running needs, serialisable and versioned.

A plan is plain data. The engine rebuilds from it whatever can't be serialised (compiled
expressions, validators), so that a plan frozen by one process runs in another.
"""

import hashlib
from typing import Any, Final, Literal

import msgspec

from dspex.native.field import Field
from dspex.native.signatures.wire_form import field_from_wire

PLAN_VERSION: Final = 1
"""Raised when an older engine could not run the plan as it was meant."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of all parts of a plan."""


class Retry(_Part, frozen=True, kw_only=True):
    """When and how an attempt is repeated.

    Attributes:
        attempts: How many in all, the first one counted; 1 means never again.
        initial_delay: Upper bound of the first delay, in seconds; doubled each time.
        max_delay: Upper bound of every delay, in seconds; a Retry-After may exceed it.
        max_elapsed: Seconds from the first attempt's start after which none starts; None: no bound.
        jitter: Full draws the delay between 0 and its bound; None takes the bound itself.
        reasons: Those that are repeated; None means the transient ones.
    """

    attempts: int = 1
    initial_delay: float = 1.0
    max_delay: float = 30.0
    max_elapsed: float | None = None
    jitter: Literal["Full", "None"] = "Full"
    reasons: list[str] | None = None


class ForEach(_Part, frozen=True, kw_only=True):
    """Run a step once for each item of a list.

    Attributes:
        items: The expression that gives the list.
        concurrency: How many items run at once.
        max_items: A longer list fails the step with TooManyItems.
        max_failures: How many items may fail before the step does; 0 unless onError is Continue.
    """

    items: str
    concurrency: int
    max_items: int
    max_failures: int


class Repeat(_Part, frozen=True, kw_only=True):
    """Run a step again until an expression over its outputs is true."""

    until: str
    max_iterations: int


class Fallback(_Part, frozen=True, kw_only=True):
    """Another way to the same outputs: another pool, another module, or constant outputs."""

    pool: str | None = None
    call_timeout: float | None = None
    module: str | None = None
    outputs: dict[str, Any] | None = None


class Step(_Part, frozen=True, kw_only=True):
    """A compiled step.

    Attributes:
        name: Its name.
        kind: Name of its kind; `dspex.pipeline.steps.KINDS` knows how to run it.
        body: What the kind's own struct decodes.
        needs: Steps that must have ended before, in manifest order.
        inputs: Values by name, with expressions in strings at any depth.
        input_fields: Wire form of the fields that the inputs must fit; None takes any names.
        output_fields: Wire form of the outputs of one execution (of one item under forEach).
        may_be_absent: Whether its outputs may be missing after it ended.
        strict: Whether values must have their types exactly.
    """

    name: str
    kind: str
    body: dict[str, Any] = {}
    needs: list[str] = []
    inputs: dict[str, Any] = {}
    input_fields: list[dict[str, Any]] | None = None
    output_fields: list[dict[str, Any]] = []
    condition: str | None = None
    for_each: ForEach | None = None
    repeat: Repeat | None = None
    timeout: float | None = None
    retry: Retry = Retry()
    fallback: list[Fallback] = []
    on_error: Literal["Fail", "Continue", "Default"] = "Fail"
    default: dict[str, Any] | None = None
    strict: bool = False
    may_be_absent: bool = False

    @property
    def outputs(self) -> tuple[Field, ...]:
        """The fields of one execution's outputs."""
        return tuple(field_from_wire(field) for field in self.output_fields)

    @property
    def sub_pipeline(self) -> str | None:
        """The pipeline whose steps are reported as `outer/inner`; None where none are.

        Those that run many times, under forEach and repeat, are counted and not reported.
        """
        if self.kind != "pipelineRef" or self.for_each is not None or self.repeat is not None:
            return None
        return str(self.body["name"])


class Output(_Part, frozen=True, kw_only=True):
    """An output of the pipeline: its field and the value that makes it."""

    field: dict[str, Any]
    value: Any


DEFAULT_FINALLY: Final = 60.0
"""Seconds for all finally steps together; at most half of what there is."""


class Timeouts(_Part, frozen=True, kw_only=True):
    """Seconds: `total` bounds the run, `steps` the steps, `finally_` the finally steps."""

    total: float | None = None
    steps: float | None = None
    finally_: float | None = msgspec.field(default=None, name="finally")

    def for_finally(self, total: float | None) -> float:
        """Return the seconds of the finally steps; a total too short for them is halved.

        Args:
            total: Seconds for all: the run's timeout or a step's may be shorter than `total`.
        """
        wanted = DEFAULT_FINALLY if self.finally_ is None else self.finally_
        if total is None or (self.finally_ is not None and wanted < total):
            return wanted
        return min(wanted, total / 2)


class Plan(_Part, frozen=True, kw_only=True):
    """A compiled pipeline.

    Attributes:
        version: `PLAN_VERSION` of the compiler.
        pipeline: Name of the Pipeline.
        inputs: Wire form of the input fields.
        outputs: What a run gives back.
        steps: In an order in which each comes after those it needs.
        finally_: Steps that run after the others, however they ended.
        concurrency: How many executions may run at once; None: no bound.
        pools: Names of all Pools that the plan's steps, sub-pipelines' too, may call.
        pipelines: Plans of the pipelines that steps name, at any depth, by name.
    """

    version: int = PLAN_VERSION
    pipeline: str
    inputs: list[dict[str, Any]] = []
    outputs: list[Output] = []
    steps: list[Step] = []
    finally_: list[Step] = msgspec.field(default_factory=list, name="finally")
    timeouts: Timeouts = Timeouts()
    concurrency: int | None = None
    pools: list[str] = []
    pipelines: dict[str, "Plan"] = {}

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The fields of the pipeline's inputs."""
        return tuple(field_from_wire(field) for field in self.inputs)

    @property
    def all_steps(self) -> list[Step]:
        """Steps and finally steps."""
        return [*self.steps, *self.finally_]

    @property
    def digest(self) -> str:
        """`sha256:` and the hash of the canonical encoding: equal plans have equal digests."""
        return "sha256:" + hashlib.sha256(encode(self)).hexdigest()


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Plan)


def encode(plan: Plan) -> bytes:
    """Write a plan as canonical JSON: keys sorted, defaults left out."""
    return _ENCODER.encode(plan)


def decode(data: bytes) -> Plan:
    """Read a plan back.

    Raises:
        ValueError: Not a plan, or one of a later version than this engine knows.
    """
    try:
        plan = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a plan: {error}") from error
    if plan.version > PLAN_VERSION:
        raise ValueError(
            f"the plan has version {plan.version}, this engine runs up to {PLAN_VERSION}: "
            "upgrade the runner's image"
        )
    return plan
