"""The kind Pool: warm workers with one model."""

import enum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, WithJsonSchema

from dspex.api.base import (
    ENV_PATTERN,
    LIST_MAP,
    SET,
    URL_PATTERN,
    ApiModel,
    DottedPath,
    Duration,
    Identifier,
    JsonObject,
    KeyReference,
    Number,
    Resource,
    Status,
)
from dspex.api.limits import MAX_LIST
from dspex.api.rule import Rule, exactly_one, given

MAX_REPLICAS = 1000
MAX_CONCURRENCY = 1024
MAX_QUEUE = 100_000

Temperature = Annotated[
    int | float,
    Field(ge=0, le=2),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 2}),
]


class Profile(enum.StrEnum):
    """What the workers are for; decides the values that are left out."""

    GENERAL = "General"
    OPTIMIZER = "Optimizer"
    NEURAL = "Neural"


class Adapter(enum.StrEnum):
    """How a signature becomes a prompt."""

    CHAT = "Chat"
    JSON = "JSON"
    COMPACT = "Compact"


class Model(ApiModel):
    """The language model that the workers call."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.name) != (has(self.embedded) && self.embedded)",
            message="give either name, or embedded: true",
            check=lambda model: (model.name is not None) != bool(model.embedded),
            remedy="keep one of name and embedded",
        ),
        Rule(
            cel="!(has(self.embedded) && self.embedded) || "
            "!(has(self.apiBase) || has(self.apiKeySecretRef))",
            message="an embedded model has neither apiBase nor apiKeySecretRef",
            check=lambda model: (
                not model.embedded or not given(model, "apiBase", "apiKeySecretRef")
            ),
            field="embedded",
            remedy="leave apiBase and apiKeySecretRef out",
        ),
    )

    name: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None,
        description="Provider and model as DSPy names them, such as openai/gpt-4o-mini.",
    )
    api_base: Annotated[str, Field(max_length=2048, pattern=URL_PATTERN)] | None = Field(
        default=None,
        description="Base URL of an endpoint that speaks OpenAI's API, up to and with /v1. "
        "Default: the provider's own.",
    )
    api_key_secret_ref: KeyReference | None = Field(
        default=None,
        description="Where the API key is kept: name and key of a Secret in the same namespace.",
    )
    temperature: Temperature | None = Field(
        default=None,
        description="Sampling temperature, 0 to 2; 0 always takes the likeliest token. Default: "
        "the provider's.",
    )
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None,
        description="The most tokens that one answer may have. Default: the provider's.",
    )
    adapter: Adapter | None = Field(
        default=None,
        strict=False,
        description="How a signature becomes a prompt: Chat (marked sections), JSON (a JSON "
        "object, constrained by a schema where the model can), Compact (a short JSON prompt for "
        "small models). Default: Chat; Compact for an embedded model.",
    )
    extra: JsonObject | None = Field(
        default=None,
        description="Further parameters of each model call, passed on as they are (top_p, seed, "
        "…).",
    )
    embedded: bool | None = Field(
        default=None,
        description="true: the small model that ships with DSPex runs inside each worker, without "
        "key or network. For trying things out. Default: false.",
    )


class Tool(ApiModel):
    """A Python function that a ReAct step may call."""

    name: Identifier = Field(description="Name by which steps and the model call the tool.")
    path: DottedPath = Field(
        description="Dotted path of the function in the worker's image, such as shop.tools.search."
    )


class Queue(ApiModel):
    """The calls that wait in a worker."""

    size: Annotated[int, Field(ge=0, le=MAX_QUEUE)] | None = Field(
        default=None,
        description="Calls that may wait in one worker; a further one is refused with QueueFull "
        "and goes to another worker or is retried. Default: by profile.",
    )
    timeout: Duration | None = Field(
        default=None,
        description="How long a call may wait in the queue, such as 30s. Default: by profile.",
    )


class EnvSource(ApiModel):
    """Where the value of an environment variable comes from."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one(
            "secretKeyRef",
            "configMapKeyRef",
            message="give exactly one of secretKeyRef and configMapKeyRef",
        ),
    )

    secret_key_ref: KeyReference | None = Field(
        default=None, description="A key of a Secret in the same namespace."
    )
    config_map_key_ref: KeyReference | None = Field(
        default=None, description="A key of a ConfigMap in the same namespace."
    )


class EnvVar(ApiModel):
    """An environment variable of the workers."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("value", "valueFrom", message="give exactly one of value and valueFrom"),
    )

    name: Annotated[str, Field(max_length=253, pattern=ENV_PATTERN)] = Field(
        description="Name of the variable. Names that begin with DSPEX_ are taken."
    )
    value: Annotated[str, Field(max_length=32768)] | None = Field(
        default=None, description="The value as it stands here; nothing in it is expanded."
    )
    value_from: EnvSource | None = Field(
        default=None, description="Where the value comes from instead."
    )


class PoolSpec(ApiModel):
    """The workers: how many, which model, what they may run."""

    profile: Profile = Field(
        default=Profile.GENERAL,
        strict=False,
        description="What the workers are for; decides concurrency, queue and callTimeout where "
        "they are left out. General: many short calls (30s). Optimizer: few long ones (300s). "
        "Neural: heavy ones, one at a time (600s). The values in use stand in status.effective.",
    )
    # Kubernetes' /scale answers with an error while the field is absent, so it has a default.
    replicas: int = Field(
        default=1,
        ge=0,
        le=MAX_REPLICAS,
        description="How many workers. Default: 1. kubectl scale and autoscalers set it.",
    )
    model: Model = Field(description="The language model that the workers call.")
    modules: Annotated[tuple[DottedPath, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Dotted paths of the dspy.Module classes that may run here beside Predict, "
        "ChainOfThought and ReAct. Nothing else is imported.",
        json_schema_extra=SET,
    )
    tools: Annotated[tuple[Tool, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Tools that ReAct steps may name.",
        json_schema_extra=LIST_MAP,
    )
    concurrency: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY)] | None = Field(
        default=None,
        description="Calls that one worker runs at the same time. Default: by profile.",
    )
    queue: Queue | None = Field(default=None, description="The calls that wait in a worker.")
    call_timeout: Duration | None = Field(
        default=None,
        description="The longest that one call may take, such as 30s; a step's own timeout may "
        "be shorter. Default: by profile.",
    )
    env: Annotated[tuple[EnvVar, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Environment variables of the workers.",
        json_schema_extra=LIST_MAP,
    )


class EffectiveModel(ApiModel):
    """The model's values in use."""

    name: str = Field(default="", max_length=255, description="The model's name.")
    adapter: Adapter = Field(strict=False, description="How a signature becomes a prompt.")
    temperature: Number | None = Field(default=None, description="Sampling temperature.")
    max_tokens: int | None = Field(default=None, description="The most tokens of one answer.")


class EffectiveQueue(ApiModel):
    """The queue's values in use."""

    size: int = Field(description="Calls that may wait in one worker.")
    timeout: Duration = Field(description="How long a call may wait.")


class EffectiveValues(ApiModel):
    """The values in use, those of the profile filled in."""

    profile_version: Annotated[str, Field(max_length=16)] = Field(
        description="Version of the profile's values. It stays for the Pool's life, so that an "
        "upgrade of the operator restarts no worker."
    )
    model: EffectiveModel = Field(description="The model's values in use.")
    concurrency: int = Field(description="Calls that one worker runs at the same time.")
    queue: EffectiveQueue = Field(description="The queue's values in use.")
    call_timeout: Duration = Field(description="The longest that one call may take.")


class PoolStatus(Status):
    """How the workers are."""

    replicas: int | None = Field(default=None, ge=0, description="Workers that exist.")
    ready_replicas: int | None = Field(
        default=None, ge=0, description="Workers that answer: DSPy is imported, modules are built."
    )
    endpoint: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="Where the workers are found: host and port of their Service."
    )
    selector: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="Label selector of the workers' pods, for autoscalers."
    )
    effective: EffectiveValues | None = Field(
        default=None, description="The values in use, those of the profile filled in."
    )


class Pool(Resource):
    """Warm workers that run DSPy modules with one model."""

    kind: Literal["Pool"] = Field(default="Pool", description="Always Pool.")
    spec: PoolSpec = Field(description="The workers: how many, which model, what they may run.")
    status: PoolStatus = Field(
        default_factory=PoolStatus, description="How the workers are; written by DSPex."
    )
