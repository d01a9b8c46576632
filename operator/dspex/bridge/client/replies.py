"""What a worker's HTTP response means: an Answer, or the PythonError that it stands for."""

import datetime
import email.utils
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dspex.bridge.client.endpoint import Endpoint
from dspex.bridge.protocol import Answer, Failure
from dspex.errors import PythonError, Reason

LONGEST_QUOTE: Final = 200
"""Characters of an unreadable body that a message quotes."""

_MEANINGS: Final[Mapping[int, Reason]] = {
    400: Reason.REQUEST_REFUSED,
    401: Reason.REQUEST_REFUSED,
    403: Reason.REQUEST_REFUSED,
    413: Reason.REQUEST_REFUSED,
    422: Reason.OUTPUT_INVALID,
    429: Reason.QUEUE_FULL,
    499: Reason.CANCELLED,
    500: Reason.INTERNAL,
    502: Reason.WORKER_UNAVAILABLE,
    503: Reason.WORKER_UNAVAILABLE,
    504: Reason.TIMEOUT,
}
"""What a status means where no readable Failure comes with it: a proxy or an older worker."""

_REASONS: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}

_answers: Final = msgspec.json.Decoder(Answer)
_failures: Final = msgspec.json.Decoder(Failure)


def read_reply(status: int, headers: Mapping[str, str], body: bytes, sender: Endpoint) -> Answer:
    """Return the Answer that a response holds.

    Raises:
        PythonError: What the worker's Failure says, or ProtocolError for what can't be read.
    """
    if not _is_json(headers):
        if status == 200:
            kind = headers.get("Content-Type", "no content type")
            raise unreadable(sender, f"answered {kind!r} instead of JSON: {_quote(body)}")
        raise _bare_failure(status, headers, body, sender)
    if status == 200:
        return _read_answer(body, sender)
    raise _read_failure(status, headers, body, sender)


def unreadable(sender: Endpoint, what: str) -> PythonError:
    """Make the ProtocolError for an answer of a worker that can't be read."""
    return PythonError(Reason.PROTOCOL_ERROR, f"worker {sender.name} {what}", worker=sender.name)


def usage_to_wire(failure: Failure) -> dict[str, int]:
    """Return a failure's usage as the wire's object, without what is zero."""
    usage: dict[str, int] = msgspec.to_builtins(failure.usage)
    return usage


def _read_answer(body: bytes, sender: Endpoint) -> Answer:
    try:
        answer = _answers.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise unreadable(sender, f"sent an answer that can't be read: {error}") from error
    return answer if answer.worker else msgspec.structs.replace(answer, worker=sender.name)


def _read_failure(
    status: int, headers: Mapping[str, str], body: bytes, sender: Endpoint
) -> PythonError:
    try:
        failure = _failures.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _bare_failure(status, headers, body, sender)
    return PythonError(
        _reason(failure.reason, status),
        failure.message or f"worker {sender.name} answered {status}",
        error_class=failure.error_class,
        traceback=failure.traceback,
        usage=usage_to_wire(failure),
        worker=failure.worker or sender.name,
        retry_after=_first(failure.retry_after, retry_after(headers)),
        details=_details(failure),
    )


def _bare_failure(
    status: int, headers: Mapping[str, str], body: bytes, sender: Endpoint
) -> PythonError:
    reason = _MEANINGS.get(status, Reason.PROTOCOL_ERROR)
    message = f"worker {sender.name} answered {status} without a readable body: {_quote(body)}"
    if status in (401, 403):
        message = f"worker {sender.name} refused the call's token ({status})"
    return PythonError(reason, message, worker=sender.name, retry_after=retry_after(headers))


def _reason(name: str, status: int) -> Reason:
    """Return the reason of a name; a newer worker's unknown one becomes its status' meaning."""
    return _REASONS.get(name) or _MEANINGS.get(status, Reason.PROTOCOL_ERROR)


def _details(failure: Failure) -> dict[str, object]:
    """Return what the next attempt's feedback and the status need."""
    details: dict[str, Any] = {}
    if failure.answer:
        details["answer"] = failure.answer
    if failure.violations:
        details["violations"] = list(failure.violations)
    return details


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a `Retry-After` header, a number or a date; None for neither."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())


def _first(*values: float | None) -> float | None:
    return next((max(0.0, value) for value in values if value is not None), None)


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"


def _quote(body: bytes) -> str:
    if not body:
        return "an empty body"
    text = body[:LONGEST_QUOTE].decode("utf-8", "replace")
    return repr(text) + ("…" if len(body) > LONGEST_QUOTE else "")
