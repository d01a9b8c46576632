"""The messages of `POST /v1/execute`: a Call goes in, an Answer or a Failure comes back.

Status codes: 200 with an Answer; with a Failure 400 (InputInvalid, RequestRefused), 401 (token),
422 (OutputInvalid), 429 (QueueFull, with Retry-After), 499 (Cancelled), 500 (ModuleFailed,
ToolFailed, InternalError), 502 (ModelUnavailable, ModelRejected, ModelRateLimited,
ContextExceeded), 503 (draining: WorkerUnavailable, with Retry-After), 504 (Timeout).
Names on the wire are camelCase; unknown fields are ignored, so that versions may differ by one.
"""

from typing import Any, Final

import msgspec

PROTOCOL_VERSION: Final = 1
EXECUTE_PATH: Final = "/v1/execute"
INFO_PATH: Final = "/v1/info"


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of all messages."""


class Usage(Wire, frozen=True, kw_only=True):
    """What a call cost; the sum over all model calls that it made, failed ones too."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


class Timings(Wire, frozen=True, kw_only=True):
    """Where a call's time went, in seconds."""

    queue: float = 0.0
    execute: float = 0.0
    model: float = 0.0


class Feedback(Wire, frozen=True, kw_only=True):
    """A former attempt's invalid answer, shown to the model with what was wrong about it."""

    answer: str
    errors: list[str]


class Call(Wire, frozen=True, kw_only=True):
    """One execution of a module.

    Attributes:
        module: `Predict`, `ChainOfThought`, `ReAct`, or a dotted path that the Pool allows.
        signature: Wire form of the signature (`Signature.to_wire()`).
        inputs: Values in wire form by input name.
        demos: Examples, values in wire form by field name.
        tools: Names of tools from the Pool's list (ReAct).
        config: LM parameters (temperature, max_tokens, …) and module arguments (max_iters).
        strict: Whether outputs must have their type exactly, instead of being coerced.
        feedback: What was wrong about the former attempts' answers, oldest first.
        prompts: Whether the Answer should carry what was sent to the model.
        key: Idempotency key run/step/item/attempt.
        timeout: Seconds that are left for the call, queueing included.
    """

    module: str
    signature: dict[str, Any]
    inputs: dict[str, Any]
    demos: list[dict[str, Any]] = []
    tools: list[str] = []
    config: dict[str, Any] = {}
    strict: bool = False
    feedback: list[Feedback] = []
    prompts: bool = False
    key: str = ""
    timeout: float = 30.0


class Exchange(Wire, frozen=True, kw_only=True):
    """One model call as the model saw it: chat messages in, text out."""

    messages: list[dict[str, Any]]
    answer: str


class Answer(Wire, frozen=True, kw_only=True):
    """A call that succeeded; `outputs` are in wire form and fit the signature."""

    outputs: dict[str, Any]
    usage: Usage = Usage()
    timings: Timings = Timings()
    worker: str = ""
    prompts: list[Exchange] = []


class Failure(Wire, frozen=True, kw_only=True):
    """A call that failed.

    Attributes:
        reason: A `dspex.errors.Reason`.
        message: For a person.
        error_class: Dotted class of the exception.
        traceback: Short, for the person who operates it; never shown to a model.
        answer: The model's text where the reason is OutputInvalid, for `Feedback`.
        violations: What was wrong about it, a line each.
        retry_after: Seconds, where the provider or the queue said so.
        usage: What was spent all the same.
        worker: Name of the worker.
    """

    reason: str
    message: str
    error_class: str = ""
    traceback: str = ""
    answer: str = ""
    violations: list[str] = []
    retry_after: float | None = None
    usage: Usage = Usage()
    worker: str = ""
    prompts: list[Exchange] = []


class Info(Wire, frozen=True, kw_only=True):
    """What a worker is (`GET /v1/info`)."""

    worker: str
    pool: str
    version: str
    dspy_version: str
    protocol: int
    model: str
    modules: list[str]
    tools: list[str]
    concurrency: int
    active: int = 0
    queued: int = 0
    completed: int = 0
    failed: int = 0
