"""Workers are started once for a process, shared, and started anew where that is needed."""

import asyncio
import os
from pathlib import Path

import pytest

import dspex
from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.errors import PythonError
from dspex.local import PoolPlan, Sources, WorkerDied, plan_pools
from dspex.python.workers import WarmWorkers
from fakes.processes import eventually

pytestmark = pytest.mark.slow

CALL = Call(module="Predict", signature={"outputs": [{"name": "a"}]}, inputs={"q": "x"}, timeout=20)


def plan(pool: Pool, script: str = "") -> PoolPlan:
    """Resolve a pool, and say what its workers do."""
    env = [{"name": "SCRIPT", "value": script}]
    spec = {**pool.spec.to_json(), "env": env}
    made = Pool.model_validate(
        {"kind": "Pool", "metadata": {"name": pool.name}, "spec": spec}, by_alias=True
    )
    [planned] = plan_pools([made], Sources())
    if script:
        planned.env["DSPEX_FAKE_SCRIPT"] = script
    return planned


def children() -> set[int]:
    """Return the processes whose parent is this one."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


@pytest.fixture
def warm() -> WarmWorkers:
    """No workers yet."""
    return WarmWorkers()


async def test_runs_share_the_workers_of_a_pool(warm: WarmWorkers, small: Pool) -> None:
    """Two at once start them once; another pool has its own; the end ends all."""
    before = children()
    async with warm.of([plan(small)], 1) as one, warm.of([plan(small)], 1) as two:
        assert len(children() - before) == 1
        answers = [await each.execute("small", CALL) for each in (one, two)]
    assert [answer.worker for answer in answers] == ["small-0", "small-0"]
    other = plan(dspex.pool("other", model="openai/m"))
    async with warm.of([plan(small), other], 1) as both:
        assert len(children() - before) == 2
        assert (await both.execute("other", CALL)).worker == "other-0"
        with pytest.raises(PythonError, match="no pool 'third'"):
            await both.execute("third", CALL)
    assert len(children() - before) == 2, "they stay"
    await warm.close()
    assert children() == before


async def start(warm: WarmWorkers, *plans: PoolPlan) -> None:
    """Begin a run that does nothing."""
    async with warm.of(plans, 1):
        pass


async def test_a_changed_pool_has_workers_of_its_own(
    warm: WarmWorkers, small: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the configuration and the folder, and not the name."""
    before = children()
    await start(warm, plan(small))
    await start(warm, plan(small, '{"calls": ["hang"]}'))
    monkeypatch.chdir(tmp_path)
    await start(warm, plan(small))
    assert len(children() - before) == 3
    await warm.close()


async def test_a_start_that_fails_is_tried_again(
    warm: WarmWorkers, small: Pool, tmp_path: Path
) -> None:
    """The first run has the error, the next one workers; a pool beside it is kept."""
    before = children()
    script = f'{{"start": "exit", "status": 9, "once": "{tmp_path / "once"}"}}'
    other = plan(dspex.pool("other", model="openai/m"))
    await start(warm, other)
    with pytest.raises(PythonError, match="ended with status 9"):
        await start(warm, other, plan(small, script))
    assert len(children() - before) == 1
    async with warm.of([plan(small, script)], 1) as pools:
        assert (await pools.execute("small", CALL)).outputs == {"a": "x"}
    await warm.close()


async def test_who_gives_a_start_up_takes_it_from_nobody_else(
    warm: WarmWorkers, small: Pool
) -> None:
    """The last one who waits for it, and only that, ends the process that starts."""
    before = children()
    silent = plan(small, '{"start": "silent"}')
    callers = [asyncio.create_task(start(warm, silent)) for _ in range(2)]
    await eventually(lambda: len(children() - before) == 1)
    [pid] = children() - before
    for caller in callers:
        os.kill(pid, 0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert children() == before


async def test_workers_that_were_given_up_are_started_anew(warm: WarmWorkers, small: Pool) -> None:
    """A pool that is past help is past it for the runs that use it, and not for the next."""
    before = children()
    async with warm.of([plan(small)], 1) as former:
        [found] = warm._warm.values()
        found.hear(WorkerDied(pool="small", worker="small-0", why="died", restart_in=1.0))
        assert not found.spent, "it is started again"
        found.hear(WorkerDied(pool="small", worker="small-0", why="died", restart_in=None))
        async with warm.of([plan(small)], 1) as again:
            assert (await again.execute("small", CALL)).outputs == {"a": "x"}
            assert len(children() - before) == 2
        assert (await former.execute("small", CALL)).outputs == {"a": "x"}, "it is in use"
    await start(warm, plan(small))
    assert len(children() - before) == 1, "the former ones were ended"
    await warm.close()
    assert children() == before


async def test_the_end_takes_retired_ones_along(warm: WarmWorkers, small: Pool) -> None:
    """In order or not."""
    before = children()
    async with warm.of([plan(small)], 1):
        next(iter(warm._warm.values())).spent = True
        await start(warm, plan(small))
        assert len(children() - before) == 2
        warm.kill()
        await warm.close()
    assert children() == before
