"""A Pool with the values of its profile filled in: what its workers are configured with.

The values of a profile are a versioned table. A Pool keeps the version that its status names, so
that an upgrade of the operator changes no running worker.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import Field, JsonValue

from dspex.api.amounts import Quantity, Resources, amount
from dspex.api.base import NULLABLE, ApiModel, Number
from dspex.api.duration import format_duration, parse_duration
from dspex.api.mcp import McpHeader, McpServer, variable_of
from dspex.api.pool import (
    Adapter,
    EffectiveModel,
    EffectiveQueue,
    EffectiveValues,
    Model,
    Pool,
    Profile,
    Tool,
    tool_sources,
)
from dspex.api.variable import EnvVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileValues:
    """What a profile gives where the Pool says nothing; times in seconds, memory as in a Pod."""

    concurrency: int
    queue_size: int
    queue_timeout: float
    call_timeout: float
    cpu: str
    memory: str
    gpus: int = 0


GPU: Final = "nvidia.com/gpu"
"""The accelerator that is meant where a Pool names none."""

EMBEDDED_NAME: Final = "embedded"
"""What stands for a model's name where it is embedded."""

EMBEDDED_MEMORY: Final = "768Mi"
"""The least for a worker with the embedded model: DSPy, the engine and the model's weights."""

TOOL_SHARE: Final = 0.5
"""What part of callTimeout one call of a tool may take: so that the model can still answer."""

TOOL_RESULT: Final = 20_000
"""Characters of a tool's result that the model is shown."""

PROFILE_VERSION: Final = "1"
"""The version that a Pool gets which has none yet."""

PROFILES: Final = MappingProxyType(
    {
        "1": {
            Profile.GENERAL: ProfileValues(
                concurrency=32,
                queue_size=128,
                queue_timeout=30,
                call_timeout=30,
                cpu="100m",
                memory="512Mi",
            ),
            Profile.OPTIMIZER: ProfileValues(
                concurrency=8,
                queue_size=32,
                queue_timeout=300,
                call_timeout=300,
                cpu="250m",
                memory="4Gi",
            ),
            Profile.NEURAL: ProfileValues(
                concurrency=1,
                queue_size=16,
                queue_timeout=600,
                call_timeout=600,
                cpu="500m",
                memory="8Gi",
                gpus=1,
            ),
        },
    }
)
"""The values by version. A version is never changed, only followed by another."""


class WorkerModel(ApiModel):
    """The model in a worker's configuration."""

    name: str = Field(default="", description="Provider and model; empty if embedded.")
    api_base: str | None = Field(
        default=None,
        description="Base URL; None: the provider's own.",
        json_schema_extra={NULLABLE: True},
    )
    temperature: Number | None = Field(
        default=None, description="None: the provider's.", json_schema_extra={NULLABLE: True}
    )
    max_tokens: int | None = Field(
        default=None, description="None: the provider's.", json_schema_extra={NULLABLE: True}
    )
    adapter: Adapter = Field(strict=False, description="How a signature becomes a prompt.")
    extra: dict[str, JsonValue] = Field(default_factory=dict, description="Passed on as they are.")
    embedded: bool = Field(default=False, description="Whether the model runs in the worker.")


class WorkerValue(ApiModel):
    """A header, or a variable of a server, in a worker's configuration."""

    name: str = Field(description="Its name.")
    value: str = Field(default="", description="Its value, where it is no secret.")
    variable: str = Field(default="", description="The worker's variable that holds it, else.")
    prefix: str = Field(default="", description="What stands before the value.")


class WorkerStdio(ApiModel):
    """The process of an MCP server in a worker's configuration."""

    command: str = Field(description="The program.")
    args: tuple[str, ...] = Field(default=(), strict=False, description="Its arguments.")
    env: tuple[WorkerValue, ...] = Field(default=(), strict=False, description="Its variables.")


class WorkerHttp(ApiModel):
    """The endpoint of an MCP server in a worker's configuration."""

    url: str = Field(description="Where it is.")
    headers: tuple[WorkerValue, ...] = Field(default=(), strict=False, description="Headers.")


class WorkerMcp(ApiModel):
    """An MCP server in a worker's configuration."""

    stdio: WorkerStdio | None = Field(default=None, description="A process of the worker's.")
    http: WorkerHttp | None = Field(default=None, description="A server elsewhere.")
    tools: tuple[str, ...] = Field(default=(), strict=False, description="Allowed; empty: all.")


class WorkerTool(ApiModel):
    """A tool in a worker's configuration."""

    name: str = Field(description="Its name.")
    path: str = Field(default="", description="Dotted path of its function.")
    mcp: WorkerMcp | None = Field(default=None, description="The server, in place of a function.")
    timeout: float = Field(gt=0, description="Seconds that one call may take.")
    max_result: int = Field(gt=0, description="Characters of a result.")


class WorkerQueue(ApiModel):
    """The queue in a worker's configuration."""

    size: int = Field(ge=0, description="Calls that may wait.")
    timeout: float = Field(gt=0, description="Seconds that a call may wait.")


class EffectivePool(ApiModel):
    """A worker's configuration file; times in seconds, no secrets."""

    pool: str = Field(description="Name of the Pool.")
    namespace: str = Field(default="", description="Its namespace; empty in local mode.")
    profile: Profile = Field(strict=False, description="Its profile.")
    profile_version: str = Field(description="Version of the profile's values.")
    model: WorkerModel = Field(description="The model.")
    modules: tuple[str, ...] = Field(default=(), strict=False, description="Allowed modules.")
    tools: tuple[WorkerTool, ...] = Field(default=(), strict=False, description="Allowed tools.")
    concurrency: int = Field(ge=1, description="Calls at the same time.")
    queue: WorkerQueue = Field(description="The queue.")
    call_timeout: float = Field(gt=0, description="Seconds that a call may take.")
    allowed_clients: tuple[str, ...] = Field(
        default=(), strict=False, description="ServiceAccounts that may call, beside the runner's."
    )
    secret_env: tuple[str, ...] = Field(
        default=(), strict=False, description="Variables whose values come from Secrets."
    )

    def values(
        self, *, resources: Resources | None = None, image: str | None = None, digest: str = ""
    ) -> EffectiveValues:
        """Return what stands in the Pool's `status.effective`.

        Args:
            resources: What `effective_resources` gives; None in local mode, as the others.
            image: The workers' image.
            digest: What `configuration_digest` gives.
        """
        return EffectiveValues(
            resources=resources,
            image=image,
            config_digest=digest or None,
            profile_version=self.profile_version,
            model=EffectiveModel(
                name=self.model.name or EMBEDDED_NAME,
                adapter=self.model.adapter,
                temperature=self.model.temperature,
                max_tokens=self.model.max_tokens,
            ),
            concurrency=self.concurrency,
            queue=EffectiveQueue(size=self.queue.size, timeout=format_duration(self.queue.timeout)),
            call_timeout=format_duration(self.call_timeout),
        )


def effective_pool(pool: Pool) -> EffectivePool:
    """Fill in the values that the Pool leaves to its profile.

    An embedded model takes one call at a time and the Compact adapter unless the Pool says
    otherwise: it runs on one thread, and is small.
    """
    spec = pool.spec
    version = _version(pool)
    values = PROFILES[version][spec.profile]
    queue = spec.queue
    size = queue.size if queue else None
    call_timeout = _seconds(spec.call_timeout, values.call_timeout)
    return EffectivePool(
        pool=pool.metadata.name,
        namespace=pool.metadata.namespace,
        profile=spec.profile,
        profile_version=version,
        model=_model(spec.model),
        modules=spec.modules,
        tools=tuple(_tool(tool, index, call_timeout) for index, tool in enumerate(spec.tools)),
        concurrency=spec.concurrency or (1 if spec.model.embedded else values.concurrency),
        queue=WorkerQueue(
            size=values.queue_size if size is None else size,
            timeout=_seconds(queue.timeout if queue else None, values.queue_timeout),
        ),
        call_timeout=call_timeout,
        allowed_clients=spec.allowed_clients,
        secret_env=_secret_env(pool),
    )


def effective_resources(pool: Pool) -> Resources:
    """Return what each worker asks for and may use, accelerators included.

    A limit of memory that is left out is the profile's, or the request where that is more. A
    request that is left out is the limit: a worker that the node runs out of memory under would be
    killed in the midst of a call. There is no limit of cpu but the Pool's own.
    """
    spec = pool.spec
    values = PROFILES[_version(pool)][spec.profile]
    given = spec.resources or Resources()
    requests, limits = dict(given.requests or {}), dict(given.limits or {})
    memory = _memory(values, embedded=bool(spec.model.embedded))
    limits.setdefault("memory", max(requests.get("memory", memory), memory, key=amount))
    requests.setdefault("memory", limits["memory"])
    requests.setdefault("cpu", limits.get("cpu", values.cpu))
    devices = _devices(pool, values.gpus, {**limits, **requests})
    return Resources(requests={**_plain(requests), **devices}, limits={**_plain(limits), **devices})


def configuration_digest(pool: Pool) -> str:
    """Return `sha256:` and the hash of all that the workers of a Pool are configured with.

    It says nothing of how many there are, nor of anything that the operator brings itself: a field
    that a later operator knows, with a default, leaves it as it is.
    """
    spec = pool.spec.model_dump(mode="json", exclude={"replicas"}, exclude_defaults=True)
    text = json.dumps({"spec": spec, "profileVersion": _version(pool)}, sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _memory(values: ProfileValues, *, embedded: bool) -> str:
    return max(values.memory, EMBEDDED_MEMORY, key=amount) if embedded else values.memory


def _plain(amounts: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {name: each for name, each in amounts.items() if "/" not in name}


def _devices(pool: Pool, otherwise: int, given: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return the worker's devices; the profile's only where the Pool names none at all."""
    gpu = pool.spec.gpu
    name = (gpu.resource_name if gpu else None) or GPU
    devices = {key: value for key, value in given.items() if "/" in key}
    if gpu is not None and gpu.count is not None:
        devices[name] = gpu.count
    elif not devices or (gpu is not None and gpu.resource_name is not None):
        devices.setdefault(name, otherwise)
    return {key: value for key, value in devices.items() if amount(value)}


def _version(pool: Pool) -> str:
    """Keep the version in status for the Pool's life: scaling it must not restart its workers."""
    effective = pool.status.effective
    if effective is not None and effective.profile_version in PROFILES:
        return effective.profile_version
    return PROFILE_VERSION


def _model(model: Model) -> WorkerModel:
    embedded = bool(model.embedded)
    return WorkerModel(
        name=model.name or "",
        api_base=model.api_base,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
        adapter=model.adapter or (Adapter.COMPACT if embedded else Adapter.CHAT),
        extra=model.extra or {},
        embedded=embedded,
    )


def _tool(tool: Tool, index: int, call_timeout: float) -> WorkerTool:
    return WorkerTool(
        name=tool.name,
        path=tool.path or "",
        mcp=_mcp(tool.mcp, index) if tool.mcp else None,
        timeout=_seconds(tool.timeout, call_timeout * TOOL_SHARE),
        max_result=tool.max_result or TOOL_RESULT,
    )


def _mcp(server: McpServer, index: int) -> WorkerMcp:
    stdio = http = None
    if server.stdio is not None:
        stdio = WorkerStdio(
            command=server.stdio.command,
            args=server.stdio.args,
            env=_values(server.stdio.env, index),
        )
    if server.http is not None:
        http = WorkerHttp(url=server.http.url, headers=_values(server.http.headers, index))
    return WorkerMcp(stdio=stdio, http=http, tools=server.tools)


def _values(entries: Sequence[EnvVar | McpHeader], index: int) -> tuple[WorkerValue, ...]:
    return tuple(
        WorkerValue(
            name=each.name,
            value=each.value or "",
            variable=variable_of(index, position) if each.value_from else "",
            prefix=(each.prefix or "") if isinstance(each, McpHeader) else "",
        )
        for position, each in enumerate(entries)
    )


def _secret_env(pool: Pool) -> tuple[str, ...]:
    sources = [(each.name, each.value_from) for each in pool.spec.env]
    sources += [(name, source) for name, _, source in tool_sources(pool.spec.tools)]
    return tuple(name for name, source in sources if source and source.secret_key_ref)


def _seconds(duration: str | None, otherwise: float) -> float:
    return otherwise if duration is None else parse_duration(duration)
