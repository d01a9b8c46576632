"""From an exception to the Failure that goes over the wire."""

import traceback
from pathlib import Path
from typing import Final

from dspy.utils import exceptions as dspy_errors

from dspex.bridge.protocol import Failure
from dspex.errors import Reason
from dspex_worker.failures import CallError
from dspex_worker.lm.ledger import Ledger

FRAMES: Final = 5
"""Frames of a traceback that are shown: the innermost ones."""
MAX_MESSAGE: Final = 2_000
"""Characters of a message."""
MAX_ANSWER: Final = 20_000
"""Characters of the model's text that a Failure carries."""

# The first class that fits counts, so the special ones stand before their bases.
_REASONS: Final = (
    (dspy_errors.ContextWindowExceededError, Reason.CONTEXT_EXCEEDED),
    (dspy_errors.LMBillingError, Reason.MODEL_REJECTED),
    (dspy_errors.LMRateLimitError, Reason.MODEL_RATE_LIMITED),
    (dspy_errors.LMAuthError, Reason.MODEL_REJECTED),
    (dspy_errors.LMInvalidRequestError, Reason.MODEL_REJECTED),
    (dspy_errors.LMTimeoutError, Reason.MODEL_UNAVAILABLE),
    (dspy_errors.LMServerError, Reason.MODEL_UNAVAILABLE),
    (dspy_errors.LMTransportError, Reason.MODEL_UNAVAILABLE),
    (dspy_errors.LMConfigurationError, Reason.MODEL_REJECTED),
    (dspy_errors.LMUnsupportedFeatureError, Reason.MODEL_REJECTED),
    (dspy_errors.LMProviderError, Reason.MODEL_UNAVAILABLE),
    (dspy_errors.AdapterParseError, Reason.OUTPUT_INVALID),
    (TimeoutError, Reason.TIMEOUT),
)


def failure_of(error: BaseException, record: Ledger, worker: str) -> Failure:
    """Return the Failure that tells of an exception.

    Args:
        error: What was raised; an unknown one is the module's own failure.
        record: What the call used all the same.
        worker: Name of the worker.
    """
    reason = _reason(error)
    answer = ""
    violations: tuple[str, ...] = ()
    if reason is Reason.OUTPUT_INVALID:
        answer = getattr(error, "answer", "") or getattr(error, "lm_response", "") or record.answer
    if isinstance(error, CallError):
        violations = error.violations
    elif isinstance(error, dspy_errors.AdapterParseError):
        violations = (_parse_violation(error),)
    return Failure(
        reason=reason,
        message=_message(error, reason, violations),
        error_class="" if isinstance(error, CallError) else class_name(error),
        traceback=short_traceback(error) if reason is Reason.MODULE_FAILED else "",
        answer=answer[:MAX_ANSWER],
        violations=list(violations),
        retry_after=getattr(error, "retry_after", None),
        usage=record.usage,
        worker=worker,
        prompts=record.exchanges,
    )


def _reason(error: BaseException) -> Reason:
    if isinstance(error, CallError):
        return error.reason
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), _MODULE)


_MODULE: Final = Reason.MODULE_FAILED


def _message(error: BaseException, reason: Reason, violations: tuple[str, ...]) -> str:
    if reason is Reason.OUTPUT_INVALID and not isinstance(error, CallError):
        # DSPy's own message repeats the model's whole text.
        return "the model's answer does not fit the signature: " + "; ".join(violations)
    text = str(getattr(error, "message", "") or error) or type(error).__name__
    return text[:MAX_MESSAGE]


def _parse_violation(error: dspy_errors.AdapterParseError) -> str:
    wanted = ", ".join(error.signature.output_fields)
    if error.parsed_result is None:
        return f"no fields could be read from the answer; expected {wanted}"
    missing = [name for name in error.signature.output_fields if name not in error.parsed_result]
    if missing:
        return f"fields are missing: {', '.join(missing)}"
    return f"a field does not have its type; expected {wanted}"


def class_name(error: BaseException) -> str:
    """Return the dotted class of an exception."""
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def short_traceback(error: BaseException) -> str:
    """Return the innermost frames and the error, files by their last two parts."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    lines = []
    for frame in frames:
        file = "/".join(Path(frame.filename).parts[-2:])
        lines.append(f"  {file}:{frame.lineno} in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    lines.extend(line.rstrip() for line in traceback.format_exception_only(error))
    cause = error.__cause__
    if cause is not None:
        lines.append(f"caused by {class_name(cause)}: {cause}")
    return "\n".join(lines)[-4 * MAX_MESSAGE :]
