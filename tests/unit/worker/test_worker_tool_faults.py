"""A tool that blocks, raises, prints 10 MB, returns 10 MB or forks: the model is told, in a line."""

import asyncio
import copy
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dspex_worker.config import ToolConfig
from dspex_worker.threads import Threads
from dspex_worker.tools import ToolBox
from dspex_worker.tools.guard import MAX_ERROR
from fakes import faulty_tools
from fakes.openai_endpoint import OpenAIEndpoint
from fakes.serving import call_of, remote, serving
from fakes.tool_boxes import shared, tool

MAX_TOLD = MAX_ERROR + len("The tool failed. ")


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    """Let a tool that blocks end with its test."""
    faulty_tools.release.clear()
    yield
    faulty_tools.release.set()


async def until_stuck(threads: Threads, count: int) -> None:
    """Wait until so many threads are stuck."""
    async with asyncio.timeout(5):
        while threads.stuck != count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["blocks", "awaits_for_ever", "catches_its_cancellation"])
async def test_a_tool_that_takes_too_long_is_given_up(name: str) -> None:
    """In a thread or on the loop, whatever it does about being cancelled."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    told = await tool(name, timeout=0.05).acall()
    assert told == (
        "The tool failed. It took longer than 0.05 s and was given up; what it began may go on"
    )
    assert loop.time() - started < 5


async def test_threads_that_are_stuck_are_counted_and_come_back() -> None:
    """When all are, a call fails at once in place of waiting for its time; modules go on."""
    tools = shared(threads=2)
    config = ToolConfig(name="blocks", path="fakes.faulty_tools.blocks", timeout=0.05)
    (picked,) = ToolBox([config], tools).pick(["blocks"])
    for stuck in (1, 2):
        assert "longer than 0.05 s" in await picked.acall()
        await until_stuck(tools.threads, stuck)
    told = await picked.acall()
    assert told == "The tool failed. All 2 threads for tools are stuck in former calls"
    faulty_tools.release.set()
    await until_stuck(tools.threads, 0)
    assert await picked.acall() == "late"


async def test_a_call_that_ends_takes_its_tool_along() -> None:
    """The cancellation of a call reaches the tool, and is not mistaken for the tool's."""
    running = asyncio.ensure_future(tool("awaits_for_ever").acall())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("exits", "SystemExit: 3"),
        ("exits_on_the_loop", "SystemExit: 3"),
        ("stops_iteration", "StopIteration: no more"),
        ("group", "LookupError: the first"),
        ("unprintable", "UnprintableError"),
        ("cancels_itself", "It was cancelled from within"),
    ],
)
async def test_whatever_is_raised_is_told(name: str, told: str) -> None:
    """Nothing that a tool raises ends the call, the loop or the worker."""
    assert await tool(name).acall() == f"The tool failed. {told}"


async def test_an_endless_error_is_cut() -> None:
    """Ten megabytes of text become a line."""
    told = await tool("endless_error").acall()
    assert told.startswith("The tool failed. ValueError: xxx")
    assert len(told) == MAX_TOLD


@pytest.mark.parametrize("name", ["long_list", "long_text"])
async def test_a_result_of_ten_megabytes_is_cut(name: str) -> None:
    """A list as well as a text, to what the Pool says."""
    told = await tool(name, max_result=500).acall()
    assert isinstance(told, str)
    assert len(told) == 500
    assert "cut" in told


async def test_secrets_stay_out_of_errors_and_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """A known value is taken out of both; what looks like one, out of errors."""
    secret = "4f9a-c0ffee-17"
    monkeypatch.setenv("SHOP_TOKEN", secret)
    told = await tool("secretive", secrets=(secret,)).acall()
    shown = await tool("tells_a_secret", secrets=(secret,)).acall()
    assert secret not in told
    assert "hush-hush" not in told
    assert told.startswith("The tool failed. ConnectionError: GET https://[redacted]@shop.example")
    assert shown == {"asked with": "[redacted]"}


async def test_a_tool_that_prints_ten_megabytes_only_prints(
    endpoint: OpenAIEndpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it gets to the model, and the worker answers."""
    assert await tool("prints").acall() == "printed"
    written = capfd.readouterr()
    assert len(written.out) == len(written.err) == 10_000_000


async def test_a_child_that_comes_out_of_a_tool_ends(tmp_path: Path) -> None:
    """A fork in a tool does not leave a second worker behind."""
    path = tmp_path / "child"
    told = await tool("forks", module="fakes.faulty_tools").acall(path=str(path))
    assert told == "the parent"
    _, status = os.waitpid(int(path.read_text()), 0)
    assert os.WIFEXITED(status)


@pytest.mark.parametrize("name", ["add_word", "lookup"])
async def test_a_module_in_a_thread_may_call_any_tool(endpoint: OpenAIEndpoint, name: str) -> None:
    """Also one that is `async`: it runs on the worker's loop while the thread waits."""
    path = "fakes.faulty_tools.WithTools"
    tools = [ToolConfig(name=name, path=f"fakes.worker_modules.{name}")]
    async with serving(remote(endpoint.base, modules=[path], tools=tools)) as worker:
        answer = await worker.answer(
            call_of("tool: Tool -> answer", {"tool": {"name": name}}, module=path)
        )
    assert answer.outputs == {"answer": "five means much"}


async def test_a_copied_tool_works() -> None:
    """DSPy copies modules with all that they hold."""
    copied = copy.deepcopy(tool("lookup", module="fakes.worker_modules"))
    assert await copied.acall(word="five") == "five means much"


async def test_a_module_on_the_loop_is_told_to_await_its_tool(endpoint: OpenAIEndpoint) -> None:
    """It would block everybody's calls."""
    path = "fakes.faulty_tools.CallsOnTheLoop"
    tools = [ToolConfig(name="lookup", path="fakes.worker_modules.lookup")]
    async with serving(remote(endpoint.base, modules=[path], tools=tools)) as worker:
        answer = await worker.answer(
            call_of("tool: Tool -> answer", {"tool": {"name": "lookup"}}, module=path)
        )
    assert "await its acall" in answer.outputs["answer"]


async def test_a_tools_time_is_half_of_a_calls_unless_the_pool_says(
    endpoint: OpenAIEndpoint,
) -> None:
    """So that the model hears of it, and can still answer."""
    path = "fakes.faulty_tools.awaits_for_ever"
    tools = [ToolConfig(name="t", path=path), ToolConfig(name="u", path=path, timeout=0.01)]
    async with serving(remote(endpoint.base, tools=tools, call_timeout=0.2)) as worker:
        assert worker.server.worker
        for name, seconds in (("t", "0.1"), ("u", "0.01")):
            (picked,) = worker.server.worker.tools.pick([name])
            assert f"longer than {seconds} s" in await picked.acall()
