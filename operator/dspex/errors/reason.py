"""Why a step or a run did not succeed: the closed list of CamelCase reasons."""

import enum


class Reason(enum.StrEnum):
    """A reason as it stands in `status`, in metrics, and in `retry.reasons`.

    Attributes:
        summary: What happened, for the reference page.
        remedy: What a person would do about it.
        transient: Whether `retry` tries again when its `reasons` are not given.
    """

    summary: str
    remedy: str
    transient: bool

    def __new__(cls, value: str, summary: str, remedy: str, transient: bool = False) -> "Reason":
        """Make a member from its name and its documentation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.summary = summary
        member.remedy = remedy
        member.transient = transient
        return member

    # A worker or the way to it
    WORKER_UNAVAILABLE = (
        "WorkerUnavailable",
        "No worker of the pool could be reached.",
        "Look at the Pool's status and at its workers' logs.",
        True,
    )
    WORKER_LOST = (
        "WorkerLost",
        "The worker died or the connection broke while it worked on the call.",
        "Look for a crash or an out-of-memory kill of the worker.",
        True,
    )
    QUEUE_FULL = (
        "QueueFull",
        "The workers' queues were full.",
        "Raise replicas, concurrency or queue.size, or lower the pipeline's concurrency.",
        True,
    )
    PROTOCOL_ERROR = (
        "ProtocolError",
        "The worker's answer could not be read.",
        "Check that the pool's image has the operator's version.",
        True,
    )
    REQUEST_REFUSED = (
        "RequestRefused",
        "The worker refused the call: a module, a tool or a field that its Pool does not allow.",
        "Add it to the Pool's modules or tools.",
    )
    # The model
    MODEL_UNAVAILABLE = (
        "ModelUnavailable",
        "The model endpoint could not be reached, cut the connection, or answered 5xx.",
        "Check model.apiBase and the provider's state.",
        True,
    )
    MODEL_RATE_LIMITED = (
        "ModelRateLimited",
        "The model endpoint answered 429.",
        "Lower concurrency, or ask the provider for a higher limit.",
        True,
    )
    MODEL_REJECTED = (
        "ModelRejected",
        "The model endpoint refused the request (4xx): key, model name or parameters.",
        "Read the message: it holds the provider's words.",
    )
    CONTEXT_EXCEEDED = (
        "ContextExceeded",
        "The prompt is longer than the model's context window.",
        "Shorten the input or choose a model with a larger window.",
    )
    # What ran there
    OUTPUT_INVALID = (
        "OutputInvalid",
        "The model's answer does not fit the signature's types or constraints.",
        "Allow retries (the error is shown to the model), loosen the constraint, add demos.",
        True,
    )
    MODULE_FAILED = (
        "ModuleFailed",
        "The DSPy module raised an error.",
        "Read the error's class and traceback in the step's error.",
    )
    TOOL_FAILED = (
        "ToolFailed",
        "A tool could not be loaded or called.",
        "Check the tool's dotted path and its arguments.",
    )
    # The native engine
    INPUT_INVALID = (
        "InputInvalid",
        "A step's input does not fit its type or constraints.",
        "Mend the input or the expression that makes it.",
    )
    EXPRESSION_FAILED = (
        "ExpressionFailed",
        "An expression failed on these values, such as a division by zero.",
        "Guard the expression, for example with a ternary.",
    )
    TEMPLATE_FAILED = (
        "TemplateFailed",
        "A template failed on these values.",
        "Read the message: it names the line.",
    )
    TEMPLATE_LIMIT_EXCEEDED = (
        "TemplateLimitExceeded",
        "A template used up its fuel, memory or output size.",
        "Shorten its loops or its output.",
    )
    VALIDATION_FAILED = (
        "ValidationFailed",
        "A validate step found violations.",
        "Read the violations in the step's error.",
    )
    METRIC_FAILED = (
        "MetricFailed",
        "A metric could not be computed from these values.",
        "Check the types of prediction and reference.",
    )
    TRANSFORM_FAILED = (
        "TransformFailed",
        "A transform could not be applied to this value.",
        "Check the value's type against the transform's.",
    )
    NATIVE_FAILED = (
        "NativeFailed",
        "A native operation raised an error.",
        "Read the error's class and message.",
    )
    OUTPUT_TOO_LARGE = (
        "OutputTooLarge",
        "A value is larger than may be kept.",
        "Make the value smaller, or pass it by reference.",
    )
    TOO_MANY_ITEMS = (
        "TooManyItems",
        "forEach got more items than maxItems.",
        "Raise maxItems or cut the list.",
    )
    TOO_MANY_FAILURES = (
        "TooManyFailures",
        "More items of a forEach failed than maxFailures allows.",
        "Read the items' errors.",
    )
    REPEAT_EXHAUSTED = (
        "RepeatExhausted",
        "repeat.until was still false after maxIterations.",
        "Raise maxIterations or loosen the condition.",
    )
    # Time and will
    TIMEOUT = (
        "Timeout",
        "An attempt ran longer than the step's timeout.",
        "Raise the timeout or make the step faster.",
        True,
    )
    RUN_TIMEOUT = (
        "RunTimeout",
        "The run ran longer than its timeout.",
        "Raise timeouts.total, or the run's timeout.",
    )
    STEPS_FAILED = (
        "StepsFailed",
        "At least one step failed.",
        "Read the steps' errors.",
    )
    STOPPED = ("Stopped", "Stop was asked for; finally steps ran.", "Start a new run.")
    CANCELLED = ("Cancelled", "Cancel was asked for; nothing ran after it.", "Start a new run.")
    INTERNAL = (
        "InternalError",
        "A fault of DSPex itself.",
        "Report it with the message.",
    )
    DEFAULT_USED = (
        "DefaultUsed",
        "The step failed and its default outputs stand in.",
        "Read the step's error.",
    )
    # Why a step was skipped
    CONDITION_FALSE = ("ConditionFalse", "The step's if was false.", "Nothing.")
    DEPENDENCY_SKIPPED = (
        "DependencySkipped",
        "The step reads a value of a step that was skipped or failed.",
        "Handle the absent value with coalesce() or present().",
    )
    RUN_ENDED = ("RunEnded", "The run ended before the step could start.", "Nothing.")


TRANSIENT = frozenset(reason for reason in Reason if reason.transient)
"""The reasons that `retry` answers when its `reasons` are not given."""
