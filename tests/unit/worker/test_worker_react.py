"""ReAct and its tools: the Pool's list, errors told in a line, nothing on the loop."""

import asyncio
import json
from typing import Any

import pytest

from dspex.errors import ConfigurationError, Reason
from dspex_worker.config import ToolConfig, WorkerConfig
from dspex_worker.lifecycle import Lifecycle
from dspex_worker.loading import load
from fakes.openai_endpoint import Answerer, OpenAIEndpoint, fields
from fakes.serving import call_of, remote, serving

NAMES = ["add", "lookup", "broken", "slow", "long_text", "returns_awaitable"]
TOOLS = [ToolConfig(name=name, path=f"fakes.worker_modules.{name}") for name in NAMES]
ADAPTERS = ["Chat", "JSON", "Compact"]


def step(tool: str, **arguments: Any) -> Answerer:
    """Answer as an agent that calls a tool."""
    return fields(next_thought="so", next_tool_name=tool, next_tool_args=arguments)


def done(**outputs: Any) -> list[Answerer]:
    """Answer as an agent that ends and then draws its answer."""
    return [step("finish"), fields(reasoning="therefore", **outputs)]


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_tools_are_called_and_the_trajectory_comes_back(
    endpoint: OpenAIEndpoint, adapter: str
) -> None:
    """Synchronous and asynchronous tools run, and the trajectory is JSON among the outputs."""
    endpoint.script(step("add", a=2, b=3), step("lookup", word="five"), *done(answer=5))
    async with serving(remote(endpoint.base, adapter=adapter, tools=TOOLS)) as worker:
        answer = await worker.answer(
            call_of("question -> answer: int", {"question": "2+3"}, module="ReAct", tools=NAMES)
        )
    trajectory = answer.outputs["trajectory"]
    assert answer.outputs == {"answer": 5, "trajectory": trajectory}
    assert trajectory["tool_name_0"] == "add"
    assert trajectory["tool_args_0"] == {"a": 2, "b": 3}
    assert trajectory["observation_0"] == 5
    assert trajectory["observation_1"] == "five means much"
    assert trajectory["observation_2"] == "Completed."
    assert answer.usage.calls == 4
    assert json.loads(json.dumps(trajectory)) == trajectory


async def test_a_tools_error_is_told_to_the_model_in_a_line(endpoint: OpenAIEndpoint) -> None:
    """Class and message, cut; no traceback, no frames, no endless text."""
    endpoint.script(step("broken", word="x"), step("add", a="no"), step("add", c=1), *done(a="y"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(
            call_of("q -> a", {"q": "x"}, module="ReAct", tools=["broken", "add"])
        )
    told = [answer.outputs["trajectory"][f"observation_{i}"] for i in range(3)]
    assert told[0].startswith("The tool failed. ValueError: the secret path")
    takes = "It takes a (integer, required), b (integer, required)"
    assert told[1].startswith("The tool was not called: the arguments do not fit: ")
    assert 'a: "no" is not of type "integer"' in told[1]
    assert '"b" is a required property' in told[1]
    assert told[1].endswith(takes)
    assert "Additional properties are not allowed ('c' was unexpected)" in told[2]
    assert told[2].endswith(takes)
    assert all(len(text) < 400 for text in told)
    seen = "\n".join(request.prompt for request in endpoint.requests)
    assert "Traceback" not in seen
    assert "worker_modules.py" not in seen
    assert "Tool failed. ValueError".lower() in seen.lower()


async def test_the_last_tool_takes_any_arguments(endpoint: OpenAIEndpoint) -> None:
    """A model that gives `finish` arguments, as many do, does not read a traceback for it."""
    endpoint.script(step("finish", answer="yes"), fields(reasoning="r", a="yes"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(call_of("q -> a", {"q": "x"}, module="ReAct", tools=["add"]))
    assert answer.outputs["trajectory"]["observation_0"] == "Completed."
    assert "Traceback" not in endpoint.requests[-1].prompt


async def test_synchronous_tools_run_off_the_loop(endpoint: OpenAIEndpoint) -> None:
    """While a tool sleeps, the worker answers its probe."""
    endpoint.script(step("slow", word="x"), *done(a="y"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        running = asyncio.create_task(
            worker.answer(call_of("q -> a", {"q": "x"}, module="ReAct", tools=["slow"]))
        )
        await endpoint.received(1)
        loop = asyncio.get_running_loop()
        longest = 0.0
        while not running.done():
            started = loop.time()
            async with worker.session.get(worker.base + "/healthz") as reply:
                assert reply.status == 200
            longest = max(longest, loop.time() - started)
        answer = await running
    assert answer.outputs["trajectory"]["observation_0"].startswith("tool")
    assert longest < 0.25


async def test_results_that_are_too_long_are_cut_for_the_model(endpoint: OpenAIEndpoint) -> None:
    """An observation is bounded, and says how long it was."""
    endpoint.script(step("long_text", word="x"), *done(a="y"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(
            call_of("q -> a", {"q": "x"}, module="ReAct", tools=["long_text"])
        )
    observation = answer.outputs["trajectory"]["observation_0"]
    assert len(observation) < 21_000
    assert "100000 characters" in observation


async def test_a_tool_object_and_a_function_that_returns_an_awaitable_work(
    endpoint: OpenAIEndpoint,
) -> None:
    """A path may name a dspy.Tool, and its function may hand back a coroutine."""
    endpoint.script(step("returns_awaitable", word="x"), *done(a="y"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(
            call_of("q -> a", {"q": "x"}, module="ReAct", tools=["returns_awaitable"])
        )
    assert answer.outputs["trajectory"]["observation_0"] == "x means much"


async def test_max_iters_bounds_the_steps(endpoint: OpenAIEndpoint) -> None:
    """`config.max_iters` is ReAct's; the answer is drawn from what there is then."""
    endpoint.script(step("add", a=1, b=1), step("add", a=2, b=2), fields(reasoning="r", a="4"))
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        answer = await worker.answer(
            call_of("q -> a", {"q": "x"}, module="ReAct", tools=["add"], config={"max_iters": 2})
        )
    assert answer.outputs["a"] == "4"
    assert len(endpoint.requests) == 3


async def test_feedback_is_shown_only_where_the_answer_is_drawn(endpoint: OpenAIEndpoint) -> None:
    """The steps before know nothing of it: their format is another."""
    endpoint.script(*done(a="y"))
    feedback = [{"answer": "old", "errors": ["a: is bad"]}]
    async with serving(remote(endpoint.base, adapter="Compact", tools=TOOLS)) as worker:
        await worker.answer(
            call_of("q -> a", {"q": "x"}, module="ReAct", tools=["add"], feedback=feedback)
        )
    assert "a: is bad" not in endpoint.requests[0].prompt
    assert "a: is bad" in endpoint.requests[1].prompt


async def test_a_tool_may_be_an_input(endpoint: OpenAIEndpoint) -> None:
    """A value of type Tool names one of the Pool's; another name is refused."""
    endpoint.default = fields(a="y")
    async with serving(remote(endpoint.base, tools=TOOLS)) as worker:
        await worker.answer(call_of("q, t: Tool -> a", {"q": "x", "t": {"name": "add"}}))
        failure = await worker.failure(call_of("t: Tool -> a", {"t": {"name": "rm"}}))
    assert "Add two numbers" in endpoint.requests[0].prompt
    assert failure.reason == Reason.REQUEST_REFUSED


@pytest.mark.parametrize("path", ["fakes.worker_modules.nope", "fakes.worker_modules.not_a_module"])
async def test_a_tool_that_can_not_be_used_stops_the_start(path: str) -> None:
    """The message names the tool's path."""
    config = WorkerConfig(tools=[ToolConfig(name="t", path=path)])
    with pytest.raises(ConfigurationError, match=path):
        await load(config, "w", Lifecycle())
