"""Ctrl-C, SIGTERM and SIGKILL at many moments of a run with real workers."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes.openai_endpoint import Hang, OpenAIEndpoint, fields
from fakes.processes import Command, Scene, Stopwatch, eventually, processor_time, worker_pid

WITHIN = 12.0
"""Seconds in which a run that was told to end has ended, on a busy machine."""

PIPELINE = """\
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {{name: small}}
spec: {{model: {{name: openai/m, apiBase: {base}, adapter: JSON}}, callTimeout: 2m}}
---
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {{name: ask}}
spec:
  steps:
  - name: first
    dspy: {{module: Predict, signature: "q -> a", poolRef: {{name: small}}}}
    inputs: {{q: first}}
  - name: second
    after: [first]
    dspy: {{module: Predict, signature: "q -> a", poolRef: {{name: small}}}}
    inputs: {{q: second}}
  finally:
  - name: last
    dspy: {{module: Predict, signature: "q -> a", poolRef: {{name: small}}}}
    inputs: {{q: last}}
  outputs: [{{name: a, type: str, value: $(steps.second.outputs.a)}}]
"""
LONG_ANSWER = """\
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {name: small}
spec: {model: {embedded: true}, callTimeout: 2m}
---
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: tell}
spec:
  steps:
  - name: story
    dspy: {module: Predict, signatureRef: {name: story}, poolRef: {name: small}}
    inputs: {topic: A dog that found a shoe}
---
apiVersion: dspex.dev/v1alpha1
kind: Signature
metadata: {name: story}
spec:
  signature: "topic: str -> lines: list[str]"
  fields: [{name: lines, minItems: 60, maxItems: 60, items: {maxLength: 60, minLength: 50}}]
"""


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


async def start(scene: Scene, endpoint: OpenAIEndpoint) -> Command:
    """Start the pipeline."""
    file = scene.write(PIPELINE.format(base=endpoint.base))
    return await scene.start("run", "-f", file, "--workers", "1", "-o", "json")


async def end(command: Command) -> tuple[dict[str, dict[str, Any]], str]:
    """Wait for a run's end after a signal; return its steps and its words."""
    ran = await command.end(within=WITHIN)
    assert ran.status == 130, ran.err
    assert "cancelling" in ran.err
    assert "cancelled (Cancelled" in ran.err
    steps = json.loads(ran.out)["status"]["steps"]
    return {step["name"]: step for step in steps}, ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_before_the_workers_are_ready(scene: Scene, number: signal.Signals) -> None:
    """No step was begun, and that is said."""
    async with OpenAIEndpoint() as endpoint:
        command = await start(scene, endpoint)
        await command.says("is starting")
        command.interrupt(number)
        steps, words = await end(command)
    assert "none of 3 steps had been done" in words
    assert not any(step.get("attempts") for step in steps.values())
    assert endpoint.requests == []


async def test_in_the_second_step(scene: Scene) -> None:
    """What had been done is told: the first step; its finally steps never begin."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(fields(a="done"), Hang())
        command = await start(scene, endpoint)
        await endpoint.received(2)
        command.interrupt(signal.SIGTERM)
        steps, words = await end(command)
        await asyncio.wait_for(endpoint.gave_up(1), WITHIN)
    assert "succeeded: first" in words
    assert steps["first"]["state"] == "Succeeded"
    assert steps["second"]["state"] == "Cancelled"
    assert steps["last"]["state"] != "Succeeded"
    assert len(endpoint.requests) == 2


async def test_in_a_finally_step(scene: Scene) -> None:
    """Cancel ends finally too."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(fields(a="done"), fields(a="done"), Hang())
        command = await start(scene, endpoint)
        await endpoint.received(3)
        assert "finally steps begin" in command.err
        command.interrupt()
        steps, _ = await end(command)
        await asyncio.wait_for(endpoint.gave_up(1), WITHIN)
    assert steps["second"]["state"] == "Succeeded"
    assert steps["last"]["state"] == "Cancelled"


async def test_twice(scene: Scene) -> None:
    """The second signal kills the workers; the run still says what had been done."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(fields(a="done"), Hang())
        command = await start(scene, endpoint)
        await endpoint.received(2)
        command.interrupt()
        await command.says("cancelling")
        command.interrupt()
        steps, _ = await end(command)
    assert steps["first"]["state"] == "Succeeded"


async def test_while_it_ends(scene: Scene) -> None:
    """When the last step has ended the run's own status counts, or 130; nothing is left."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.default = fields(a="done")
        command = await start(scene, endpoint)
        await command.says("last succeeded")
        command.interrupt()
        ran = await command.end(within=WITHIN)
    assert ran.status in (0, 130), ran.err


@pytest.mark.parametrize("delay", [0.3, 0.9, 1.6, 2.5])
async def test_at_any_moment(scene: Scene, delay: float) -> None:
    """Wherever it stands when the signal comes: 130 or its own status, and nothing is left."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.default = fields(a="done", latency=0.2)
        command = await start(scene, endpoint)
        await asyncio.sleep(delay)
        command.interrupt(signal.SIGTERM)
        ran = await command.end(within=WITHIN)
    assert ran.status in (0, 130, -signal.SIGTERM), ran.err


async def test_while_the_embedded_model_decodes(scene: Scene) -> None:
    """An answer of minutes is given up at its next token."""
    command = await scene.start("run", "-f", scene.write(LONG_ANSWER), "-o", "json")
    await command.says("story started")
    worker = worker_pid(command.err, "small-0")
    before = processor_time(worker)
    await eventually(lambda: processor_time(worker) > before + 1)
    watch = Stopwatch()
    command.interrupt()
    steps, _ = await end(command)
    assert watch.seconds < WITHIN
    assert steps["story"]["state"] == "Cancelled"


async def test_workers_end_when_their_parent_is_killed(scene: Scene) -> None:
    """SIGKILL of the command in a model call: its workers see it gone and end."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(Hang())
        command = await start(scene, endpoint)
        await endpoint.received(1)
        command.process.kill()
        await command.process.wait()
        await eventually(lambda: not scene.processes, within=WITHIN)
        await asyncio.wait_for(endpoint.gave_up(1), WITHIN)
    scene.forgive_files()
