"""The Python API in a real kernel: sync and async in a running loop, the stop button, the end."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.command_line import FAKE_WORKER
from fakes.notebook import CellError, Notebook
from fakes.processes import MARK, eventually, marked

BEGIN = f"""
import dspex.local.process as process
process.WORKER_COMMAND = {FAKE_WORKER!r}
import asyncio, dspex
dspex.configure(pool=dspex.pool("small", model="openai/m"), workers=1)
p = dspex.pipeline("p")
p.predict("asks", "q -> a", inputs={{"q": "x"}})
p.output("a", p.steps.asks.outputs.a)
def say(event): print(type(event).__name__, flush=True)
"""


@pytest.fixture
def mark() -> str:
    """Return what marks every process of the test."""
    return uuid.uuid4().hex


@pytest.fixture
async def notebook(tmp_path: Path, mark: str) -> AsyncIterator[Notebook]:
    """A kernel whose workers answer once, then hang once; none is left behind."""
    env = {MARK: mark, "DSPEX_FAKE_SCRIPT": '{"calls": ["echo", "echo", "hang", "echo"]}'}
    async with Notebook(tmp_path, env) as made:
        await made.run(BEGIN)
        yield made
    await eventually(lambda: not marked(mark))


async def test_both_forms_work_where_the_notebooks_loop_runs(notebook: Notebook, mark: str) -> None:
    """On the same workers; closing the notebook ends them."""
    assert await notebook.run("asyncio.get_running_loop().is_running()") == "True"
    assert await notebook.run('dspex.predict("q -> a", q="one")') == "Prediction(a='one')"
    assert await notebook.run('(await dspex.apredict("q -> a", q="two")).worker') == "'small-0'"
    assert len(marked(mark)) == 2


@pytest.mark.parametrize("call", ["dspex.run_pipeline", "await dspex.arun_pipeline"])
async def test_the_stop_button_cancels_the_run_and_keeps_the_workers(
    notebook: Notebook, mark: str, call: str
) -> None:
    """A cell that waits, in either form; the next one goes on with the same worker."""
    for _ in range(2):
        await notebook.run('dspex.predict("q -> a", q="warm")')
    before = marked(mark)
    says = asyncio.Event()
    hanging = asyncio.create_task(notebook.run(f"{call}(p, on_event=say)", says=says))
    await says.wait()
    await notebook.interrupt()
    with pytest.raises(CellError, match=r"KeyboardInterrupt|CancelledError"):
        await hanging
    # Where the stop was faster than the call, the worker has yet to hang once.
    more = 'timeout=5, retry={"attempts": 2, "initial_delay": "1ms"}'
    again = await notebook.run(f'dspex.predict("q -> a", q="again", {more})')
    assert again == "Prediction(a='again')"
    assert sorted(marked(mark)) == sorted(before)
