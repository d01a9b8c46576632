"""What the API server refuses, by the reason that it gives."""

from typing import Any


class KubeError(Exception):
    """The API server refused a request, or could not be reached.

    Attributes:
        status: HTTP status; 0 where there was no answer.
        reason: Kubernetes' word for it, such as Forbidden; empty where there was no answer.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status in (0, 429) or self.status >= 500


class NotFoundError(KubeError):
    """There is no such object, or no such kind."""


class ExpiredError(KubeError):
    """The API server has forgotten what came after that version, or that page: list anew."""


class ConflictError(KubeError):
    """The object has changed since it was read, or is there already."""


class ForbiddenError(KubeError):
    """RBAC or an admission policy does not allow it."""


class InvalidError(KubeError):
    """The object does not fit its schema or its rules."""


_BY_STATUS: dict[int, type[KubeError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    422: InvalidError,
}


def error_of(status: int, body: Any, request: str) -> KubeError:
    """Return the error for an answer.

    Args:
        status: HTTP status, 400 or more.
        body: The answer's JSON; a Status object where the API server itself answered.
        request: What was asked, for the message.
    """
    given = body if isinstance(body, dict) else {}
    message = given.get("message") or f"HTTP {status}"
    kind = _BY_STATUS.get(status, KubeError)
    return kind(f"{request}: {message}", status=status, reason=str(given.get("reason", "")))
