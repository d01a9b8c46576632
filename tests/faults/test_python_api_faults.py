"""A program that uses the Python API: interrupted, ended, killed, forked; no worker is left."""

import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.command_line import FAKE_WORKER
from fakes.processes import Command, Scene, eventually

BEGIN = f"""
import dspex.local.process as process
process.WORKER_COMMAND = {FAKE_WORKER!r}
import asyncio, os, sys, dspex
dspex.configure(pool=dspex.pool("small", model="openai/m"), workers=1)
def say(*words): print(*words, file=sys.stderr, flush=True)
def ask(text): return dspex.predict("q -> a", q=text)
def children():
    tasks = [open(f"/proc/self/task/{{task}}/children").read() for task in os.listdir("/proc/self/task")]
    return sorted(int(pid) for text in tasks for pid in text.split())
"""
HANG = '{"calls": ["echo", "hang"]}'


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


async def start(scene: Scene, code: str, script: str = "{}") -> Command:
    """Start a program whose workers play a script."""
    return await scene.start(
        "-c",
        f"{BEGIN}\n{code}",
        program=(sys.executable,),
        env={"DSPEX_FAKE_SCRIPT": script},
    )


async def test_the_workers_end_with_the_program(scene: Scene) -> None:
    """Without a word of it in the program; several calls share them."""
    program = await start(scene, "say(*{ask(str(i)).worker for i in range(3)})")
    ran = await program.end()
    assert (ran.status, ran.err) == (0, "small-0\n")


async def test_they_end_where_the_program_fails(scene: Scene) -> None:
    """An error that nobody catches."""
    program = await start(scene, "ask('x'); sys.exit(7)")
    assert (await program.end()).status == 7


async def test_shutdown_ends_them_before(scene: Scene) -> None:
    """And the next call starts others, from a loop too."""
    code = """
ask("x")
dspex.shutdown()
say("without")
sys.stdin.read()
async def main():
    await dspex.apredict("q -> a", q="y")
    await dspex.ashutdown()
asyncio.run(main())
say("again without")
"""
    program = await start(scene, code)
    await program.says("again without")
    await eventually(lambda: len(scene.processes) <= 1)
    assert (await program.end()).status == 0


async def test_an_interrupt_cancels_the_run_and_keeps_the_workers(scene: Scene) -> None:
    """A notebook's stop button: the next call is answered by the same worker."""
    code = """
say(ask("x").worker)
[before] = children()
p = dspex.pipeline("p")
p.predict("hangs", "q -> a", inputs={"q": "x"})
try:
    dspex.run_pipeline(p, on_event=lambda event: say(type(event).__name__))
except KeyboardInterrupt:
    say("interrupted")
# Where the interrupt was faster than the call, the worker has yet to hang once.
dspex.predict("q -> a", q="y", timeout=5, retry={"attempts": 2, "initial_delay": "1ms"})
say("the same" if children() == [before] else "another")
"""
    program = await start(scene, code, '{"calls": ["echo", "hang", "echo"]}')
    await program.says("StepStarted")
    program.interrupt()
    ran = await program.end()
    assert ran.err.splitlines()[-2:] == ["interrupted", "the same"], (ran.status, ran.err)


async def test_an_interrupt_while_workers_start_ends_them(scene: Scene) -> None:
    """There is nobody else who waits for them."""
    code = """
try:
    ask("x")
except KeyboardInterrupt:
    say("interrupted", children())
"""
    program = await start(scene, code, '{"start": "silent"}')
    await eventually(lambda: len(scene.processes) == 2)
    program.interrupt()
    ran = await program.end()
    assert ran.err == "interrupted []\n"


async def test_an_interrupt_of_a_loop_cancels_what_it_awaits(scene: Scene) -> None:
    """As `asyncio.run` turns Ctrl-C into the end of its task."""
    code = """
async def main():
    try:
        await dspex.apredict("q -> a", q="x")
    except asyncio.CancelledError:
        say("cancelled", children())
        raise
try:
    asyncio.run(main())
except KeyboardInterrupt:
    say("interrupted")
"""
    program = await start(scene, code, '{"start": "silent"}')
    await eventually(lambda: len(scene.processes) == 2)
    program.interrupt()
    ran = await program.end()
    assert ran.err == "cancelled []\ninterrupted\n"


async def test_a_program_that_is_killed_leaves_no_worker(scene: Scene) -> None:
    """The kernel tells them of its end."""
    program = await start(scene, "ask('x'); say('asked'); sys.stdin.read(); ask('y')", HANG)
    await program.says("asked")
    program.interrupt(signal.SIGKILL)
    await program.end()
    await eventually(lambda: not scene.processes)
    scene.forgive_files()


async def test_a_forked_child_has_workers_of_its_own(scene: Scene) -> None:
    """And leaves those of its parent alone, whatever becomes of it."""
    code = """
ask("x")
[before] = children()
pid = os.fork()
if pid == 0:
    ask("y")
    assert children() != [before]
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
ask("z")
say("the same" if children() == [before] else "another")
"""
    program = await start(scene, code)
    assert (await program.end()).err == "the same\n"
