"""Workers found by the addresses of a headless Service, and the token that calls carry."""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from dspex.bridge.client import Endpoint, PoolClient, ServiceResolver, TokenFile
from dspex.bridge.client.service import look_up
from dspex.bridge.protocol import Call
from dspex.errors import PythonError, Reason
from fakes.virtual_time import run_virtually
from fakes.worker import FakeWorker, Reply


class Names:
    """A DNS that a test changes."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.error: OSError | None = None
        self.asked = 0

    async def look_up(self, host: str, port: int) -> Sequence[str]:
        """Answer, or fail as the system's resolver does."""
        assert (host, port) == ("small.shop.svc", 8080)
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return self.addresses

    @property
    def resolver(self) -> ServiceResolver:
        """Make a resolver that asks here."""
        return ServiceResolver("small.shop.svc", 8080, lookup=self.look_up, refresh=3.0)


def addresses(endpoints: Sequence[Endpoint]) -> list[str]:
    """Return where they are."""
    return [endpoint.address for endpoint in endpoints]


def test_every_address_is_a_worker_and_v6_ones_stand_in_brackets() -> None:
    """Sorted, each once, as URLs."""

    async def whole() -> None:
        names = Names("10.0.0.2", "10.0.0.1", "10.0.0.2", "fd00::1")
        assert addresses(await names.resolver.workers()) == [
            "http://10.0.0.1:8080",
            "http://10.0.0.2:8080",
            "http://[fd00::1]:8080",
        ]

    run_virtually(whole())


def test_the_dns_is_asked_again_every_few_seconds_and_when_a_worker_fails() -> None:
    """Many calls cost one question; the ones that come meanwhile are not held up by it."""

    async def whole() -> None:
        names = Names("10.0.0.1")
        resolver = names.resolver
        first = await resolver.workers()
        await resolver.workers()
        assert names.asked == 1
        names.addresses = ("10.0.0.9",)
        await asyncio.sleep(3.1)
        assert addresses(await resolver.workers()) == addresses(first)
        await asyncio.sleep(0.1)
        assert addresses(await resolver.workers()) == ["http://10.0.0.9:8080"]
        assert names.asked == 2
        resolver.report(first[0])
        await resolver.workers()
        await asyncio.sleep(0.1)
        assert names.asked == 3
        await resolver.close()

    run_virtually(whole())


def test_a_pool_without_a_ready_worker_is_waited_for() -> None:
    """The first worker that becomes ready ends the wait."""

    async def whole() -> None:
        names = Names()
        waiting = asyncio.ensure_future(names.resolver.workers())
        await asyncio.sleep(20)
        assert not waiting.done()
        names.addresses = ("10.0.0.1",)
        async with asyncio.timeout(1.1):
            assert addresses(await waiting) == ["http://10.0.0.1:8080"]

    run_virtually(whole())


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_AGAIN, "again"), OSError("cut")])
def test_while_the_dns_is_away_the_known_workers_stand(error: OSError) -> None:
    """Names that nobody can resolve are no sign that the pods are gone; a denial is one."""

    async def whole() -> None:
        names = Names("10.0.0.1")
        resolver = names.resolver
        await resolver.workers()
        names.error = error
        for _ in range(3):
            await asyncio.sleep(3.1)
            assert addresses(await resolver.workers()) == ["http://10.0.0.1:8080"]
            await asyncio.sleep(0.1)
        assert names.asked == 4
        names.error = socket.gaierror(socket.EAI_NONAME, "gone")
        await asyncio.sleep(3.1)
        await resolver.workers()
        await asyncio.sleep(0.1)
        waiting = asyncio.ensure_future(resolver.workers())
        await asyncio.sleep(5)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])
        await resolver.close()

    run_virtually(whole())


def test_that_the_dns_is_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is asked meanwhile; and so is that it is back."""

    async def whole() -> None:
        names = Names("10.0.0.1")
        resolver = names.resolver
        await resolver.workers()
        for error in (socket.gaierror(socket.EAI_AGAIN, "try again"), OSError("no net"), None):
            names.error = error
            await asyncio.sleep(4)
            await resolver.workers()
            await asyncio.sleep(0.1)

    with caplog.at_level("INFO"):
        run_virtually(whole())
    assert [each.getMessage() for each in caplog.records] == [
        f"the DNS can't be asked for small.shop.svc: [Errno {socket.EAI_AGAIN}] try again",
        "the DNS answers again for small.shop.svc",
    ]


async def test_the_systems_resolver_is_asked_in_the_running_loop() -> None:
    """A name of this machine resolves, in a thread of its own."""
    assert "127.0.0.1" in await look_up("localhost", 80)


class Moving:
    """A resolver whose only worker is away at first."""

    def __init__(self, dead: Endpoint, alive: Endpoint) -> None:
        self.dead, self.alive = dead, alive
        self.reports = 0

    async def workers(self) -> Sequence[Endpoint]:
        """Return the worker that is not there, then the one that is."""
        return [self.dead if self.reports < 6 else self.alive]

    def report(self, endpoint: Endpoint) -> None:
        """Count."""
        del endpoint
        self.reports += 1


async def test_a_patient_client_tries_until_the_deadline() -> None:
    """A worker that is replaced is tried more often than an impatient client would."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        dead = Endpoint(f"http://127.0.0.1:{reserved.getsockname()[1]}", "dead")
        call = Call(module="Predict", signature={}, inputs={}, timeout=30.0)
        async with FakeWorker(Reply({"x": 1})) as worker:
            async with PoolClient(Moving(dead, worker.endpoint), patient=True) as client:
                assert (await client.execute(call)).outputs == {"x": 1}
            async with PoolClient(Moving(dead, worker.endpoint)) as client:
                with pytest.raises(PythonError) as caught:
                    await client.execute(call)
    assert caught.value.reason is Reason.WORKER_UNAVAILABLE


async def test_a_renewed_token_is_sent_from_the_next_call_on(tmp_path: Path) -> None:
    """The kubelet swaps the file; a file that can't be read leaves the last token."""
    file = tmp_path / "token"
    call = Call(module="Predict", signature={}, inputs={})
    token = TokenFile(file)
    async with FakeWorker(Reply({})) as worker:

        class Here(Moving):
            async def workers(self) -> Sequence[Endpoint]:
                return [worker.endpoint]

        resolver = Here(worker.endpoint, worker.endpoint)
        async with PoolClient(resolver, token=token) as client:
            await client.execute(call)
            file.write_text("one\n")
            await client.execute(call)
            other = tmp_path / "next"
            other.write_text("two\n")
            os.utime(other, ns=(1, 1))
            other.replace(file)
            await client.execute(call)
            file.unlink()
            await client.execute(call)
    assert worker.tokens == [None, "Bearer one", "Bearer two", "Bearer two"]
