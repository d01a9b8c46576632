"""What one worker process does in a second beside the way that DSPy documents, on the same model.

Both are real processes that answer over HTTP, asked by this one; the model is a third, which answers
after a while or at once. The rival is FastAPI with `dspy.asyncify`: see `documented_way.py`.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import aiohttp
import msgspec

from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.local.events import WorkerEvent, WorkerStarting
from dspex.local.pools import LocalPools, PoolPlan
from dspex.native.signatures import parse_signature
from fakes.objects import pool
from fakes.processes import processor_time
from performance.bare_server import ECHO_PATH, TESTS, served
from performance.documented_way import PATH
from performance.measure import CPU, WALL, Comparison, summarise
from performance.row import Row

Ask: TypeAlias = Callable[[], Awaitable[object]]

SIGNATURE = "question -> answer"
QUESTION = "How many legs have three spiders, and how many two ants?"
RIVAL = "FastAPI + asyncify"

SLOW = 0.5
"""Seconds that the slow model takes."""

MANY = 256
FEW = 32

WARM_UP = 1.5
WINDOW = 5.0
"""Seconds in which answers of the slow model are counted: whole ones are, so several of its turns."""

ROUNDS = 5
CALLS = 600
"""Calls in a round on the model that answers at once."""

ALL_CALLS = 50_000
FIRST_CALLS = 5_000
"""After so many every pool of memory has its size."""

FLAT = 1.05
"""What the memory after all calls may be of that after the first ones."""


def throughput() -> list[Row]:
    """Count answers with a slow model and many clients, and with a quick one and few."""
    return asyncio.run(_throughput())


def endurance() -> list[Row]:
    """Make many calls, and look at what they cost in processor time and leave in memory."""
    return asyncio.run(_endurance())


async def _throughput() -> list[Row]:
    slow, quick = await _slow_model(), await _quick_model()
    return [
        Row(name="a call, 0.5 s model, 256 clients", rival=RIVAL, measured=slow, at_least=20),
        Row(name="a call, 0 ms model, 32 clients", rival=RIVAL, measured=quick, at_least=2.5),
    ]


async def _slow_model() -> Comparison:
    async with _contenders(SLOW) as (ours, rival):
        found = (await _seconds_in_window(ours, MANY), await _seconds_in_window(rival, MANY))
    return summarise([found], WALL)


async def _quick_model() -> Comparison:
    async with _contenders(0.0) as (ours, rival):
        for ask in (ours, rival):
            await _ask(ask, FEW, CALLS // 2)
        rounds = []
        for number in range(ROUNDS):
            order = (ours, rival) if number % 2 == 0 else (rival, ours)
            found = {ask: await _seconds(ask, FEW, CALLS) for ask in order}
            rounds.append((found[ours], found[rival]))
    return summarise(rounds, WALL)


async def _endurance() -> list[Row]:
    pids: list[int] = []
    async with (
        served("performance.bare_server") as (address, server),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        _worker(address, pids) as ours,
    ):
        floor = _post(session, address + ECHO_PATH, msgspec.json.encode(_call()))
        await _ask(ours, FEW, FIRST_CALLS)
        before = _resident(pids[0])
        cost = await _processor_time(ours, ALL_CALLS - FIRST_CALLS, pids[0])
        after = _resident(pids[0])
        rounds = [(cost, await _processor_time(floor, FIRST_CALLS, server))]
    memory = Comparison(cost=after, rival_cost=before, ratio=after / before, clock=CPU)
    return [
        Row(
            name="processor time of a call, client and worker",
            rival="bare aiohttp pair",
            measured=summarise(rounds, CPU),
        ),
        Row(
            name=f"a worker's MiB after {ALL_CALLS:,} calls",
            rival=f"after {FIRST_CALLS:,}",
            measured=memory,
            at_most=FLAT,
            counts=True,
        ),
    ]


@contextlib.asynccontextmanager
async def _contenders(latency: float) -> AsyncIterator[tuple[Ask, Ask]]:
    """Start the model, a worker and its rival; yield what asks each once."""
    async with (
        served("performance.bare_server", str(latency)) as (model, _),
        served("performance.documented_way", model) as (address, _),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        _worker(model, []) as ours,
    ):
        body = msgspec.json.encode({"question": QUESTION})
        yield ours, _post(session, address + PATH, body)


@contextlib.asynccontextmanager
async def _worker(model: str, pids: list[int]) -> AsyncIterator[Ask]:
    """Start a pool of one worker; its process is appended to `pids`."""

    def hear(event: WorkerEvent) -> None:
        if isinstance(event, WorkerStarting):
            pids.append(event.pid)

    plans = [PoolPlan(pool=_pool(model), api_key="none", env={})]
    async with LocalPools(plans, hear, directory=TESTS) as workers:
        yield lambda: workers.execute("bench", _call())


def _pool(model: str) -> Pool:
    named = {"name": "openai/stub", "apiBase": f"{model}/v1"}
    return pool("bench", model=named, replicas=1, concurrency=MANY, callTimeout="60s")


def _call() -> Call:
    wire = parse_signature(SIGNATURE).to_wire()
    return Call(module="Predict", signature=wire, inputs={"question": QUESTION})


def _post(session: aiohttp.ClientSession, address: str, body: bytes) -> Ask:
    headers = {"Content-Type": "application/json"}

    async def ask() -> None:
        async with session.post(address, data=body, headers=headers) as response:
            answer = await response.read()
            assert response.status == 200, answer

    return ask


async def _ask(ask: Ask, clients: int, calls: int) -> None:
    """Make calls, as many at a time as there are clients."""
    left = iter(range(calls))

    async def client() -> None:
        for _ in left:
            await ask()

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())


async def _seconds(ask: Ask, clients: int, calls: int) -> float:
    """Return the seconds of one call where so many clients ask."""
    began = time.perf_counter()
    await _ask(ask, clients, calls)
    return (time.perf_counter() - began) / calls


async def _seconds_in_window(ask: Ask, clients: int) -> float:
    """Return the same by the answers that come in a window of time: of a slow one all is long."""
    ends: list[float] = []

    async def client() -> None:
        while True:
            await ask()
            ends.append(time.perf_counter())

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    await asyncio.sleep(WARM_UP)
    began = time.perf_counter()
    await asyncio.wait(tasks, timeout=WINDOW, return_when=asyncio.FIRST_EXCEPTION)
    until = time.perf_counter()
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    assert not failed, failed[0]
    return (until - began) / sum(began < end <= until for end in ends)


async def _processor_time(ask: Ask, calls: int, pid: int) -> float:
    """Return the seconds of processor time that a call takes of this process and another."""
    began = time.process_time() + processor_time(pid)
    await _ask(ask, FEW, calls)
    return (time.process_time() + processor_time(pid) - began) / calls


def _resident(pid: int) -> float:
    """Return the MiB of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kilobytes) / 1024
