"""A step of a pipeline: its seven kinds, and its policies."""

import enum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from dspex.api.base import (
    ATOMIC,
    REGISTRY_PATTERN,
    SET,
    ApiModel,
    Duration,
    Expression,
    Identifier,
    JsonObject,
    KeyReference,
    ModulePath,
    Name,
    NameReference,
    ObjectReference,
    Values,
)
from dspex.api.limits import (
    MAX_ITEMS,
    MAX_LIST,
    MAX_SIGNATURE,
    MAX_STEPS,
    MAX_TEMPLATE,
)
from dspex.api.rule import Rule, exactly_one, given
from dspex.errors import Reason

MAX_ATTEMPTS = 100
MAX_ITERATIONS = 1000

RegistryName = Annotated[str, Field(max_length=63, pattern=REGISTRY_PATTERN)]


class OnError(enum.StrEnum):
    """What a failed step does to its run."""

    FAIL = "Fail"
    CONTINUE = "Continue"
    DEFAULT = "Default"


class DefaultOnError(enum.StrEnum):
    """What failed steps do that say nothing themselves."""

    FAIL = "Fail"
    CONTINUE = "Continue"


class ValidationMode(enum.StrEnum):
    """How outputs are made to fit their types."""

    COERCE = "Coerce"
    STRICT = "Strict"


class Jitter(enum.StrEnum):
    """Whether the delay between attempts is random."""

    FULL = "Full"
    NONE = "None"


class Retry(ApiModel):
    """When a failed attempt is followed by another."""

    attempts: int = Field(
        default=3,
        ge=1,
        le=MAX_ATTEMPTS,
        description="Attempts in all, the first one counted. Default: 3.",
    )
    initial_delay: Duration = Field(
        default="1s",
        description="Delay before the second attempt; it doubles with each further one. "
        "Default: 1s. Where the other side says Retry-After, that is obeyed.",
    )
    max_delay: Duration = Field(
        default="30s", description="The longest delay between two attempts. Default: 30s."
    )
    max_elapsed: Duration | None = Field(
        default=None,
        description="No attempt starts later than this after the first one. Default: no limit.",
    )
    jitter: Jitter = Field(
        default=Jitter.FULL,
        strict=False,
        description="Full: each delay is random between zero and its full length, so that many "
        "steps do not retry at once. None: delays are exact. Default: Full.",
    )
    # Not `on`, as the policy is often called: YAML 1.1 reads that key as the boolean true.
    reasons: Annotated[tuple[Annotated[Reason, Field(strict=False)], ...], Field(strict=False)] = (
        Field(
            default=(),
            max_length=MAX_LIST,
            description="Reasons that are retried. Default: those that may pass by themselves, as "
            "WorkerLost, QueueFull, ModelUnavailable, ModelRateLimited, OutputInvalid and "
            "Timeout.",
            json_schema_extra=SET,
        )
    )


class Fallback(ApiModel):
    """What is tried where all attempts failed."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "poolRef", "module", "outputs", message="give exactly one of poolRef, module, outputs"
        ),
    )

    pool_ref: ObjectReference | None = Field(
        default=None, description="Run the step in this Pool instead."
    )
    module: ModulePath | None = Field(
        default=None, description="Run the step with this module instead."
    )
    outputs: Values | None = Field(
        default=None,
        description="Take these outputs, as JSON by field name; they must fit the step's types.",
    )


class Default(ApiModel):
    """What a failed step's outputs are replaced with."""

    outputs: Values = Field(
        description="Values by output name, as JSON or with expressions in $( ); they must fit "
        "the step's types."
    )


class ForEach(ApiModel):
    """Run the step once for each item of a list."""

    items: Expression = Field(
        description="One expression in $( ) that gives a list. In the step's inputs the item is "
        "$(item), its 0-based position $(index)."
    )
    concurrency: int = Field(
        default=8, ge=1, le=1024, description="Items that run at the same time. Default: 8."
    )
    max_items: int = Field(
        default=1000,
        ge=1,
        le=MAX_ITEMS,
        description="A longer list fails the step with TooManyItems. Default: 1000.",
    )
    max_failures: Annotated[int, Field(ge=0, le=MAX_ITEMS)] | None = Field(
        default=None,
        description="More failed items than this fail the step with TooManyFailures. Default: "
        "none may fail under onError: Fail, all may under Continue.",
    )


class Repeat(ApiModel):
    """Run the step again until a condition holds."""

    until: Expression = Field(
        description="One expression in $( ) of type bool, asked after each iteration; it may read "
        "the step's own outputs."
    )
    max_iterations: int = Field(
        default=10,
        ge=1,
        le=MAX_ITERATIONS,
        description="The most iterations; if the condition is still false then, the step fails "
        "with RepeatExhausted. Default: 10.",
    )


class DspyStep(ApiModel):
    """Run a DSPy module in a Pool."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "signature",
            "signatureRef",
            message="give exactly one of signature and signatureRef",
        ),
    )

    module: ModulePath = Field(
        description="Predict, ChainOfThought (adds the output reasoning), ReAct (adds "
        "trajectory), MultiChainComparison (adds rationale), BestOfN and Refine (add reward), or "
        "the dotted path of a dspy.Module that the Pool allows."
    )
    signature: Annotated[str, Field(min_length=1, max_length=MAX_SIGNATURE)] | None = Field(
        default=None, description="A signature in DSPy's syntax, such as question -> answer: str."
    )
    signature_ref: ObjectReference | None = Field(
        default=None, description="A Signature in the same namespace."
    )
    pool_ref: ObjectReference = Field(description="The Pool whose workers run it.")
    demos: Annotated[tuple[JsonObject, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Examples that the model is shown: each has values by field name, as JSON.",
        json_schema_extra=ATOMIC,
    )
    tools: Annotated[tuple[Identifier, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Names of the Pool's tools that a ReAct module may call; that of an MCP server "
        "stands for all its tools.",
        json_schema_extra=SET,
    )
    config: JsonObject | None = Field(
        default=None,
        description="Parameters of the model calls (temperature, max_tokens, …) and arguments of "
        "the module (max_iters for ReAct; attempts for MultiChainComparison; attempts, base, "
        "reward and threshold for BestOfN and Refine); they win over the Pool's.",
    )


class TemplateSource(ApiModel):
    """Where a template's source is kept."""

    config_map_ref: KeyReference = Field(description="A key of a ConfigMap in the same namespace.")


class TemplateStep(ApiModel):
    """Render a Jinja template; the output is text."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("source", "sourceFrom", message="give exactly one of source and sourceFrom"),
    )

    source: Annotated[str, Field(max_length=MAX_TEMPLATE)] | None = Field(
        default=None,
        description="The template in Jinja's syntax. It sees the step's inputs by name, and "
        "nothing else; it may hold no $( ).",
    )
    source_from: TemplateSource | None = Field(
        default=None, description="Where the source is kept instead."
    )


class ValidateStep(ApiModel):
    """Check the step's inputs; the outputs are valid and violations."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "signatureRef", "schema", message="give exactly one of signatureRef and schema"
        ),
    )

    signature_ref: ObjectReference | None = Field(
        default=None,
        description="A Signature whose outputs the step's inputs are checked against.",
    )
    schema_: JsonObject | None = Field(
        default=None,
        alias="schema",
        description="A JSON Schema (2020-12) that the step's inputs, as an object, must satisfy.",
    )


class MetricStep(ApiModel):
    """Compare the inputs prediction and reference; the output is score."""

    name: RegistryName = Field(
        description="The metric: accuracy, complete_and_grounded, contains, exact_match, f1, "
        "hotpot_f1, numeric, passage_match, precision, recall, semantic_f1, or one of an installed "
        "plug-in."
    )
    config: JsonObject | None = Field(default=None, description="Options of the metric.")
    pool_ref: ObjectReference | None = Field(
        default=None,
        description="The Pool whose model judges, for complete_and_grounded and semantic_f1; the "
        "others take none.",
    )


class TransformStep(ApiModel):
    """Reshape the input value; the output is result."""

    name: RegistryName = Field(
        description="The transform: chunk, dedupe, filter, group, join, json, merge, pick, rename, "
        "sample, sort, split, or one of an installed plug-in."
    )
    config: JsonObject | None = Field(default=None, description="Options of the transform.")


class NativeStep(ApiModel):
    """Run an operation of a plug-in in process; it declares its outputs."""

    operation: RegistryName = Field(
        description="Name of the operation in the entry-point group dspex.native_operations."
    )
    config: JsonObject | None = Field(default=None, description="Options of the operation.")


STEP_KINDS: Final = (
    "dspy",
    "template",
    "validate",
    "metric",
    "transform",
    "native",
    "pipelineRef",
)
"""The kinds of steps, by their manifest names."""

StepBody = (
    DspyStep
    | TemplateStep
    | ValidateStep
    | MetricStep
    | TransformStep
    | NativeStep
    | ObjectReference
)


def _fallback_fits(step: "Step") -> bool:
    return step.dspy is not None or all(each.outputs is not None for each in step.fallback)


class Step(ApiModel):
    """One step of a pipeline: exactly one kind, its inputs, its order and its policies."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            *STEP_KINDS,
            message=f"a step has exactly one of {', '.join(STEP_KINDS)}",
        ),
        Rule(
            cel="has(self.default) == (has(self.onError) && self.onError == 'Default')",
            message="onError: Default and default go together",
            check=lambda step: (step.default is not None) == (step.on_error == OnError.DEFAULT),
            remedy="write both onError: Default and default.outputs, or neither",
        ),
        Rule(
            cel="!has(self.fallback) || has(self.dspy) || self.fallback.all(f, has(f.outputs))",
            message="a fallback to a poolRef or a module is for dspy steps only",
            check=_fallback_fits,
            field="fallback",
            remedy="give outputs as the fallback",
        ),
    )

    name: Name = Field(
        description="Name of the step, unique among steps and finally; expressions read "
        "$(steps.NAME.outputs.FIELD)."
    )
    inputs: Values | None = Field(
        default=None,
        description="Values by input name: JSON of any depth, with expressions in $( ). A value "
        "that is one whole expression keeps its type; text around it makes a string; $$( is a "
        "literal $(.",
    )
    after: Annotated[tuple[NameReference, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_STEPS,
        description="Steps that must have ended first, however they ended. Steps that expressions "
        "read are waited for anyway.",
        json_schema_extra=SET,
    )
    if_: Expression | None = Field(
        default=None,
        alias="if",
        description="One expression in $( ) of type bool; where it is false, the step is skipped "
        "with the reason ConditionFalse.",
    )
    for_each: ForEach | None = Field(
        default=None,
        description="Run the step once for each item of a list; its outputs become lists in the "
        "items' order.",
    )
    repeat: Repeat | None = Field(
        default=None, description="Run the step again until a condition holds."
    )
    timeout: Duration | None = Field(
        default=None,
        description="The longest that one attempt may take, such as 30s. Default: "
        "spec.defaults.timeout, then the Pool's callTimeout for a dspy step.",
    )
    retry: Retry | None = Field(
        default=None,
        description="When a failed attempt is followed by another; replaces spec.defaults.retry "
        "as a whole. Default: one attempt.",
    )
    fallback: Annotated[tuple[Fallback, ...], Field(strict=False)] = Field(
        default=(),
        max_length=8,
        description="What is tried, in order, where all attempts failed; outputs keep their names "
        "and types.",
        json_schema_extra=ATOMIC,
    )
    on_error: OnError | None = Field(
        default=None,
        strict=False,
        description="Where retries and fallbacks have failed too: Fail ends the run, Continue "
        "goes on as if the outputs were absent, Default takes default.outputs. Default: "
        "spec.defaults.onError, then Fail.",
    )
    default: Default | None = Field(default=None, description="The outputs for onError: Default.")
    validation: ValidationMode | None = Field(
        default=None,
        strict=False,
        description="Coerce turns inputs and outputs into their types where that is plain (the "
        "text 3 into the number 3); Strict refuses. Default: spec.defaults.validation, then "
        "Coerce.",
    )
    dspy: DspyStep | None = Field(default=None, description="Run a DSPy module in a Pool.")
    template: TemplateStep | None = Field(
        default=None, description="Render a Jinja template; the output is text."
    )
    validate_: ValidateStep | None = Field(
        default=None,
        alias="validate",
        description="Check the step's inputs; the outputs are valid and violations.",
    )
    metric: MetricStep | None = Field(
        default=None,
        description="Compare the inputs prediction and reference; the output is score.",
    )
    transform: TransformStep | None = Field(
        default=None, description="Reshape the input value; the output is result."
    )
    native: NativeStep | None = Field(
        default=None,
        description="Run an operation of a plug-in in process; it declares its outputs.",
    )
    pipeline_ref: ObjectReference | None = Field(
        default=None,
        description="Run another Pipeline of the same namespace; its outputs are the step's.",
    )

    @property
    def kind(self) -> str:
        """Which kind the step is, by its manifest name, such as `template`."""
        return next(name for name in STEP_KINDS if given(self, name))

    @property
    def body(self) -> StepBody:
        """The fields of the step's kind."""
        bodies = (
            self.dspy,
            self.template,
            self.validate_,
            self.metric,
            self.transform,
            self.native,
            self.pipeline_ref,
        )
        return next(body for body in bodies if body is not None)
