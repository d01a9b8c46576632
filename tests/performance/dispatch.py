"""What lies between a step and the model: client, HTTP, queue, protocol, answer.

The worker is a real process, started as `dspex run` starts it. Its module `Constant` does nothing,
so what a call of it takes is the dispatch alone. DSPy's own cost is in the last row, a whole
Predict on a model that answers at once; that is told and not gated.
"""

import asyncio

import aiohttp
import msgspec

from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.local.pools import LocalPools, PoolPlan
from dspex.native.signatures import parse_signature
from dspex.pipeline.engine import Engine, RunIdentity
from fakes.objects import plan, pool
from performance.bare_server import ECHO_PATH, TESTS, served
from performance.latency import Caller, compare_latency
from performance.row import Row

CONSTANT = "performance.constant.Constant"
SIGNATURE = "question -> answer"
QUESTION = "How many legs have three spiders, and how many two ants?"
GOAL = 5e-3
MOST = 6
"""How many bare calls a dispatch may last."""
MOST_STEP = 8
"""The same for one that a step makes."""


def dispatch() -> list[Row]:
    """Time calls, one at a time: by the client, by a step of the engine, of Predict."""
    return asyncio.run(_dispatch())


async def _dispatch() -> list[Row]:
    async with (
        served("performance.bare_server") as (address, _),
        aiohttp.ClientSession() as session,
    ):
        given = _pool(address)
        async with _workers(given) as workers:
            client, step, predict = await compare_latency(
                [_client(workers, CONSTANT), _step(workers, given), _client(workers, "Predict")],
                _bare(address, session),
            )
    floor = "bare aiohttp call"
    return [
        Row(name="dispatch, p50", rival=floor, measured=client, at_most=MOST, goal=GOAL),
        Row(name="dispatch of a step, p50", rival=floor, measured=step, at_most=MOST_STEP),
        Row(name="Predict, 0 ms model, p50", rival=floor, measured=predict),
    ]


def _bare(address: str, session: aiohttp.ClientSession) -> Caller:
    """Send a call's bytes to a server that does nothing with them, and read as many back."""
    body = msgspec.json.encode(_call(CONSTANT))

    async def call(_: None) -> None:
        async with session.post(address + ECHO_PATH, data=body) as response:
            await response.read()

    return Caller(call=call)


def _client(workers: LocalPools, module: str) -> Caller:
    """Send a call as the engine does."""
    return Caller(call=lambda _: workers.execute("bench", _call(module)))


def _step(workers: LocalPools, given: Pool) -> Caller:
    """Run a pipeline whose one step is that call; its engine is ready."""
    step = f"{{module: {CONSTANT}, signature: {SIGNATURE}, poolRef: {{name: bench}}}}"
    planned = plan(
        "inputs: [{name: question}]\n"
        f"steps: [{{name: s, dspy: {step}, inputs: {{question: $(inputs.question)}}}}]",
        pools={"bench": given},
    )

    async def run(engine: Engine) -> None:
        record = await engine.run({"question": QUESTION})
        assert record.reason == "Succeeded", record

    return Caller(call=run, prepare=lambda: Engine(planned, workers, RunIdentity("bench")))


def _call(module: str) -> Call:
    wire = parse_signature(SIGNATURE).to_wire()
    return Call(module=module, signature=wire, inputs={"question": QUESTION})


def _pool(address: str) -> Pool:
    model = {"name": "openai/stub", "apiBase": f"{address}/v1"}
    return pool("bench", model=model, modules=[CONSTANT], replicas=1, callTimeout="30s")


def _workers(given: Pool) -> LocalPools:
    plans = [PoolPlan(pool=given, api_key="none", env={})]
    return LocalPools(plans, lambda event: None, directory=TESTS)
