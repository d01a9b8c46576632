"""What an endpoint's faults become, and that a cancelled call reaches it."""

import asyncio

import aiohttp
import msgspec
import pytest

from dspex.errors import Reason
from dspex_worker.config import QueueConfig
from fakes.openai_endpoint import (
    Answerer,
    Cut,
    Garbage,
    Hang,
    OpenAIEndpoint,
    RateLimited,
    Reply,
    Status,
    Text,
    fields,
)
from fakes.serving import call_of, remote, serving

CALL = call_of("q -> a", {"q": "x"})


@pytest.mark.parametrize(
    ("reply", "status", "reason", "word"),
    [
        (RateLimited(), 502, Reason.MODEL_RATE_LIMITED, "429"),
        (RateLimited(code="insufficient_quota"), 502, Reason.MODEL_REJECTED, "429"),
        (Status(status=400, message="no such field"), 502, Reason.MODEL_REJECTED, "no such field"),
        (Status(status=401, message="bad key"), 502, Reason.MODEL_REJECTED, "bad key"),
        (Status(status=402), 502, Reason.MODEL_REJECTED, "402"),
        (Status(status=403), 502, Reason.MODEL_REJECTED, "403"),
        (Status(status=404, message="no model m"), 502, Reason.MODEL_REJECTED, "no model m"),
        (Status(status=308), 502, Reason.MODEL_REJECTED, "308"),
        (Status(status=408), 502, Reason.MODEL_UNAVAILABLE, "408"),
        (Status(status=500), 502, Reason.MODEL_UNAVAILABLE, "500"),
        (Status(status=503), 502, Reason.MODEL_UNAVAILABLE, "503"),
        (Status(status=504), 502, Reason.MODEL_UNAVAILABLE, "504"),
        (Status(status=204), 502, Reason.MODEL_UNAVAILABLE, "204"),
        (Cut(), 502, Reason.MODEL_UNAVAILABLE, "can't be reached"),
        (Garbage(), 502, Reason.MODEL_UNAVAILABLE, "no chat completion"),
        (Garbage(body='{"choices": []}'), 502, Reason.MODEL_UNAVAILABLE, "no chat completion"),
        (Garbage(body='{"choices": [{"message": 3}]}'), 502, Reason.MODEL_UNAVAILABLE, "message"),
        (
            Status(status=400, message="too long", code="context_length_exceeded"),
            502,
            Reason.CONTEXT_EXCEEDED,
            "too long",
        ),
        (
            Status(status=400, message="maximum context length is 4096 tokens"),
            502,
            Reason.CONTEXT_EXCEEDED,
            "4096",
        ),
    ],
    ids=str,
)
async def test_each_fault_of_the_endpoint_has_its_reason(
    endpoint: OpenAIEndpoint, reply: Reply, status: int, reason: Reason, word: str
) -> None:
    """A fault becomes its reason with the endpoint's words; the worker does not try again."""
    endpoint.default = reply
    async with serving(remote(endpoint.base)) as worker:
        given, _, body = await worker.post(CALL)
    failure = msgspec.json.decode(body)
    assert (given, failure["reason"]) == (status, reason)
    assert word in failure["message"]
    assert failure["usage"] == {"calls": 1}
    assert len(endpoint.requests) == 1


async def test_retry_after_is_passed_on(endpoint: OpenAIEndpoint) -> None:
    """The provider's own wait comes back, so that the retry above can obey it."""
    endpoint.script(RateLimited(retry_after=7))
    async with serving(remote(endpoint.base)) as worker:
        failure = await worker.failure(CALL)
    assert failure.retry_after == 7


async def test_an_endpoint_that_is_not_there_is_unavailable() -> None:
    """A refused connection is ModelUnavailable."""
    async with serving(remote("http://127.0.0.1:9/v1")) as worker:
        failure = await worker.failure(CALL)
    assert failure.reason == Reason.MODEL_UNAVAILABLE


async def test_the_deadline_ends_the_call_and_drops_the_request(endpoint: OpenAIEndpoint) -> None:
    """A model that hangs costs the call's timeout, and the endpoint sees the connection go."""
    endpoint.default = Hang()
    async with serving(remote(endpoint.base)) as worker:
        status, _, body = await worker.post(msgspec.structs.replace(CALL, timeout=0.2))
        await asyncio.wait_for(endpoint.gave_up(1), 5)
    assert status == 504
    assert msgspec.json.decode(body)["reason"] == Reason.TIMEOUT


async def test_the_pools_call_timeout_caps_the_calls_own(endpoint: OpenAIEndpoint) -> None:
    """No call may ask for more time than its Pool gives."""
    endpoint.default = Hang()
    async with serving(remote(endpoint.base, call_timeout=0.2)) as worker:
        failure = await worker.failure(msgspec.structs.replace(CALL, timeout=60.0))
    assert failure.reason == Reason.TIMEOUT
    assert "0.2 s" in failure.message


async def test_the_deadline_counts_the_time_in_the_queue(endpoint: OpenAIEndpoint) -> None:
    """A call that waited for its whole timeout ends as Timeout, without a model call."""
    endpoint.default = Hang()
    config = remote(endpoint.base, concurrency=1, queue=QueueConfig(size=4, timeout=30))
    async with serving(config) as worker:
        running = asyncio.create_task(worker.post(CALL))
        await endpoint.received(1)
        status, _, body = await worker.post(msgspec.structs.replace(CALL, timeout=0.1))
        running.cancel()
    assert status == 504
    assert msgspec.json.decode(body)["usage"] == {}
    assert len(endpoint.requests) == 1


async def test_a_client_that_goes_away_cancels_the_model_call(endpoint: OpenAIEndpoint) -> None:
    """The request to the model ends with the call that it was for, and the place comes free."""
    endpoint.script(Hang(), fields(a="second"))
    async with serving(remote(endpoint.base, concurrency=1)) as worker:
        lost = asyncio.create_task(worker.post(CALL))
        await endpoint.received(1)
        lost.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lost
        await asyncio.wait_for(endpoint.gave_up(1), 5)
        answer = await worker.answer(CALL)
    assert answer.outputs == {"a": "second"}


@pytest.mark.parametrize(
    "reply",
    [Text(text='{"a": "x"}', usage=None), lambda _: Text(text='{"a": "x"}', latency=0.01)],
    ids=["plain", "late"],
)
async def test_the_key_is_sent_as_a_bearer_token_and_shown_nowhere(
    endpoint: OpenAIEndpoint,
    reply: Reply | Answerer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The key goes to the endpoint, and into no answer and no log line."""
    monkeypatch.setenv("DSPEX_MODEL_API_KEY", "sk-secret")
    endpoint.script(reply, Status(status=401, message="bad key"))
    caplog.set_level("DEBUG")
    async with serving(remote(endpoint.base, adapter="JSON")) as worker:
        _, _, good = await worker.post(msgspec.structs.replace(CALL, prompts=True))
        _, _, bad = await worker.post(CALL)
    assert endpoint.requests[0].headers["Authorization"] == "Bearer sk-secret"
    assert b"sk-secret" not in good + bad
    assert "sk-secret" not in caplog.text


async def test_requests_are_not_limited_to_a_hundred_connections(endpoint: OpenAIEndpoint) -> None:
    """150 calls are all with the endpoint at once."""
    endpoint.default = Hang()
    config = remote(endpoint.base, concurrency=150)
    async with serving(config) as worker:
        worker.session.connector._limit = 0  # type: ignore[union-attr]  # the test's own client
        calls = [asyncio.create_task(worker.post(CALL)) for _ in range(150)]
        await asyncio.wait_for(endpoint.received(150), 20)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_a_redirect_never_carries_the_key_elsewhere(endpoint: OpenAIEndpoint) -> None:
    """A redirect is an error, not a second request."""
    endpoint.default = Status(status=302)
    async with serving(remote(endpoint.base)) as worker:
        failure = await worker.failure(CALL)
    assert failure.reason == Reason.MODEL_REJECTED
    assert len(endpoint.requests) == 1


async def test_faults_of_the_clients_connection_do_not_hurt_the_worker(
    endpoint: OpenAIEndpoint,
) -> None:
    """Half a request leaves the worker able to answer the next one."""
    endpoint.default = fields(a="x")
    async with serving(remote(endpoint.base)) as worker:
        host, port = worker.base.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/execute HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        with pytest.raises(aiohttp.ClientResponseError):
            async with worker.session.post(worker.base + "/nowhere", raise_for_status=True):
                pass
        assert (await worker.answer(CALL)).outputs == {"a": "x"}
