"""Worker processes: real ones, that play a script."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from dspex.bridge.client import Endpoint, PoolClient
from dspex.bridge.protocol import Call
from dspex.errors import ConfigurationError, PythonError, Reason
from dspex.local import (
    PoolLaunch,
    Supervisor,
    Timing,
    WorkerDied,
    WorkerEvent,
    WorkerReady,
    WorkerStarting,
)

pytestmark = pytest.mark.slow

FAKE = (sys.executable, str(Path(__file__).parents[2] / "fakes" / "worker.py"))
QUICK = Timing(ready=15, first_backoff=0.05, longest_backoff=0.1, stable=60, answer=1.0, grace=3.0)
CALL = Call(module="Predict", signature={}, inputs={"a": "b"}, timeout=20)


class Scene:
    """Supervisors of one test, and what they said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[WorkerEvent] = []
        self.changed = asyncio.Event()
        self.supervisors: list[Supervisor] = []

    def hear(self, event: WorkerEvent) -> None:
        """Keep an event."""
        self.events.append(event)
        self.changed.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until events have made something true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def supervisor(self, *, replicas: int = 1, timing: Timing = QUICK, **script: Any) -> Supervisor:
        """Make a supervisor whose workers play a script."""
        config = self.folder / "pool.json"
        config.write_text("{}")
        environment = {"PATH": os.environ["PATH"], "DSPEX_FAKE_SCRIPT": json.dumps(script)}
        launch = PoolLaunch(
            pool="small",
            replicas=replicas,
            config=config,
            environment=environment,
            directory=self.folder,
            logs=self.folder,
            command=FAKE,
        )
        supervisor = Supervisor(launch, self.hear, timing=timing)
        self.supervisors.append(supervisor)
        return supervisor

    def of(self, kind: type[WorkerEvent]) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def pids(self) -> list[int]:
        """Return every process that was started."""
        return [event.pid for event in self.of(WorkerStarting)]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Yield a scene and hold that it leaves no process behind."""
    made = Scene(tmp_path)
    yield made
    for supervisor in made.supervisors:
        await supervisor.stop()
    await all_gone(made.pids())


def group_lives(pid: int) -> bool:
    """Say whether any process of a group is left that is no zombie."""
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, NotADirectoryError):
            continue
        if int(fields[2]) == pid and fields[0] != "Z":
            return True
    return False


async def all_gone(pids: list[int]) -> None:
    """Hold that no process of the groups is left, as soon as the kernel has carried out SIGKILL."""
    async with asyncio.timeout(5):
        while any(group_lives(pid) for pid in pids):
            await asyncio.sleep(0.005)


async def run_one(supervisor: Supervisor) -> str:
    """Run a call and say which worker did it."""
    async with PoolClient(supervisor, pool="small") as client:
        return (await client.execute(CALL)).worker


async def test_workers_start_answer_and_end(scene: Scene) -> None:
    """After start all replicas are ready; after stop none is left."""
    supervisor = scene.supervisor(replicas=2)
    await supervisor.start()
    assert {worker.name for worker in await supervisor.workers()} == {"small-0", "small-1"}
    assert await run_one(supervisor) in {"small-0", "small-1"}
    await supervisor.stop()
    assert len(scene.of(WorkerReady)) == 2
    assert scene.of(WorkerDied) == []
    await all_gone(scene.pids())
    assert "ends" in (scene.folder / "small-0.log").read_text()
    await supervisor.stop()


async def test_a_killed_worker_is_restarted_and_its_death_announced(scene: Scene) -> None:
    """SIGKILL from outside: the event says how it ended, and a new process takes its name."""
    supervisor = scene.supervisor()
    await supervisor.start()
    os.kill(scene.pids()[0], signal.SIGKILL)
    await scene.until(lambda: len(scene.of(WorkerReady)) == 2)
    [death] = scene.of(WorkerDied)
    assert death.why == "was killed by SIGKILL"
    assert death.describe().startswith("worker small-0 was killed by SIGKILL; it is started again")
    assert await run_one(supervisor) == "small-0"
    assert len(set(scene.pids())) == 2


async def test_a_call_waits_for_the_restart_of_its_worker(scene: Scene) -> None:
    """A call sent while the only worker is down is answered by its successor."""
    supervisor = scene.supervisor()
    await supervisor.start()
    os.kill(scene.pids()[0], signal.SIGKILL)
    await scene.until(lambda: bool(scene.of(WorkerDied)))
    assert await run_one(supervisor) == "small-0"


async def test_a_call_sent_to_a_worker_that_just_died_is_retried(scene: Scene) -> None:
    """The refused connection is reported, and the call waits for the restart by itself."""
    supervisor = scene.supervisor()
    await supervisor.start()
    os.kill(scene.pids()[0], signal.SIGSTOP)
    os.kill(scene.pids()[0], signal.SIGKILL)
    try:
        assert await run_one(supervisor) == "small-0"
    except PythonError as error:
        # The kernel may still have accepted the connection for the dying process.
        if error.reason is not Reason.WORKER_LOST:
            raise
        assert await run_one(supervisor) == "small-0"


async def test_a_worker_that_dies_in_a_call_is_lost_and_restarted(scene: Scene) -> None:
    """The call ends as WorkerLost, the next one succeeds."""
    supervisor = scene.supervisor(calls=["exit"], once=str(scene.folder / "once"))
    await supervisor.start()
    with pytest.raises(PythonError) as caught:
        await run_one(supervisor)
    assert caught.value.reason is Reason.WORKER_LOST
    assert await run_one(supervisor) == "small-0"


async def test_a_deaf_worker_is_killed_and_restarted(scene: Scene) -> None:
    """One whose event loop blocks is found out after a report, killed, and replaced."""
    supervisor = scene.supervisor(deaf=True, once=str(scene.folder / "once"))
    await supervisor.start()
    async with PoolClient(supervisor, pool="small", margin=0.1) as client:
        with pytest.raises(PythonError) as caught:
            await client.execute(Call(module="Predict", signature={}, inputs={}, timeout=0.3))
        assert caught.value.reason is Reason.TIMEOUT
        assert (await client.execute(CALL)).worker == "small-0"
    assert scene.of(WorkerDied)[0].why == "did not answer within 1 s and was killed"


async def test_a_worker_that_answers_after_a_report_stays(scene: Scene) -> None:
    """A false alarm costs nothing but a look."""
    supervisor = scene.supervisor()
    await supervisor.start()
    [endpoint] = await supervisor.workers()
    supervisor.report(endpoint)
    supervisor.report(Endpoint("http://127.0.0.1:1", "somebody else's"))
    assert list(await supervisor.workers()) == [endpoint]
    assert scene.of(WorkerDied) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"start": "exit", "status": 3}, "ended with status 3 before it was ready"),
        ({"start": "silent"}, "was not ready within"),
        ({"start": "unready"}, "was not ready within"),
        ({"announce": "hello there"}, "printed 'hello there' instead of its address"),
        ({"announce": "[1]"}, "instead of its address"),
        ({"announce": "x" * 100_000}, "endless line"),
    ],
)
async def test_a_start_that_fails_says_why(
    scene: Scene, script: dict[str, Any], words: str
) -> None:
    """The error holds what happened and the worker's last lines, and nothing is left."""
    timing = Timing(ready=3 if "not ready" in words else 15, grace=3)
    with pytest.raises(PythonError) as caught:
        await scene.supervisor(timing=timing, **script).start()
    assert caught.value.reason is Reason.WORKER_UNAVAILABLE
    assert words in caught.value.message
    assert "fake worker small-0 starts" in caught.value.message


async def test_a_wrong_configuration_is_a_finding(scene: Scene) -> None:
    """What a worker logs about its configuration before it ends comes out as such."""
    with pytest.raises(ConfigurationError, match="no module shop") as caught:
        await scene.supervisor(start="exit", status=2, finding="no module shop").start()
    assert caught.value.diagnostics[0].code == "FakeFinding"
    with pytest.raises(PythonError, match="ended with status 2"):
        await scene.supervisor(start="exit", status=2).start()


async def test_a_command_that_is_not_there_is_an_error(scene: Scene) -> None:
    """The system's own words come back."""
    launch = PoolLaunch(
        pool="small",
        replicas=1,
        config=scene.folder / "c",
        environment={},
        directory=scene.folder,
        logs=scene.folder,
        command=("/nowhere/python",),
    )
    with pytest.raises(PythonError, match=r"can't be started: .*No such file"):
        await Supervisor(launch, scene.hear, timing=QUICK).start()


async def test_restarts_that_never_succeed_are_given_up(scene: Scene) -> None:
    """After some failed restarts a call gets the reason at once instead of waiting for ever."""
    supervisor = scene.supervisor()
    await supervisor.start()
    # From now on every start fails.
    object.__setattr__(supervisor._slots[0].launch, "command", ("/nowhere/python",))
    os.kill(scene.pids()[0], signal.SIGKILL)
    await scene.until(lambda: bool(scene.of(WorkerDied)))
    with pytest.raises(PythonError, match="can't be started"):
        await run_one(supervisor)
    assert scene.of(WorkerDied)[-1].restart_in is None
    assert scene.of(WorkerDied)[-1].describe() == "worker small-0 never got ready and was given up"


async def test_a_chatty_worker_is_not_stopped_by_a_full_pipe(scene: Scene) -> None:
    """What a worker prints goes to its log, however much it is."""
    supervisor = scene.supervisor(chatter=300_000)
    await supervisor.start()
    assert await run_one(supervisor) == "small-0"
    await supervisor.stop()
    assert (scene.folder / "small-0.log").stat().st_size > 300_000


async def test_a_worker_that_ignores_sigterm_is_killed(scene: Scene) -> None:
    """Grace ends in SIGKILL."""
    timing = Timing(ready=15, grace=0.3)
    supervisor = scene.supervisor(timing=timing, ignore_term=True)
    await supervisor.start()
    async with asyncio.timeout(5):
        await supervisor.stop()
    await all_gone(scene.pids())


async def test_children_of_a_worker_go_with_it(scene: Scene) -> None:
    """The whole process group is gone, children that ignore SIGTERM included."""
    supervisor = scene.supervisor(child=True)
    await supervisor.start()
    child = int((scene.folder / "small-0.log").read_text().partition("child ")[2].split()[0])
    assert os.getpgid(child) == scene.pids()[0]
    await supervisor.stop()
    await all_gone(scene.pids())


async def test_kill_ends_all_at_once(scene: Scene) -> None:
    """For a second Ctrl-C: no grace."""
    supervisor = scene.supervisor(replicas=2, ignore_term=True, timing=Timing(ready=15, grace=60))
    await supervisor.start()
    supervisor.kill()
    async with asyncio.timeout(5):
        await supervisor.stop()


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.05, 0.1, 0.2])
async def test_cancelling_a_start_leaves_nothing(scene: Scene, delay: float) -> None:
    """Ctrl-C at any moment of the start."""
    supervisor = scene.supervisor(replicas=2, child=True)
    task = asyncio.create_task(supervisor.start())
    await asyncio.sleep(delay)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await all_gone(scene.pids())


async def test_workers_die_with_a_parent_that_is_killed(scene: Scene) -> None:
    """SIGKILL of the process that supervises ends its workers."""
    program = f"""
import asyncio, os, pathlib
from dspex.local import PoolLaunch, Supervisor, Timing
folder = pathlib.Path({str(scene.folder)!r})
launch = PoolLaunch(pool="p", replicas=2, config=folder, environment=dict(os.environ),
                    directory=folder, logs=folder, command={FAKE!r})
async def main():
    def hear(event):
        print(getattr(event, "pid", "ready"), flush=True)
    await Supervisor(launch, hear).start()
    await asyncio.Event().wait()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
    assert lines.count("ready") == 2
    process.kill()
    await process.wait()
    pids = [int(line) for line in lines if line != "ready"]
    async with asyncio.timeout(10):
        while any(group_lives(pid) for pid in pids):
            await asyncio.sleep(0.02)
