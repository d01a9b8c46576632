"""The kind Pool: warm workers with one model."""

import enum
from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, WithJsonSchema

from dspex.api.amounts import Gpu, Resources
from dspex.api.base import (
    ATOMIC,
    LIST_KEYS,
    LIST_MAP,
    SET,
    URL_PATTERN,
    ApiModel,
    CoreName,
    CoreReference,
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
from dspex.api.mcp import McpServer
from dspex.api.rule import Rule, exactly_one, given
from dspex.api.scheduling import LabelKey, LabelMap, Toleration, TopologySpread
from dspex.api.variable import EnvFrom, EnvSource, EnvVar
from dspex.api.volume import Volume, VolumeMount

MAX_REPLICAS = 1000
MAX_CONCURRENCY = 1024
MAX_QUEUE = 100_000
MAX_SPREADS = 8
MAX_ANNOTATION = 4096
MAX_VOLUMES = 32
MIN_RESULT = 100
MAX_RESULT = 1_000_000

FINISH = "finish"
"""The tool that ReAct has of its own."""

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
    """A Python function that a ReAct step may call, or an MCP server with several tools."""

    rules: ClassVar[tuple[Rule, ...]] = (
        exactly_one("path", "mcp", message="give exactly one of path and mcp"),
        Rule(
            cel=f"self.name != '{FINISH}'",
            message=f"ReAct ends its steps by a tool {FINISH} of its own",
            check=lambda tool: tool.name != FINISH,
            field="name",
            remedy="choose another name",
        ),
    )

    name: Identifier = Field(
        description="Name by which steps and the model call the tool. That of an MCP server stands "
        "for all its tools; a model calls them by the server's own names."
    )
    path: DottedPath | None = Field(
        default=None,
        description="Dotted path of the function in the worker's image, such as shop.tools.search.",
    )
    mcp: McpServer | None = Field(
        default=None, description="The MCP server that the tools come from."
    )
    timeout: Duration | None = Field(
        default=None,
        description="The longest that one call of the tool may take, such as 5s; then the model is "
        "told so, and may go on. Default: half of callTimeout.",
    )
    max_result: Annotated[int, Field(ge=MIN_RESULT, le=MAX_RESULT)] | None = Field(
        default=None,
        description="The most characters of a result that the model is shown; the rest is cut, "
        "which it is told. Default: 20000.",
    )


def taken_names(tools: Iterable[Tool]) -> list[str]:
    """Return the names of MCP servers' tools that another tool, or ReAct itself, has already."""
    seen = {FINISH, *(tool.name for tool in tools if tool.mcp is None)}
    taken = []
    for server in (tool.mcp for tool in tools if tool.mcp is not None):
        taken += [name for name in server.tools if name in seen]
        seen.update(server.tools)
    return taken


def tool_sources(tools: Iterable[Tool]) -> Iterator[tuple[str, str, EnvSource]]:
    """Return what the MCP servers among a Pool's tools take from Secrets and ConfigMaps.

    For each: the worker's variable that holds it, its path in the Pool, the source.
    """
    for index, tool in enumerate(tools):
        for variable, path, source in tool.mcp.sources(index) if tool.mcp else ():
            yield variable, f"spec.tools[{index}].{path}", source


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


class PullPolicy(enum.StrEnum):
    """When the image is pulled."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class PoolSpec(ApiModel):
    """The workers: how many, which model, what they may run."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.volumeMounts) || self.volumeMounts.all(m, "
            "has(self.volumes) && self.volumes.exists(v, v.name == m.name))",
            message="each of volumeMounts names one of volumes",
            check=lambda spec: (
                {mount.name for mount in spec.volume_mounts}
                <= {volume.name for volume in spec.volumes}
            ),
            field="volumeMounts",
            remedy="add the volume, or correct the name",
        ),
        # By Python alone: its cost in CEL is beyond what the API server lets a rule have.
        Rule(
            cel="",
            message="a tool that mcp.tools lists has the name of another tool",
            check=lambda spec: not taken_names(spec.tools),
            field="tools",
            remedy="leave one of the two out",
        ),
    )

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
    env_from: Annotated[tuple[EnvFrom, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Secrets and ConfigMaps all of whose keys become environment variables. A "
        "later one wins over a former, env over all.",
        json_schema_extra=ATOMIC,
    )
    image: Annotated[str, Field(min_length=1, max_length=512)] | None = Field(
        default=None,
        description="Image of the workers. Default: the operator's. Local mode runs the installed "
        "worker and has no use for it.",
    )
    image_pull_policy: PullPolicy | None = Field(
        default=None,
        strict=False,
        description="When the image is pulled: Always, IfNotPresent, Never. Default: the "
        "operator's. No meaning in local mode.",
    )
    image_pull_secrets: Annotated[tuple[CoreReference, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Secrets with which the image is pulled. No meaning in local mode.",
        json_schema_extra=LIST_MAP,
    )
    resources: Resources | None = Field(
        default=None,
        description="What each worker asks for and may use. Memory that is left out comes by "
        "profile: 512Mi General (768Mi with an embedded model), 4Gi Optimizer, 8Gi Neural; the "
        "values in use stand in status.effective. No meaning in local mode.",
    )
    gpu: Gpu | None = Field(
        default=None,
        description="The accelerators of each worker. Default: by profile. No meaning in local "
        "mode.",
    )
    node_selector: LabelMap | None = Field(
        default=None,
        description="Labels that a node must have to run workers. No meaning in local mode.",
    )
    tolerations: Annotated[tuple[Toleration, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="Taints of nodes that the workers tolerate. No meaning in local mode.",
        json_schema_extra=ATOMIC,
    )
    affinity: JsonObject | None = Field(
        default=None,
        description="Affinity of the workers' pods, as a Pod has it (nodeAffinity, podAffinity, "
        "podAntiAffinity). Default: workers avoid a node that runs one of them already, where "
        "they can. No meaning in local mode.",
    )
    topology_spread_constraints: Annotated[tuple[TopologySpread, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_SPREADS,
        description="How evenly the workers are spread over zones, nodes and the like. No meaning "
        "in local mode.",
        json_schema_extra=ATOMIC,
    )
    priority_class_name: CoreName | None = Field(
        default=None,
        description="PriorityClass of the workers' pods. Default: the cluster's. No meaning in "
        "local mode.",
    )
    volumes: Annotated[tuple[Volume, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_VOLUMES,
        description="Volumes that volumeMounts names. No meaning in local mode.",
        json_schema_extra=LIST_MAP,
    )
    volume_mounts: Annotated[tuple[VolumeMount, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_VOLUMES,
        description="Where volumes stand in the workers. No meaning in local mode.",
        json_schema_extra={**LIST_MAP, LIST_KEYS: ["mountPath"]},
    )
    pod_annotations: (
        Annotated[
            dict[LabelKey, Annotated[str, Field(max_length=MAX_ANNOTATION)]],
            Field(max_length=MAX_LIST),
        ]
        | None
    ) = Field(
        default=None,
        description="Annotations of the workers' pods, for a service mesh, a scraper and the like. "
        "No meaning in local mode.",
    )
    allowed_clients: Annotated[tuple[CoreName, ...], Field(strict=False)] = Field(
        default=(),
        max_length=MAX_LIST,
        description="ServiceAccounts of the same namespace that may call the workers, beside the "
        "runner's. No meaning in local mode.",
        json_schema_extra=SET,
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
    resources: Resources | None = Field(
        default=None, description="What each worker asks for and may use, accelerators included."
    )
    image: Annotated[str, Field(max_length=512)] | None = Field(
        default=None,
        description="The workers' image. Where it is the operator's, it stays until the Pool's "
        "spec changes, so that an upgrade of the operator restarts no worker.",
    )
    config_digest: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="sha256 of all that the workers are configured with."
    )


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
    worker_version: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="Version of DSPex in the workers that answer."
    )


class Pool(Resource):
    """Warm workers that run DSPy modules with one model."""

    kind: Literal["Pool"] = Field(default="Pool", description="Always Pool.")
    spec: PoolSpec = Field(description="The workers: how many, which model, what they may run.")
    status: PoolStatus = Field(
        default_factory=PoolStatus, description="How the workers are; written by DSPex."
    )
