"""Workers that die, hang, answer garbage or refuse: the real command line, scripted workers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import PIPELINE
from fakes.processes import Scene

RETRY = "\n    retry: {attempts: 3, initialDelay: 10ms, maxDelay: 20ms}\n"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


async def run(scene: Scene, **script: Any) -> tuple[int, dict[str, Any], str]:
    """Run a pipeline whose step is tried three times; give status, first step and words."""
    inputs = "    inputs: {message: $(inputs.message)}\n"
    timeout = script.pop("timeout", "20s")
    file = scene.write(
        PIPELINE.replace(inputs, inputs.rstrip("\n") + RETRY + f"    timeout: {timeout}\n", 1)
    )
    command = await scene.start_scripted(
        *("run", "-f", file, "-i", "message=hello", "-o", "json"), script=json.dumps(script)
    )
    ran = await command.end()
    step = json.loads(ran.out)["status"]["steps"][0] if ran.out else {}
    return ran.status, step, ran.err


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        (["exit"], "WorkerLost"),
        (["die", "echo"], "WorkerLost"),
        (["garbage", "echo"], "ProtocolError"),
        (["full", "echo"], "QueueFull"),
    ],
)
async def test_a_passing_fault_is_recovered_from(
    scene: Scene, calls: list[str], reason: str
) -> None:
    """The step succeeds at its second attempt, and the first one's reason is told."""
    once = {"once": str(scene.folder / "once")} if calls == ["exit"] else {}
    status, step, words = await run(scene, calls=calls, **once)
    assert status == 0, words
    assert step["attempts"] == 2
    assert f"attempt 1 failed on small-0: {reason}" in words


@pytest.mark.parametrize(
    ("calls", "reason", "attempts"),
    [
        (["die"], "WorkerLost", 3),
        (["garbage"], "ProtocolError", 3),
        (["refuse"], "RequestRefused", 1),
        (["full"], "QueueFull", 3),
    ],
)
async def test_a_lasting_fault_ends_in_its_reason(
    scene: Scene, calls: list[str], reason: str, attempts: int
) -> None:
    """Exit 1 after the attempts that its reason is worth, with a remedy."""
    status, step, words = await run(scene, calls=calls)
    assert status == 1
    assert step["error"]["reason"] == reason
    assert step["attempts"] == attempts
    assert "remedy: " in words


async def test_a_worker_that_hangs_costs_no_more_than_the_timeouts(scene: Scene) -> None:
    """Three attempts of half a second."""
    status, step, _ = await run(scene, calls=["hang"], timeout="500ms")
    assert status == 1
    assert (step["error"]["reason"], step["attempts"]) == ("Timeout", 3)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"start": "exit", "status": 7}, "ended with status 7 before it was ready"),
        ({"announce": "Hello!"}, "printed 'Hello!' instead of its address"),
    ],
)
async def test_workers_that_do_not_start_fail_the_run(
    scene: Scene, script: dict[str, Any], words: str
) -> None:
    """Exit 1 with what the worker did instead."""
    status, _, said = await run(scene, **script)
    assert status == 1
    assert words in said
