"""The client against scripted workers over real HTTP."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import pytest

from dspex.bridge.client import Endpoint, PoolClient, Pools
from dspex.bridge.dispatch import Dispatcher
from dspex.bridge.protocol import Answer, Call, Failure
from dspex.errors import PythonError, Reason
from fakes.worker import Die, Fail, FakeWorker, Hang, Raw, Reply, full


class Workers:
    """A resolver over a list that a test changes."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints = list(endpoints)
        self.reported: list[str] = []
        self.none_ready = False

    async def workers(self) -> Sequence[Endpoint]:
        """Return the list; waits for ever while there is none."""
        if self.none_ready:
            await asyncio.Event().wait()
        return self.endpoints

    def report(self, endpoint: Endpoint) -> None:
        """Remember who was reported."""
        self.reported.append(endpoint.name)


def call(timeout: float = 5.0) -> Call:
    """Make a call."""
    return Call(module="Predict", signature={}, inputs={"question": "why?"}, timeout=timeout)


@pytest.fixture
def closed() -> Endpoint:
    """Return a port on which nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return Endpoint(f"http://127.0.0.1:{reserved.getsockname()[1]}", "closed")


@contextlib.asynccontextmanager
async def client_of(
    *endpoints: Endpoint, token: str = "", margin: float = 2.0, most: int = 2**20
) -> AsyncIterator[tuple[PoolClient, Workers]]:
    """Open a client of some endpoints."""
    resolver = Workers(*endpoints)
    client = PoolClient(resolver, pool="small", token=token, margin=margin, max_answer_bytes=most)
    async with client:
        yield client, resolver


async def failure_of(client: PoolClient, call: Call) -> PythonError:
    """Return the error that a call ends with."""
    with pytest.raises(PythonError) as caught:
        await client.execute(call)
    return caught.value


async def test_a_call_reaches_the_worker_and_its_answer_comes_back() -> None:
    """Inputs, token and the deadline that is left travel; outputs come back."""
    async with (
        FakeWorker(Reply({"answer": 42})) as worker,
        client_of(worker.endpoint, token="t0ken") as (client, _),
    ):
        answer = await client.execute(call())
    assert answer.outputs == {"answer": 42}
    assert answer.worker == "fake-0"
    assert worker.tokens == ["Bearer t0ken"]
    assert worker.calls[0].inputs == {"question": "why?"}
    assert 4.0 < worker.calls[0].timeout <= 5.0


async def test_without_a_token_no_authorization_is_sent() -> None:
    """A worker without authentication gets none."""
    async with FakeWorker() as worker, client_of(worker.endpoint) as (client, _):
        await client.execute(call())
    assert worker.tokens == [None]


async def test_two_hundred_calls_at_once_share_two_workers() -> None:
    """No limit of connections stands between the calls, and both workers get a share."""
    async with (
        FakeWorker(Hang()) as one,
        FakeWorker(Hang()) as two,
        client_of(one.endpoint, two.endpoint) as (client, _),
        asyncio.TaskGroup() as group,
    ):
        calls = [group.create_task(client.execute(call(timeout=60))) for _ in range(200)]
        watchers = [
            group.create_task(worker.until(lambda _: one.active + two.active == 200, seconds=30))
            for worker in (one, two)
        ]
        await asyncio.wait(watchers, return_when=asyncio.FIRST_COMPLETED)
        assert min(one.active, two.active) > 60
        for task in (*calls, *watchers):
            task.cancel()


async def test_a_worker_that_refuses_connections_is_gone_round(closed: Endpoint) -> None:
    """The call goes to another within the same execute; the resolver hears of the first."""
    async with FakeWorker() as worker, client_of(closed, worker.endpoint) as (client, resolver):
        answers = await asyncio.gather(*(client.execute(call()) for _ in range(20)))
    assert {answer.worker for answer in answers} == {"fake-0"}
    assert set(resolver.reported) == {"closed"}


async def test_a_worker_that_drains_is_gone_round() -> None:
    """503 WorkerUnavailable means that nothing was begun: another worker gets the call."""
    leaving = Failure(reason="WorkerUnavailable", message="draining")
    async with (
        FakeWorker(Fail(leaving, status=503), name="leaving") as old,
        FakeWorker() as new,
        client_of(old.endpoint, new.endpoint) as (client, resolver),
    ):
        for _ in range(10):
            assert (await client.execute(call())).worker == "fake-0"
    assert resolver.reported.count("leaving") == len(old.calls)


async def test_where_no_worker_can_be_reached_the_call_ends_soon(closed: Endpoint) -> None:
    """After a few tries the call is WorkerUnavailable, long before its deadline."""
    async with client_of(closed) as (client, resolver), asyncio.timeout(5):
        error = await failure_of(client, call(timeout=60))
    assert error.reason is Reason.WORKER_UNAVAILABLE
    assert "'small'" in error.message
    assert "closed" in error.message
    assert len(resolver.reported) == 3


async def test_a_worker_that_comes_back_is_used_within_the_same_call(closed: Endpoint) -> None:
    """A refused connection is tried again after a short rest."""
    worker = FakeWorker()
    async with client_of(closed) as (client, resolver):
        task = asyncio.create_task(client.execute(call()))
        while not resolver.reported:
            await asyncio.sleep(0)
        await worker.start(port=int(closed.address.rpartition(":")[2]))
        assert (await task).worker == "fake-0"
    await worker.stop()


async def test_waiting_for_a_worker_ends_at_the_deadline() -> None:
    """A resolver that has none yet is waited for, but not past the call's timeout."""
    async with client_of() as (client, resolver):
        resolver.none_ready = True
        error = await failure_of(client, call(timeout=0.05))
    assert error.reason is Reason.WORKER_UNAVAILABLE
    assert "within 0.05 s" in error.message


async def test_a_full_worker_is_left_for_another_once() -> None:
    """429 from one sends the call to the other."""
    async with (
        FakeWorker(full(7), name="full") as busy,
        FakeWorker() as idle,
        client_of(busy.endpoint, idle.endpoint) as (client, resolver),
    ):
        for _ in range(10):
            assert (await client.execute(call())).worker == "fake-0"
    assert busy.calls
    assert resolver.reported == []


async def test_two_full_workers_are_the_answer() -> None:
    """After the second 429 the call is QueueFull, with the Retry-After of it, a third unasked."""
    async with (
        FakeWorker(full(7)) as one,
        FakeWorker(full(7)) as two,
        FakeWorker(full(7)) as three,
        client_of(one.endpoint, two.endpoint, three.endpoint) as (client, _),
    ):
        error = await failure_of(client, call())
    assert error.reason is Reason.QUEUE_FULL
    assert error.retry_after == 7
    assert len(one.calls) + len(two.calls) + len(three.calls) == 2


async def test_the_only_worker_being_full_is_the_answer() -> None:
    """One full worker and nobody else: QueueFull at once."""
    async with FakeWorker(full(7)) as worker, client_of(worker.endpoint) as (client, _):
        assert (await failure_of(client, call())).reason is Reason.QUEUE_FULL
    assert len(worker.calls) == 1


@pytest.mark.parametrize("partial", [b"", b'{"outputs": {'])
async def test_a_connection_that_breaks_in_the_call_is_a_lost_worker(partial: bytes) -> None:
    """Before or in the middle of an answer: WorkerLost, reported, and never sent twice."""
    async with (
        FakeWorker(Die(partial=partial)) as worker,
        FakeWorker(Die(partial=partial)) as other,
        client_of(worker.endpoint, other.endpoint) as (client, resolver),
    ):
        error = await failure_of(client, call())
    assert error.reason is Reason.WORKER_LOST
    assert error.worker == "fake-0"
    assert len(worker.calls) + len(other.calls) == 1
    assert resolver.reported == ["fake-0"]


async def test_a_worker_that_hangs_ends_in_a_timeout() -> None:
    """Past the deadline and the margin the call is Timeout, the worker reported and released."""
    async with FakeWorker(Hang()) as worker:
        async with client_of(worker.endpoint, margin=0.05) as (client, resolver):
            error = await failure_of(client, call(timeout=0.05))
        assert error.reason is Reason.TIMEOUT
        assert error.worker == "fake-0"
        assert resolver.reported == ["fake-0"]
        await worker.until(lambda worker: worker.dropped == 1)


async def test_the_workers_own_timeout_is_waited_for() -> None:
    """A Failure that comes just past the deadline is what the caller sees, usage included."""
    late = Fail(Failure(reason="Timeout", message="too slow"), status=504, after=0.2)
    async with FakeWorker(late) as worker, client_of(worker.endpoint) as (client, resolver):
        error = await failure_of(client, call(timeout=0.1))
    assert error.message == "too slow"
    assert resolver.reported == []


async def test_cancelling_the_task_cancels_the_call_on_the_worker() -> None:
    """The connection is dropped at once, which the worker sees."""
    async with FakeWorker(Hang()) as worker, client_of(worker.endpoint) as (client, _):
        task = asyncio.create_task(client.execute(call(timeout=60)))
        await worker.until(lambda worker: worker.active == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await worker.until(lambda worker: worker.dropped == 1 and worker.active == 0)


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"\x00garbage", "can't be read"), (b'{"outputs": {"a": "' + b"x" * 5000, "longer than")],
)
async def test_garbage_and_giants_are_protocol_errors(body: bytes, words: str) -> None:
    """An unreadable or too long answer is ProtocolError."""
    async with (
        FakeWorker(Raw(body)) as worker,
        client_of(worker.endpoint, most=4096) as (client, _),
    ):
        error = await failure_of(client, call())
    assert error.reason is Reason.PROTOCOL_ERROR
    assert words in error.message


async def test_what_does_not_speak_http_is_a_protocol_error() -> None:
    """Bytes that are no HTTP end in ProtocolError."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_of(Endpoint(f"http://127.0.0.1:{port}", "mail")) as (client, _):
        error = await failure_of(client, call())
    assert error.reason is Reason.PROTOCOL_ERROR


async def test_redirects_are_not_followed() -> None:
    """A worker can't send the call, with its token, elsewhere."""
    async with FakeWorker() as other:
        away = Raw(b"", status=307, headers={"Location": other.address + "/v1/execute"})
        async with FakeWorker(away) as worker, client_of(worker.endpoint) as (client, _):
            error = await failure_of(client, call())
    assert error.reason is Reason.PROTOCOL_ERROR
    assert other.calls == []


async def test_an_address_that_is_none_is_an_unreachable_worker() -> None:
    """A broken address never escapes as an exception of the HTTP library."""
    async with client_of(Endpoint("nowhere", "odd")) as (client, _):
        error = await failure_of(client, call())
    assert error.reason is Reason.WORKER_UNAVAILABLE


async def test_pools_send_to_the_named_pool_and_refuse_unknown_ones() -> None:
    """`Pools` is the engine's Dispatcher; a pool that is not there is said, with those that are."""
    async with FakeWorker(Reply({"a": 1})) as worker, client_of(worker.endpoint) as (client, _):
        pools = Pools({"small": client})
        dispatcher: Dispatcher = pools
        answer: Answer = await dispatcher.execute("small", call())
        assert answer.outputs == {"a": 1}
        with pytest.raises(PythonError, match=r"no pool 'big' here \(there is: small\)"):
            await dispatcher.execute("big", call())
        await pools.close()
