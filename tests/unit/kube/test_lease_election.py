"""Leader election: one leads, a standby takes over, a leader cut off stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.lease import Election, Terms
from fakes.kube_server import KubeServer

QUICK = Terms(duration=1.0, renew=0.02, deadline=0.2)
PATH = "/apis/coordination.k8s.io/v1/namespaces/sys/leases/dspex"


class Candidates:
    """Candidates for one Lease."""

    def __init__(self, server: KubeServer, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack

    async def make(self, name: str) -> Election:
        """Make one."""
        client = KubeClient(ClusterConfig(self.server.address), manager="tests")
        await self._stack.enter_async_context(client)
        return Election(client, "sys", "dspex", name, terms=QUICK)

    @property
    def holder(self) -> str:
        """Who holds the Lease."""
        return str(self.server.objects[PATH]["spec"]["holderIdentity"])


@pytest.fixture
async def candidates() -> AsyncIterator[Candidates]:
    """Yield a maker of candidates."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(KubeServer())
        yield Candidates(server, stack)


async def test_the_first_leads_and_the_second_waits(candidates: Candidates) -> None:
    """While the first renews, the second does not get it."""
    first, second = await candidates.make("a"), await candidates.make("b")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await second.acquire()
    assert candidates.holder == "a"
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def test_a_standby_takes_over_from_one_that_fell_silent(candidates: Candidates) -> None:
    """After the lease's duration, by the standby's own clock; the transition is counted."""
    first, second = await candidates.make("a"), await candidates.make("b")
    await first.acquire()
    async with asyncio.timeout(10):
        await second.acquire()
    assert candidates.holder == "b"
    assert candidates.server.objects[PATH]["spec"]["leaseTransitions"] == 1
    async with asyncio.timeout(10):
        await first.hold()


async def test_a_lease_given_up_is_free_at_once(candidates: Candidates) -> None:
    """Nobody waits for it to run out; giving up another's changes nothing."""
    first, second = await candidates.make("a"), await candidates.make("b")
    await first.acquire()
    await second.release()
    assert candidates.holder == "a"
    await first.release()
    async with asyncio.timeout(0.5):
        await second.acquire()
    assert candidates.holder == "b"


async def test_a_leader_that_can_not_renew_stops(candidates: Candidates) -> None:
    """Within its deadline, which is shorter than the lease."""
    first = await candidates.make("a")
    await first.acquire()
    candidates.server.refuse.extend([(503, {})] * 1000)
    async with asyncio.timeout(5):
        await first.hold()
    await first.release()
