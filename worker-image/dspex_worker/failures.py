"""How a call fails for a known reason, and the HTTP status of each reason. DSPy is not needed."""

from collections.abc import Sequence
from typing import Final

from dspex.bridge.protocol import Failure
from dspex.errors import Reason

STATUS: Final[dict[str, int]] = {
    Reason.INPUT_INVALID: 400,
    Reason.REQUEST_REFUSED: 400,
    Reason.PROTOCOL_ERROR: 400,
    Reason.OUTPUT_INVALID: 422,
    Reason.QUEUE_FULL: 429,
    Reason.CANCELLED: 499,
    Reason.MODEL_UNAVAILABLE: 502,
    Reason.MODEL_REJECTED: 502,
    Reason.MODEL_RATE_LIMITED: 502,
    Reason.CONTEXT_EXCEEDED: 502,
    Reason.WORKER_UNAVAILABLE: 503,
    Reason.TIMEOUT: 504,
}
"""HTTP status by reason; 500 for all others."""


class CallError(Exception):
    """A call can't be done, for a reason that is known.

    Attributes:
        reason: Which.
        message: For a person.
        violations: What was wrong about a value, a line each.
        retry_after: Seconds after which another attempt makes sense.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        violations: Sequence[str] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.retry_after = retry_after


class OutputInvalidError(CallError):
    """The model's answer does not fit the signature."""

    def __init__(self, violations: Sequence[str], answer: str = "") -> None:
        super().__init__(
            Reason.OUTPUT_INVALID,
            "the model's answer does not fit the signature: " + "; ".join(violations),
            violations=violations,
        )
        self.answer = answer


def refusal(
    reason: Reason, message: str, worker: str, *, retry_after: float | None = None
) -> Failure:
    """Return the Failure of a call that was not begun."""
    return Failure(reason=reason, message=message, worker=worker, retry_after=retry_after)
