"""Tools of real MCP servers: opened at the start, kept, opened again, bounded, ended."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dspex.errors import ConfigurationError, Reason
from dspex_worker.config import HttpConfig, McpConfig, McpValue, StdioConfig, ToolConfig
from dspex_worker.failures import CallError
from dspex_worker.mcp.connection import Timing
from dspex_worker.mcp.server import McpServer
from dspex_worker.tools import SafeTool, ToolBox
from dspex_worker.tools.guard import MAX_ERROR
from fakes import bare_mcp, mcp_server
from fakes.legacy_mcp import LegacyMcp
from fakes.openai_endpoint import OpenAIEndpoint, fields
from fakes.processes import eventually, is_alive
from fakes.serving import call_of, remote, serving
from fakes.tool_boxes import shared

pytestmark = pytest.mark.slow

SCRIPT = str(Path(mcp_server.__file__))
BARE = str(Path(bare_mcp.__file__))
TIMING = Timing(start=60, first_pause=0.01, longest_pause=0.1, wait=60)


def stdio(*args: str, **more: Any) -> ToolConfig:
    """Return the entry of a server that the worker starts."""
    process = StdioConfig(command="python", args=[SCRIPT, *args], env=more.pop("env", []))
    return ToolConfig(
        name="shop", mcp=McpConfig(stdio=process, tools=more.pop("tools", [])), **more
    )


def bare(*modes: str, **more: Any) -> ToolConfig:
    """Return the entry of a server without the SDK."""
    process = StdioConfig(command="python", args=[BARE, *modes])
    return ToolConfig(
        name="shop", mcp=McpConfig(stdio=process, tools=more.pop("tools", [])), **more
    )


def http(port: int, **more: Any) -> ToolConfig:
    """Return the entry of a server elsewhere."""
    at = HttpConfig(url=f"http://127.0.0.1:{port}/mcp", headers=more.pop("headers", []))
    return ToolConfig(name="shop", mcp=McpConfig(http=at, tools=more.pop("tools", [])), **more)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at(server: LegacyMcp) -> ToolConfig:
    """Return the entry of a server in this process."""
    return ToolConfig(name="shop", mcp=McpConfig(http=HttpConfig(url=server.url)))


@contextlib.asynccontextmanager
async def opened(
    config: ToolConfig, *, secrets: tuple[str, ...] = (), environment: dict[str, str] | None = None
) -> AsyncIterator[dict[str, SafeTool]]:
    """Open a server's session; returns its tools by name."""
    environment = {**os.environ, **(environment or {})}
    server = McpServer(config, shared(secrets=secrets), timing=TIMING, environment=environment)
    try:
        yield {tool.name: tool for tool in await server.start()}
    finally:
        await server.aclose()


@contextlib.asynccontextmanager
async def listening(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a server over HTTP; it may be killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def again(tool: SafeTool) -> str:
    """Call a tool until its server's end has been seen, and it works again."""
    async with asyncio.timeout(20):
        while "failed" in (told := str(await tool.acall())):
            pass
    return told


ENV = [McpValue(name="SHOP", value="north"), McpValue(name="TOKEN", variable="DSPEX_TOOL_0_1")]
SECRET = "hush-hush-hush"
WORKER = {
    "DSPEX_TOOL_0_1": f"{SECRET}\n",
    "DSPEX_MODEL_API_KEY": "model-key",
    "SHOP_URL": "http://shop",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[dict[str, SafeTool]]:
    """One real server, for the tests that leave it as it is: it takes seconds to start."""
    config = stdio(env=ENV, max_result=200, timeout=5)
    async with opened(config, environment=WORKER, secrets=(SECRET,)) as tools:
        yield tools


@pytest.mark.asyncio(loop_scope="module")
async def test_a_servers_tools_are_called_with_their_schemas(shop: dict[str, SafeTool]) -> None:
    """Over a process: descriptions and arguments are the server's, results are text."""
    find = shop["find_order"]
    assert find.desc == "Find an order. Required: number."
    assert find.args == {"number": {"title": "Number", "type": "integer"}}
    assert await find.acall(number=3) == "order 3"
    wrong = await find.acall(number="x")
    assert wrong == (
        'The tool was not called: the arguments do not fit: number: "x" is not of type '
        '"integer". It takes number (integer, required)'
    )
    tree = {"name": "a", "children": [{"name": "b"}]}
    assert await shop["count"].acall(tree=tree) == "2"
    assert await shop["picture"].acall() == "a\n<image/png, 3 bytes>"
    assert await shop["stray"].acall() == "printed"
    assert await shop["stray"].acall() == "printed"


@pytest.mark.asyncio(loop_scope="module")
async def test_calls_share_one_session_side_by_side(shop: dict[str, SafeTool]) -> None:
    """Each gets its own answer, and a slow one holds up nobody."""
    slow = asyncio.ensure_future(shop["slow"].acall(seconds=2))
    find = shop["find_order"]
    answers = await asyncio.gather(*(find.acall(number=each) for each in range(50)))
    assert answers == [f"order {each}" for each in range(50)]
    assert not slow.done()
    assert await slow == "done"


@pytest.mark.asyncio(loop_scope="module")
async def test_failures_and_long_answers_are_bounded(shop: dict[str, SafeTool]) -> None:
    """`isError` is told in a line, and ten megabytes are cut."""
    told = await shop["fail"].acall(word="luck")
    assert told.startswith("The tool failed. Error executing tool fail: no luck xxx")
    assert len(told) < 400
    text = await shop["long"].acall()
    assert len(text) == 200
    assert "10000000 characters, cut" in text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_slow_tool_is_given_up_and_its_session_kept(shop: dict[str, SafeTool]) -> None:
    """The call alone ends; the next goes to the same process."""
    process = await shop["process"].acall()
    assert "longer than 5 s" in await shop["slow"].acall(seconds=600)
    assert await shop["slow"].acall(seconds=0) == "done"
    assert await shop["process"].acall() == process


@pytest.mark.asyncio(loop_scope="module")
async def test_a_server_sees_what_the_pool_gives_it_and_no_secrets_of_the_worker(
    shop: dict[str, SafeTool],
) -> None:
    """Its own `env`, paths and the like; neither key nor token nor the Pool's env."""
    seen = {
        name: await shop["variable"].acall(name=name)
        for name in ("SHOP", "TOKEN", "DSPEX_MODEL_API_KEY", "DSPEX_TOOL_0_1", "SHOP_URL")
    }
    assert seen == {
        "SHOP": "north",
        "TOKEN": "[redacted]",
        "DSPEX_MODEL_API_KEY": "unset",
        "DSPEX_TOOL_0_1": "unset",
        "SHOP_URL": "unset",
    }


async def test_the_session_is_kept_and_opened_again_when_its_process_dies() -> None:
    """One process serves many calls; what dies in a call is said to have died, the next works."""
    async with opened(stdio()) as tools:
        first = await tools["process"].acall()
        assert await tools["process"].acall() == first
        os.kill(int(first), signal.SIGKILL)
        second = await again(tools["process"])
        assert second != first
        told = await tools["die"].acall()
        assert told == (
            "The tool failed. The MCP server shop was lost during the call, which may have been "
            "done: its process ended with status 3: the last words"
        )
        assert (await tools["process"].acall()) not in {first, second}


async def test_a_message_without_an_end_ends_its_server() -> None:
    """What is longer than a message may be never fills the memory; the next call works."""
    async with opened(bare()) as tools:
        told = await tools["endless"].acall()
        assert "it sent a message of more than 32 MiB" in told
        assert (await tools["process"].acall()).isdigit()


@pytest.mark.parametrize("mode", ["", "stubborn"])
async def test_a_server_ends_with_all_that_it_started(mode: str) -> None:
    """The whole process group, whether it heeds the end of its input, and SIGTERM, or not."""
    async with opened(bare(mode)) as tools:
        server = int(await tools["process"].acall())
        child = int(await tools["child"].acall())
        assert is_alive(child)
    await eventually(lambda: not is_alive(server) and not is_alive(child))


async def test_a_server_over_http_is_called_and_found_again_after_its_restart() -> None:
    """With the Pool's headers; one that is away is waited for a little, and then works again."""
    port = free_port()
    headers = [McpValue(name="X-Shop", variable="DSPEX_TOOL_0_0", prefix="Bearer ")]
    worker = {"DSPEX_TOOL_0_0": "abc"}
    async with (
        listening(port) as first,
        opened(http(port, headers=headers), environment=worker) as tools,
    ):
        assert await tools["header"].acall(name="x-shop") == "Bearer abc"
        assert await tools["count"].acall(tree={"name": "a"}) == "1"
        before = await tools["process"].acall()
        long = await tools["long"].acall()
        assert "10000000 characters, cut" in long
        first.kill()
        await first.wait()
        told = await tools["process"].acall()
        assert told.startswith("The tool failed. The MCP server shop was lost during the call")
        assert "ConnectError" in told
        async with listening(port):
            after = await tools["process"].acall()
            assert after.isdigit()
            assert after != before


async def test_a_server_that_is_lost_in_a_call_over_http_is_told() -> None:
    """The call may have been done, and the model hears so."""
    port = free_port()
    async with listening(port), opened(http(port)) as tools:
        told = await tools["die"].acall()
        assert told.startswith("The tool failed. The MCP server shop was lost during the call")
        async with listening(port):
            assert (await tools["process"].acall()).isdigit()


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (
            ToolConfig(name="shop", mcp=McpConfig(stdio=StdioConfig(command="no-such-program"))),
            "there is no program 'no-such-program'",
        ),
        (
            ToolConfig(
                name="shop",
                mcp=McpConfig(
                    stdio=StdioConfig(
                        command="python", args=["-c", "raise SystemExit('no licence')"]
                    )
                ),
            ),
            "its process ended with status 1: no licence",
        ),
        (bare(tools=["proces"]), "its server has no tool proces; it has process, child"),
        (bare("pages"), "its list of tools has more than 100 pages"),
        (bare("garbage"), "ValidationError: "),
    ],
)
async def test_a_server_that_can_not_be_used_stops_the_start(
    config: ToolConfig, found: str
) -> None:
    """The message names it, says what it said last, and how to mend it."""
    with pytest.raises(
        ConfigurationError, match="the Pool's MCP server shop can't be used"
    ) as caught:
        async with opened(config):
            pass
    diagnostic = caught.value.diagnostics[0]
    assert str(diagnostic.found).startswith(found)
    assert len(str(diagnostic.found)) <= MAX_ERROR
    assert diagnostic.remedy


async def test_a_session_that_its_server_has_forgotten_is_opened_again() -> None:
    """The call was refused for its session alone, so it is made again, once, and done once."""
    async with LegacyMcp() as server, opened(at(server)) as tools:
        assert await tools["say"].acall() == "hello"
        server.sessions.clear()
        assert await tools["say"].acall() == "hello"
        assert server.calls == 2
    assert not server.sessions


async def test_what_an_http_server_refuses_is_told_with_its_status() -> None:
    """At the start as well as in a call."""
    async with LegacyMcp() as server:
        async with opened(at(server)) as tools:
            server.status = 503
            told = await tools["say"].acall()
            assert told == "The tool failed. The MCP server shop refused the call: HTTP 503"
        server.status = 401
        with pytest.raises(ConfigurationError) as caught:
            async with opened(at(server)):
                pass
        assert caught.value.diagnostics[0].found == "HTTP 401"


async def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    """One of JSON, too; the session is opened again."""
    async with LegacyMcp() as server, opened(at(server)) as tools:
        server.text = "y" * 33 * 2**20
        told = await tools["say"].acall()
        assert "it sent an answer of more than 32 MiB" in told
        server.text = "short"
        assert await again(tools["say"]) == "short"


async def test_the_kernel_ends_a_server_whose_worker_is_killed() -> None:
    """Also one that does not heed the end of its input."""
    lines = [
        "import asyncio",
        "from dspex_worker.mcp.child import Child, child_environment",
        "async def main():",
        f"    child = await Child.start(['python', {BARE!r}, 'stubborn'], child_environment({{}}))",
        "    print(child.pid, flush=True)",
        "    await asyncio.sleep(600)",
        "asyncio.run(main())",
    ]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "\n".join(lines), stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout
    server = int(await worker.stdout.readline())
    assert is_alive(server)
    worker.kill()
    await worker.wait()
    await eventually(lambda: not is_alive(server))


async def test_a_start_that_is_given_up_leaves_nothing() -> None:
    """A worker that is told to end while a server is slow to start ends it, too."""
    server = McpServer(bare("deaf"), shared())
    starting = asyncio.ensure_future(server.start())
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = set(children.read_text().split())
    await eventually(lambda: bool(set(children.read_text().split()) - before))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not any(is_alive(int(each)) for each in set(children.read_text().split()) - before)


async def test_a_worker_without_the_sdk_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No traceback where an image of one's own lacks a package."""
    monkeypatch.setitem(sys.modules, "dspex_worker.mcp.server", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'dspex\[worker\]'"):
        ToolBox([bare()], shared())


async def test_a_server_that_never_answers_stops_the_start() -> None:
    """Its handshake has a time of its own."""
    server = McpServer(bare("deaf"), shared(), timing=Timing(handshake=0.5))
    with pytest.raises(ConfigurationError) as caught:
        await server.start()
    assert caught.value.diagnostics[0].found == "no answer within 0.5 s"


async def test_an_address_without_a_server_is_given_up_after_some_time() -> None:
    """One that comes up late is waited for; here nobody comes."""
    timing = Timing(start=0.1, first_pause=0.01, longest_pause=0.05)
    server = McpServer(http(free_port()), shared(), timing=timing)
    with pytest.raises(ConfigurationError) as caught:
        await server.start()
    assert "ConnectError" in str(caught.value.diagnostics[0].found)


async def test_an_allow_list_is_all_that_a_model_gets() -> None:
    """Its tools are picked by their own names, or all by the server's."""
    box = ToolBox([bare(tools=["process", "child"])], shared())
    await box.start()
    try:
        assert box.names == ["process", "child"]
        assert [tool.name for tool in box.pick(["shop"])] == ["process", "child"]
        assert [tool.name for tool in box.pick(["child", "shop"])] == ["child", "process"]
        with pytest.raises(CallError) as caught:
            box.pick(["endless"])
        assert caught.value.reason is Reason.REQUEST_REFUSED
    finally:
        await box.aclose()


async def test_two_tools_of_one_name_are_refused_at_the_start() -> None:
    """The model could not say which it means; nothing is left running."""
    function = ToolConfig(name="slow", path="fakes.worker_modules.slow")
    box = ToolBox([function, bare(tools=["process", "slow"])], shared())
    with pytest.raises(ConfigurationError, match="has a tool slow, as another has"):
        await box.start()


async def test_react_uses_a_servers_tools(endpoint: OpenAIEndpoint) -> None:
    """A step names the server; the model calls its tools."""
    call = fields(next_thought="so", next_tool_name="find_order", next_tool_args={"number": 7})
    end = fields(next_thought="so", next_tool_name="finish", next_tool_args={})
    endpoint.script(call, end, fields(reasoning="r", answer="it is there"))
    async with serving(remote(endpoint.base, tools=[stdio()])) as worker:
        answer = await worker.answer(
            call_of("question -> answer", {"question": "?"}, module="ReAct", tools=["shop"])
        )
    assert answer.outputs["trajectory"]["observation_0"] == "order 7"
    assert "Find an order. Required: number." in endpoint.requests[0].prompt
