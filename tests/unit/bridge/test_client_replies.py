"""What HTTP responses of workers mean."""

import contextlib
import datetime
import email.utils

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.bridge.client import Endpoint
from dspex.bridge.client.replies import read_reply, retry_after
from dspex.bridge.protocol import Answer, Failure, Usage
from dspex.errors import PythonError, Reason

SENDER = Endpoint("http://127.0.0.1:1", "small-0")
JSON = {"Content-Type": "application/json; charset=utf-8"}


def refusal(status: int, body: bytes = b"", **headers: str) -> PythonError:
    """Return the error that a response stands for."""
    with pytest.raises(PythonError) as caught:
        read_reply(status, {**JSON, **headers}, body, SENDER)
    return caught.value


def test_an_answer_is_read_whole() -> None:
    """Outputs, usage and the worker's own name come back."""
    sent = Answer(outputs={"a": [1, None]}, usage=Usage(calls=2), worker="other")
    assert read_reply(200, JSON, msgspec.json.encode(sent), SENDER) == sent


def test_an_answer_without_a_name_gets_the_endpoints() -> None:
    """The status of a step always says which worker it was."""
    assert read_reply(200, JSON, b'{"outputs": {}}', SENDER).worker == "small-0"


def test_fields_of_a_newer_worker_are_ignored() -> None:
    """Versions may differ by one."""
    answer = read_reply(200, JSON, b'{"outputs": {"a": 1}, "brandNew": 1}', SENDER)
    assert answer.outputs == {"a": 1}


def test_a_failure_keeps_everything_that_it_says() -> None:
    """Reason, class, traceback, usage, worker, answer and violations survive."""
    failure = Failure(
        reason="OutputInvalid",
        message="urgent is no bool",
        error_class="dspy.AdapterParseError",
        traceback="File x",
        answer="{}",
        violations=["urgent: expected bool"],
        retry_after=1.5,
        usage=Usage(calls=1, prompt_tokens=7),
        worker="small-9",
    )
    error = refusal(422, msgspec.json.encode(failure), **{"Retry-After": "9"})
    assert error.reason is Reason.OUTPUT_INVALID
    assert error.message == "urgent is no bool"
    assert error.error_class == "dspy.AdapterParseError"
    assert error.traceback == "File x"
    assert error.usage == {"calls": 1, "promptTokens": 7}
    assert error.worker == "small-9"
    assert error.retry_after == 1.5
    assert error.details == {"answer": "{}", "violations": ["urgent: expected bool"]}


def test_retry_after_comes_from_the_header_where_the_body_has_none() -> None:
    """A 429's header counts."""
    failure = Failure(reason="QueueFull", message="")
    error = refusal(429, msgspec.json.encode(failure), **{"Retry-After": "3"})
    assert error.retry_after == 3
    assert error.message == "worker small-0 answered 429"
    assert error.worker == "small-0"
    assert not error.usage
    assert not error.details


def test_an_unknown_reason_becomes_what_its_status_means() -> None:
    """A newer worker's reason does not break an older client."""
    body = msgspec.json.encode(Failure(reason="ModelOnFire", message="m"))
    assert refusal(504, body).reason is Reason.TIMEOUT
    assert refusal(418, body).reason is Reason.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.REQUEST_REFUSED),
        (413, Reason.REQUEST_REFUSED),
        (429, Reason.QUEUE_FULL),
        (500, Reason.INTERNAL),
        (502, Reason.WORKER_UNAVAILABLE),
        (503, Reason.WORKER_UNAVAILABLE),
        (504, Reason.TIMEOUT),
        (204, Reason.PROTOCOL_ERROR),
        (301, Reason.PROTOCOL_ERROR),
        (404, Reason.PROTOCOL_ERROR),
    ],
)
def test_a_status_without_a_readable_body_still_means_something(
    status: int, reason: Reason
) -> None:
    """A proxy's bare page maps to a reason, and the message quotes it."""
    error = refusal(status, b"<h1>no</h1>", **{"Content-Type": "text/html"})
    assert error.reason is reason
    assert "<h1>no</h1>" in error.message
    assert refusal(status, b"{not json").reason is reason
    assert "empty body" in refusal(status).message


def test_a_refused_token_is_said_in_words() -> None:
    """401 without a body names the token, not the bytes."""
    assert "refused the call's token (401)" in refusal(401).message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"outputs": 1}', b"\xff\xfe", b"[" * 100_000])
def test_an_unreadable_answer_is_a_protocol_error(body: bytes) -> None:
    """Garbage, the wrong shape and deep nesting end in ProtocolError that names the worker."""
    error = refusal(200, body)
    assert error.reason is Reason.PROTOCOL_ERROR
    assert error.worker == "small-0"


def test_an_answer_that_is_not_json_is_a_protocol_error() -> None:
    """The content type is checked before anything is parsed."""
    error = refusal(200, b"y" * 5000, **{"Content-Type": "text/plain"})
    assert error.reason is Reason.PROTOCOL_ERROR
    assert "'text/plain' instead of JSON" in error.message
    assert len(error.message) < 400


@given(status=st.integers(100, 599), body=st.binary(max_size=60), kind=st.sampled_from(["", "x"]))
def test_no_response_breaks_the_reader(status: int, body: bytes, kind: str) -> None:
    """Whatever comes back, the outcome is an Answer or a PythonError."""
    headers = {**JSON, "Content-Type": kind} if kind else JSON
    with contextlib.suppress(PythonError):
        read_reply(status, headers, body, SENDER)
        assert status == 200


def test_retry_after_reads_seconds_and_dates() -> None:
    """Both forms of RFC 9110; nonsense and the past never delay."""
    now = datetime.datetime.now(datetime.UTC)
    later = email.utils.format_datetime(now + datetime.timedelta(seconds=30), usegmt=True)
    seconds = retry_after({"Retry-After": later})
    assert seconds is not None
    assert 27 < seconds <= 30
    zoneless = later.replace("GMT", "-0000")
    assert retry_after({"Retry-After": zoneless}) is not None
    past = email.utils.format_datetime(now - datetime.timedelta(seconds=30), usegmt=True)
    assert retry_after({"Retry-After": past}) == 0
    assert retry_after({"Retry-After": "12"}) == 12
    for nonsense in ("", "soon", "-1", "²"):
        assert retry_after({"Retry-After": nonsense}) is None
