"""Runs of the demo, each made once for all tests."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dspex_worker.lm.embedded import EmbeddedModel
from fakes.command_line import Ran
from fakes.embedded_endpoint import EmbeddedEndpoint
from fakes.processes import Scene, eventually, processor_time, worker_pid
from fakes.shared_run import once

EXAMPLES = Path(__file__).parents[2] / "examples" / "triage"
OVER_HTTP = """\
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {{name: small}}
spec:
  model:
    name: openai/smollm2
    apiBase: {base}
    adapter: Compact
    temperature: 0
    apiKeySecretRef: {{name: llm, key: api-key}}
  callTimeout: 120s
"""
FLAG = "llm/api-key=env:LLM_API_KEY"


def held(ran: Ran) -> dict[str, Any]:
    """Return the PipelineRun that a command printed, with its exit status and words."""
    assert ran.out, ran.err
    return {"exit": ran.status, "words": ran.err, **json.loads(ran.out)}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo as it stands: status, outputs and words."""

    async def work() -> dict[str, Any]:
        async with Scene(tmp_path_factory.mktemp("demo")) as scene:
            ran = await scene.run("run", "-f", EXAMPLES, "-o", "json", within=300)
        return held(ran)

    made: dict[str, Any] = once(tmp_path_factory, "demo", lambda: asyncio.run(work()))
    return made


@pytest.fixture(scope="session")
def demo_with_a_kill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo again; one of its two workers gets a SIGKILL while it works on calls."""

    async def work() -> dict[str, Any]:
        async with Scene(tmp_path_factory.mktemp("killed")) as scene:
            command = await scene.start("run", "-f", EXAMPLES, "-o", "json")
            await command.says("product started")
            victim = worker_pid(command.err, "small-0")
            before = processor_time(victim)
            # Nobody tells when a call is under way, but it takes the processor.
            await eventually(lambda: processor_time(victim) > before + 0.5)
            os.kill(victim, signal.SIGKILL)
            ran = await command.end(within=300)
        return held(ran)

    made: dict[str, Any] = once(tmp_path_factory, "killed", lambda: asyncio.run(work()))
    return made


@pytest.fixture(scope="session")
def demo_over_http(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo with the same model behind an OpenAI-compatible endpoint, and a key."""

    async def work() -> dict[str, Any]:
        with EmbeddedModel() as model:
            async with (
                EmbeddedEndpoint(model) as endpoint,
                Scene(tmp_path_factory.mktemp("http")) as scene,
            ):
                pool = scene.write(OVER_HTTP.format(base=endpoint.base))
                files = [each for each in sorted(EXAMPLES.iterdir()) if each.name != "pool.yaml"]
                ran = await scene.run(
                    *("run", "-o", "json", "--secret", FLAG, "-f", pool),
                    *(part for file in files for part in ("-f", file)),
                    env={"LLM_API_KEY": "sk-test"},
                    within=300,
                )
                requests = len(endpoint.requests)
        return {**held(ran), "requests": requests}

    made: dict[str, Any] = once(tmp_path_factory, "http", lambda: asyncio.run(work()))
    return made
