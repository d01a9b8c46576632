"""The server around a call: token, readiness, queue, draining, metrics, info."""

import asyncio

import msgspec
import pytest

import dspex
from dspex.bridge.protocol import Info
from dspex.errors import Reason
from dspex_worker.config import QueueConfig
from dspex_worker.lifecycle import Phase
from fakes.openai_endpoint import Hang, OpenAIEndpoint, fields
from fakes.serving import call_of, remote, serving

CALL = call_of("q -> a", {"q": "x"})


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", "Basic t0ken", "Bearer t0kenx", "Bearer é"]
)
async def test_a_wrong_token_is_refused_and_the_probes_stay_open(
    endpoint: OpenAIEndpoint, header: str | None
) -> None:
    """Without the token nothing but the probes answers."""
    headers = {"Authorization": header} if header else {}
    async with serving(remote(endpoint.base), token="t0ken") as worker:
        for method, path in (("POST", "/v1/execute"), ("GET", "/v1/info"), ("GET", "/metrics")):
            async with worker.session.request(method, worker.base + path, headers=headers) as reply:
                assert reply.status == 401
                assert "t0ken" not in await reply.text()
        for path in ("/healthz", "/readyz"):
            async with worker.session.get(worker.base + path, headers=headers) as reply:
                assert reply.status == 200


async def test_the_right_token_is_let_in(endpoint: OpenAIEndpoint) -> None:
    """With the token everything answers."""
    headers = {"Authorization": "Bearer t0ken"}
    async with (
        serving(remote(endpoint.base), token="t0ken") as worker,
        worker.session.get(worker.base + "/v1/info", headers=headers) as reply,
    ):
        assert reply.status == 200


async def test_a_worker_that_is_still_loading_is_not_ready(endpoint: OpenAIEndpoint) -> None:
    """Until all is loaded the probe says so, and a call is turned away with Retry-After."""
    async with serving(remote(endpoint.base), ready=False) as worker:
        async with worker.session.get(worker.base + "/readyz") as reply:
            assert reply.status == 503
            assert (await reply.json())["phase"] == Phase.LOADING
        async with worker.session.get(worker.base + "/healthz") as reply:
            assert reply.status == 200
        status, headers, body = await worker.post(CALL)
    assert status == 503
    assert headers["Retry-After"] == "1"
    assert msgspec.json.decode(body)["reason"] == Reason.WORKER_UNAVAILABLE


async def test_a_full_queue_turns_calls_away_with_retry_after(endpoint: OpenAIEndpoint) -> None:
    """One runs, one waits, the third gets 429 and the seconds to wait."""
    endpoint.default = Hang()
    config = remote(endpoint.base, concurrency=1, queue=QueueConfig(size=1, timeout=30))
    async with serving(config) as worker:
        calls = [asyncio.create_task(worker.post(CALL)) for _ in range(2)]
        await endpoint.received(1)
        while worker.server.gate.queued < 1:
            await asyncio.sleep(0.001)
        status, headers, body = await worker.post(CALL)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert status == 429
    assert int(headers["Retry-After"]) >= 1
    failure = msgspec.json.decode(body)
    assert failure["reason"] == Reason.QUEUE_FULL
    assert failure["retryAfter"] > 0


async def test_waiting_calls_run_when_a_place_comes_free(endpoint: OpenAIEndpoint) -> None:
    """A queued call is answered, and says how long it waited."""
    endpoint.default = fields(a="x", latency=0.1)
    async with serving(remote(endpoint.base, concurrency=1)) as worker:
        first, second = await asyncio.gather(worker.answer(CALL), worker.answer(CALL))
    waits = sorted([first.timings.queue, second.timings.queue])
    assert waits[0] == 0
    assert waits[1] >= 0.05


async def test_a_draining_worker_ends_what_runs_and_takes_nothing_new(
    endpoint: OpenAIEndpoint,
) -> None:
    """While it drains it is not ready and turns calls away, and the running one is answered."""
    endpoint.default = fields(a="x", latency=0.2)
    async with serving(remote(endpoint.base)) as worker:
        running = asyncio.create_task(worker.answer(CALL))
        await endpoint.received(1)
        worker.server.lifecycle.stop()
        async with worker.session.get(worker.base + "/readyz") as reply:
            assert reply.status == 503
        status, headers, _ = await worker.post(CALL)
        assert (status, headers["Retry-After"]) == (503, "1")
        assert not running.done()
        await worker.server.lifecycle.drained(10)
        assert (await running).outputs == {"a": "x"}


async def test_a_draining_worker_closes_the_connection_behind_each_answer(
    endpoint: OpenAIEndpoint,
) -> None:
    """The caller's next call would break on it; before the drain it is kept open."""
    endpoint.default = fields(a="x", latency=0.2)
    async with serving(remote(endpoint.base)) as worker:
        _, headers, _ = await worker.post(CALL)
        assert headers.get("Connection") != "close"
        running = asyncio.create_task(worker.post(CALL))
        await endpoint.received(2)
        worker.server.lifecycle.stop()
        refused = await worker.post(CALL)
        answered = await running
    assert (refused[0], refused[1]["Connection"]) == (503, "close")
    assert (answered[0], answered[1]["Connection"]) == (200, "close")


async def test_a_drain_ends_when_its_grace_is_over_or_it_is_asked_for_again(
    endpoint: OpenAIEndpoint,
) -> None:
    """A call that hangs does not keep the worker for ever."""
    endpoint.default = Hang()
    async with serving(remote(endpoint.base)) as worker:
        running = asyncio.create_task(worker.post(CALL))
        await endpoint.received(1)
        worker.server.lifecycle.stop()
        await asyncio.wait_for(worker.server.lifecycle.drained(0.05), 5)
        again = asyncio.create_task(worker.server.lifecycle.drained(60))
        await asyncio.sleep(0)
        worker.server.lifecycle.stop()
        await asyncio.wait_for(again, 5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"module": 3}', b"\xff\xfe"])
async def test_a_message_that_is_no_call_is_a_protocol_error(
    endpoint: OpenAIEndpoint, body: bytes
) -> None:
    """Garbage gets an answer that says so."""
    async with serving(remote(endpoint.base)) as worker:
        status, _, answer = await worker.post(body)
    assert status == 400
    assert msgspec.json.decode(answer)["reason"] == Reason.PROTOCOL_ERROR


async def test_a_fault_of_the_worker_itself_is_answered_as_one(
    endpoint: OpenAIEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours is an InternalError in the protocol's form, not a bare 500."""
    async with serving(remote(endpoint.base)) as worker:
        monkeypatch.setattr(worker.server.metrics, "ended", None)
        status, _, answer = await worker.post(CALL)
    assert status == 500
    assert msgspec.json.decode(answer)["reason"] == Reason.INTERNAL


async def test_info_tells_what_the_worker_is(endpoint: OpenAIEndpoint) -> None:
    """Versions, model, modules, tools and counters."""
    endpoint.script(fields(a="x"))
    async with serving(remote(endpoint.base, concurrency=3)) as worker:
        await worker.answer(CALL)
        await worker.failure(b"{")
        await worker.failure(call_of("q -> a", {}))
        async with worker.session.get(worker.base + "/v1/info") as reply:
            info = msgspec.json.decode(await reply.read(), type=Info)
    assert info.worker == "worker-1"
    assert info.pool == "small"
    assert info.version == dspex.__version__
    assert info.dspy_version.startswith("3.")
    assert info.model == "openai/m"
    assert info.modules[:3] == ["Predict", "ChainOfThought", "ReAct"]
    assert info.modules[3:6] == ["MultiChainComparison", "BestOfN", "Refine"]
    assert info.modules[6:] == ["SemanticF1", "DecompositionalSemanticF1", "CompleteAndGrounded"]
    assert (info.concurrency, info.completed, info.failed) == (3, 1, 1)


async def test_metrics_count_ends_tokens_and_times(endpoint: OpenAIEndpoint) -> None:
    """Prometheus reads results by reason, tokens by kind, and seconds by part."""
    endpoint.script(fields(a="x"))
    async with serving(remote(endpoint.base)) as worker:
        await worker.answer(CALL)
        await worker.failure(call_of("q -> a", {}))
        async with worker.session.get(worker.base + "/metrics") as reply:
            text = await reply.text()
            assert reply.headers["Content-Type"].startswith("text/plain; version=")
    assert 'dspex_worker_calls_total{pool="small",result="Succeeded"} 1.0' in text
    assert 'dspex_worker_calls_total{pool="small",result="InputInvalid"} 1.0' in text
    assert 'dspex_worker_tokens_total{kind="prompt",pool="small"} 10.0' in text
    assert 'dspex_worker_model_calls_total{pool="small"} 1.0' in text
    assert 'dspex_worker_seconds_count{part="model",pool="small"} 1.0' in text
    assert 'dspex_worker_active{pool="small"} 0.0' in text


async def test_logs_hold_no_inputs_and_no_outputs(
    endpoint: OpenAIEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """At the default level a call leaves its key, its end and its counts, never its values."""
    endpoint.script(fields(a="private answer"), fields(b="wrong private"))
    caplog.set_level("INFO")
    async with serving(remote(endpoint.base, adapter="JSON")) as worker:
        await worker.answer(call_of("q -> a", {"q": "private question"}, key="run/step/0/1"))
        await worker.failure(call_of("q -> a", {"q": "private question"}))
    records = [record for record in caplog.records if record.message == "call ended"]
    assert [record.__dict__["result"] for record in records] == ["Succeeded", "OutputInvalid"]
    assert records[0].__dict__["key"] == "run/step/0/1"
    assert "private" not in " ".join(str(record.__dict__) for record in caplog.records)
