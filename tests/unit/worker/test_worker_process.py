"""The worker as a process: its first line, signals, its parent, what it imports and writes."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from dspex.bridge.protocol import EXECUTE_PATH, Call
from dspex_worker import main as worker_main
from dspex_worker.config import (
    McpConfig,
    ModelConfig,
    StdioConfig,
    ToolConfig,
    WorkerConfig,
)
from dspex_worker.loading import LEAST_THREADS
from fakes import bare_mcp
from fakes.openai_endpoint import PATIENCE, Hang, OpenAIEndpoint, fields
from fakes.processes import eventually, is_alive
from fakes.serving import call_of, remote

pytestmark = pytest.mark.slow

CALL = call_of("q -> a", {"q": "x"})


@dataclass
class Running:
    """A worker's process."""

    process: asyncio.subprocess.Process
    base: str
    session: aiohttp.ClientSession

    async def ready(self) -> None:
        """Wait until the worker is ready; a minute at most."""
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.session.get(self.base + "/readyz") as reply:
                    if reply.status == 200:
                        return
                await asyncio.sleep(0.02)

    async def post(self, call: Call) -> tuple[int, Any]:
        """Send a call; returns status and body."""
        body = msgspec.json.encode(call)
        async with self.session.post(self.base + EXECUTE_PATH, data=body) as reply:
            return reply.status, json.loads(await reply.read())

    async def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for the end; returns the exit status and the log."""
        _, log = await asyncio.wait_for(self.process.communicate(), 20)
        assert self.process.returncode is not None
        return self.process.returncode, [json.loads(line) for line in log.splitlines()]


@contextlib.asynccontextmanager
async def worker_process(
    tmp_path: Path,
    config: WorkerConfig,
    *options: str,
    program: str = "-m dspex_worker",
    **env: str,
) -> AsyncIterator[Running]:
    """Start a worker and read its first line."""
    file = tmp_path / "pool.json"
    file.write_bytes(msgspec.json.encode(config))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program.split(" ", 1),
        "--config",
        str(file),
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **env},
    )
    try:
        assert process.stdout
        line = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        assert line["pid"] == process.pid
        async with aiohttp.ClientSession() as session:
            yield Running(process, line["address"], session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_serves_and_ends_on_sigterm(tmp_path: Path, endpoint: OpenAIEndpoint) -> None:
    """From the first line to an orderly end: ready, one call, SIGTERM, exit 0, JSON logs."""
    endpoint.default = fields(a="x")
    async with worker_process(tmp_path, remote(endpoint.base), "--name", "w7") as worker:
        await worker.ready()
        status, answer = await worker.post(CALL)
        assert (status, answer["outputs"], answer["worker"]) == (200, {"a": "x"}, "w7")
        worker.process.send_signal(signal.SIGTERM)
        code, log = await worker.end()
    assert code == 0
    assert [line["message"] for line in log] == ["ready", "call ended", "draining", "ended"]
    assert all(line["level"] == "info" for line in log)


async def test_sigterm_lets_the_running_call_end(tmp_path: Path, endpoint: OpenAIEndpoint) -> None:
    """A call that has begun is answered; one that comes later is turned away."""
    endpoint.default = fields(a="x", latency=3.0)
    async with worker_process(tmp_path, remote(endpoint.base)) as worker:
        await worker.ready()
        running = asyncio.create_task(worker.post(CALL))
        await endpoint.received(1)
        worker.process.send_signal(signal.SIGTERM)
        status = 200
        while status == 200:
            async with worker.session.get(worker.base + "/readyz") as reply:
                status = reply.status
        assert (await worker.post(CALL))[0] == 503
        assert (await running)[0] == 200
        assert (await worker.end())[0] == 0


@pytest.mark.parametrize("how", ["second signal", "grace"])
async def test_a_call_that_hangs_does_not_keep_it(
    tmp_path: Path, endpoint: OpenAIEndpoint, how: str
) -> None:
    """The second signal, or the end of the grace, ends it; the model call ends with it."""
    endpoint.default = Hang()
    grace = "0.1" if how == "grace" else "60"
    async with worker_process(tmp_path, remote(endpoint.base), "--grace", grace) as worker:
        await worker.ready()
        running = asyncio.create_task(worker.post(CALL))
        await endpoint.received(1)
        worker.process.send_signal(signal.SIGTERM)
        if how == "second signal":
            async with worker.session.get(worker.base + "/readyz") as reply:
                assert reply.status == 503
            worker.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(endpoint.gave_up(1), 10)
        assert (await worker.end())[0] == 0
        with pytest.raises(aiohttp.ClientError):
            await running


async def test_it_ends_when_its_parent_is_gone(tmp_path: Path, endpoint: OpenAIEndpoint) -> None:
    """Standard input that closes ends it, call or no call."""
    endpoint.default = Hang()
    async with worker_process(tmp_path, remote(endpoint.base), "--exit-with-parent") as worker:
        await worker.ready()
        running = asyncio.create_task(worker.post(CALL))
        await endpoint.received(1)
        assert worker.process.stdin
        worker.process.stdin.close()
        code, _ = await worker.end()
        assert code == 0
        await asyncio.wait_for(endpoint.gave_up(1), 10)
        await asyncio.gather(running, return_exceptions=True)


async def test_a_signal_while_it_loads_ends_it(tmp_path: Path, endpoint: OpenAIEndpoint) -> None:
    """It does not first get ready."""
    async with worker_process(tmp_path, remote(endpoint.base)) as worker:
        worker.process.send_signal(signal.SIGTERM)
        code, log = await worker.end()
    assert code == 0
    assert "ready" not in [line["message"] for line in log]


@pytest.mark.parametrize("how", ["SIGTERM", "parent", "SIGKILL"])
async def test_its_mcp_servers_end_with_it(tmp_path: Path, how: str) -> None:
    """In order, when the parent has gone, or by the kernel; also one that heeds nothing."""
    command = StdioConfig(command="python", args=[bare_mcp.__file__, "stubborn"])
    config = WorkerConfig(tools=[ToolConfig(name="shop", mcp=McpConfig(stdio=command))])
    async with worker_process(tmp_path, config, "--exit-with-parent") as worker:
        await worker.ready()
        pid = worker.process.pid
        (server,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        if how == "parent":
            assert worker.process.stdin
            worker.process.stdin.close()
        else:
            worker.process.send_signal(signal.Signals[how])
        code, _ = await worker.end()
    assert code == (-signal.SIGKILL if how == "SIGKILL" else 0)
    await eventually(lambda: not is_alive(server))


async def test_what_can_not_be_used_ends_it_with_status_2_and_a_remedy(tmp_path: Path) -> None:
    """A provider that needs litellm is refused at the start, with the way out."""
    config = WorkerConfig(model=ModelConfig(name="bedrock/claude"))
    async with worker_process(tmp_path, config) as worker:
        code, log = await worker.end()
    assert code == 2
    assert "litellm" in log[-1]["message"]
    assert "image target litellm" in log[-1]["remedy"]
    assert log[-1]["found"] == "bedrock/claude"


async def test_litellm_is_never_imported_and_nothing_is_written(
    tmp_path: Path, endpoint: OpenAIEndpoint
) -> None:
    """After calls of each module no litellm is loaded, and home and cache folders stay empty."""
    home = tmp_path / "home"
    home.mkdir()
    endpoint.default = fields(
        a="x", reasoning="r", next_thought="t", next_tool_name="finish", next_tool_args={}
    )
    program = tmp_path / "program.py"
    program.write_text(
        "import atexit, json, sys\n"
        "from dspex_worker.main import main\n"
        "heavy = ('litellm', 'openai', 'numpy', 'optuna', 'cel_expr_python', 'mcp', 'starlette',\n"
        "         'dspex.pipeline')\n"
        "atexit.register(lambda: print(json.dumps([m for m in heavy if m in sys.modules])))\n"
        "sys.exit(main())\n"
    )
    async with worker_process(
        tmp_path,
        remote(endpoint.base),
        program=str(program),
        HOME=str(home),
        XDG_CACHE_HOME=str(home / "cache"),
    ) as worker:
        await worker.ready()
        for module in ("Predict", "ChainOfThought", "ReAct"):
            status, body = await worker.post(msgspec.structs.replace(CALL, module=module))
            assert status == 200, body
        worker.process.send_signal(signal.SIGTERM)
        output, _ = await worker.process.communicate()
    assert json.loads(output) == []
    assert list(home.rglob("*")) == []


async def test_memory_stays_flat(tmp_path: Path, endpoint: OpenAIEndpoint) -> None:
    """A thousand calls with large inputs leave nothing behind."""
    endpoint.default = fields(a="x")

    def resident(pid: int) -> float:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    async with worker_process(tmp_path, remote(endpoint.base)) as worker:
        await worker.ready()

        async def load(count: int) -> None:
            for _ in range(count // 20):
                calls = [call_of("q -> a", {"q": f"{i} " + "x" * 50_000}) for i in range(20)]
                await asyncio.gather(*(worker.post(call) for call in calls))
            endpoint.requests.clear()

        await load(200)
        before = resident(worker.process.pid)
        await load(600)
        # Kept prompts would be 60 MB.
        assert resident(worker.process.pid) - before < 15


def test_a_configuration_that_can_not_be_read_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the file and what is wrong in it."""
    file = tmp_path / "pool.json"
    file.write_text('{"concurrency": "many"}')
    for path in (file, tmp_path / "none.json"):
        assert worker_main.main(["--config", str(path)]) == 2
        line = json.loads(capsys.readouterr().err)
        assert str(path) in line["message"]
        assert line["level"] == "error"


async def test_a_thread_that_works_on_does_not_keep_it(tmp_path: Path) -> None:
    """A module's thread can't be stopped, but the process ends without it."""
    allowed = "fakes.worker_modules.Sleeps"
    config = WorkerConfig(modules=[allowed])
    call = call_of("question -> answer", {"question": "x"}, module=allowed, timeout=0.2)
    async with worker_process(tmp_path, config) as worker:
        await worker.ready()
        status, body = await worker.post(call)
        assert (status, body["reason"]) == (504, "Timeout")
        worker.process.send_signal(signal.SIGTERM)
        code, log = await worker.end()
    assert code == 0
    assert "thread still works" in log[-1]["message"]


async def test_a_worker_whose_threads_are_stuck_ends_by_itself(tmp_path: Path) -> None:
    """In good order, so that it is started anew: nothing else would free its threads."""
    allowed = "fakes.worker_modules.Sleeps"
    call = call_of("question -> answer", {"question": "x"}, module=allowed, timeout=0.2)
    config = WorkerConfig(modules=[allowed], concurrency=LEAST_THREADS)
    async with worker_process(tmp_path, config) as worker:
        await worker.ready()
        for _ in range(LEAST_THREADS // 2):
            status, _body = await worker.post(call)
            assert status == 504
        code, log = await worker.end()
    assert code == 0
    (why,) = (line["why"] for line in log if line["message"].startswith("the worker ends, to be"))
    assert why == "half of its threads for modules are stuck in calls that were given up"


async def test_a_download_under_way_ends_with_it(tmp_path: Path) -> None:
    """SIGTERM while the embedded model is fetched leaves no process and no half file."""
    python = tmp_path / "site" / "pip.py"
    python.parent.mkdir()
    started = tmp_path / "started"
    python.write_text(
        f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    config = WorkerConfig(model=ModelConfig(embedded=True))
    env = {"DSPEX_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(python.parent), "PATH": ""}
    async with worker_process(tmp_path, config, **env) as worker:
        while not started.exists() or not started.read_text():
            await asyncio.sleep(0.02)
        child = int(started.read_text())
        worker.process.send_signal(signal.SIGTERM)
        code, _ = await worker.end()
    assert code == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert [file.name for file in (tmp_path / "cache" / "models").iterdir()] == [
        "SmolLM2-135M-Instruct.Q4_1.lock"
    ]
