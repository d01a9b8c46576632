"""The worker's configuration: the effective Pool as a JSON file, and secrets from the environment.

The file is what `dspex.api.effective` writes. Unknown fields are ignored, so that an operator may
be newer than its workers.
"""

import os
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from dspex.errors import ConfigurationError, Diagnostic

TOKEN_VARIABLE: Final = "DSPEX_WORKER_TOKEN"  # noqa: S105 the variable's name, not a token
API_KEY_VARIABLE: Final = "DSPEX_MODEL_API_KEY"

MAX_RESULT: Final = 20_000
"""Characters of a tool's result, where the Pool does not say."""

AdapterName = Literal["Chat", "JSON", "Compact"]


class _Camel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all parts."""


class ModelConfig(_Camel, frozen=True, kw_only=True):
    """The language model.

    Attributes:
        name: `provider/model`; one without a provider is OpenAI-compatible.
        api_base: URL of an endpoint, in place of the provider's own.
        temperature: Default temperature; None leaves it to the provider.
        max_tokens: Default limit of an answer; None leaves it to the provider.
        adapter: How prompts are written; None means Compact for the embedded model, else Chat.
        extra: Fields that are added to each request as they are.
        embedded: Whether the small model in the process is used; then `name` is only shown.
    """

    name: str = ""
    api_base: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    adapter: AdapterName | None = None
    extra: dict[str, Any] | None = None
    embedded: bool | None = False

    @property
    def effective_adapter(self) -> AdapterName:
        """The adapter with its default filled in."""
        return self.adapter or ("Compact" if self.embedded else "Chat")


class McpValue(_Camel, frozen=True, kw_only=True):
    """A header, or a variable of an MCP server.

    Attributes:
        name: Its name.
        value: Its value, where it is no secret.
        variable: The worker's variable that holds it, else.
        prefix: What stands before the value.
    """

    name: str
    value: str = ""
    variable: str = ""
    prefix: str = ""


class StdioConfig(_Camel, frozen=True, kw_only=True):
    """The process of an MCP server, and all that it sees of the worker's secrets."""

    command: str
    args: list[str] = []
    env: list[McpValue] = []


class HttpConfig(_Camel, frozen=True, kw_only=True):
    """The endpoint of an MCP server."""

    url: str
    headers: list[McpValue] = []


class McpConfig(_Camel, frozen=True, kw_only=True):
    """An MCP server: one of stdio and http, and the names of its allowed tools; empty for all."""

    stdio: StdioConfig | None = None
    http: HttpConfig | None = None
    tools: list[str] = []


class ToolConfig(_Camel, frozen=True, kw_only=True):
    """A tool, or an MCP server with several.

    Attributes:
        name: Its name.
        path: Dotted path of its function.
        mcp: The server, in place of a function.
        timeout: Seconds that one call of it may take; None: half of the Pool's callTimeout.
        max_result: Characters of a result that the model is shown.
    """

    name: str
    path: str = ""
    mcp: McpConfig | None = None
    timeout: float | None = None
    max_result: int = MAX_RESULT


class QueueConfig(_Camel, frozen=True, kw_only=True):
    """How many calls may wait, and for how long in seconds."""

    size: int = 32
    timeout: float = 30.0


class WorkerConfig(_Camel, frozen=True, kw_only=True):
    """All that a worker is told about its Pool.

    Attributes:
        pool: The Pool's name.
        namespace: The Pool's namespace.
        profile: General, Optimizer or Neural; its values are resolved already.
        model: The language model; without one only modules run that need none.
        modules: Dotted paths of the classes that may run here besides DSPy's own.
        tools: The tools that ReAct may be given.
        concurrency: Calls that run side by side.
        queue: Calls that wait.
        call_timeout: Seconds that a call may take at most, queueing included.
        allowed_clients: ServiceAccounts of the namespace that may call, besides the runs' own.
        secret_env: Variables whose values come from Secrets; no model is told them.
    """

    pool: str = "default"
    namespace: str = "default"
    profile: str = "General"
    model: ModelConfig | None = None
    modules: list[str] = []
    tools: list[ToolConfig] = []
    concurrency: int = 8
    queue: QueueConfig = QueueConfig()
    call_timeout: float = 30.0
    allowed_clients: list[str] = []
    secret_env: list[str] = []


def read_config(path: Path) -> WorkerConfig:
    """Read the configuration file.

    Raises:
        ConfigurationError: It can't be read, or does not have its form.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=WorkerConfig)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            Diagnostic(
                code="WorkerConfigInvalid",
                message=f"the worker's configuration can't be read: {error}",
                file=str(path),
                remedy="give --config a file as dspex.api.effective writes it",
            )
        ) from error


def secret(variable: str) -> str | None:
    """Return a secret from the environment; an empty one counts as none."""
    return os.environ.get(variable, "").strip() or None
