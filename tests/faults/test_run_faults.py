"""A model endpoint and manifests that go wrong, met by the real command line and real workers."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fakes.openai_endpoint import (
    Cut,
    Garbage,
    Hang,
    OpenAIEndpoint,
    RateLimited,
    Status,
    Text,
    fields,
)
from fakes.processes import Scene, Stopwatch

MANIFESTS = """\
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {{name: small}}
spec:
  model: {{name: openai/m, apiBase: {base}, adapter: JSON}}
  callTimeout: {timeout}
---
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {{name: ask}}
spec:
  inputs: [{{name: question, type: str}}]
  steps:
  - name: answer
    dspy:
      module: Predict
      signature: "question -> answer: Literal['yes', 'maybe']"
      poolRef: {{name: small}}
    inputs: {{question: $(inputs.question)}}
    retry: {{attempts: {attempts}, initialDelay: 10ms, maxDelay: 20ms}}
  outputs: [{{name: answer, type: str, value: $(steps.answer.outputs.answer)}}]
"""


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Processes of one test; none is left behind."""
    async with Scene(tmp_path) as made:
        yield made


async def ask(
    scene: Scene, endpoint: OpenAIEndpoint, *, attempts: int = 3, timeout: str = "20s"
) -> tuple[int, dict[str, Any], str]:
    """Run the pipeline; give exit status, the step's status and what was said."""
    file = scene.write(MANIFESTS.format(base=endpoint.base, attempts=attempts, timeout=timeout))
    ran = await scene.run("run", "-f", file, "--workers", "1", "-i", "question=why", "-o", "json")
    run = json.loads(ran.out)
    return ran.status, run["status"]["steps"][0], ran.err


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Status(status=500), "ModelUnavailable"),
        (Cut(), "ModelUnavailable"),
        (Garbage(), "ModelUnavailable"),
        (RateLimited(retry_after=0), "ModelRateLimited"),
        (Text(text="no answer that fits"), "OutputInvalid"),
    ],
)
async def test_a_passing_fault_of_the_endpoint_is_recovered_from(
    scene: Scene, fault: Any, reason: str
) -> None:
    """The next attempt succeeds; the run says what had happened."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(fault, fields(answer="yes"))
        status, step, words = await ask(scene, endpoint)
    assert status == 0, words
    assert step["attempts"] == 2
    assert reason in words


async def test_an_answer_that_does_not_fit_is_shown_to_the_model_with_what_was_wrong(
    scene: Scene,
) -> None:
    """The second prompt holds the first answer's value and the words about it."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(fields(answer="perhaps"), fields(answer="maybe"))
        status, step, words = await ask(scene, endpoint)
        second = endpoint.requests[1].prompt
    assert status == 0, words
    assert step["attempts"] == 2
    assert "perhaps" in second
    assert "'maybe'" in second


async def test_retry_after_is_obeyed(scene: Scene) -> None:
    """The second request comes no sooner than the endpoint asked for, whatever maxDelay says."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(RateLimited(retry_after=2), fields(answer="yes"))
        status, _, words = await ask(scene, endpoint)
    assert status == 0, words
    assert "in 2" in words


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Status(status=401), "ModelRejected"),
        (Status(status=500), "ModelUnavailable"),
        (Text(text="no answer that fits"), "OutputInvalid"),
    ],
)
async def test_a_lasting_fault_ends_in_a_clear_error(scene: Scene, fault: Any, reason: str) -> None:
    """Exit 1 with reason and remedy, and the error in the step's status."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(*[fault] * 4)
        status, step, words = await ask(scene, endpoint, attempts=2)
    assert status == 1
    assert step["state"] == "Failed"
    assert step["error"]["reason"] == reason
    assert f"answer: {reason}: " in words
    assert "remedy: " in words


async def test_an_endpoint_that_never_answers_costs_no_more_than_the_timeout(
    scene: Scene,
) -> None:
    """The call ends after its two seconds, and the request is given up."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(Hang())
        status, step, words = await ask(scene, endpoint, attempts=1, timeout="2s")
        await endpoint.gave_up(1)
    assert status == 1, words
    assert step["error"]["reason"] == "Timeout"


async def test_ctrl_c_in_a_model_call_gives_the_request_up(scene: Scene) -> None:
    """Exit 130, what was done is said, and the endpoint sees its client go."""
    async with OpenAIEndpoint() as endpoint:
        endpoint.script(Hang())
        file = scene.write(MANIFESTS.format(base=endpoint.base, attempts=1, timeout="60s"))
        command = await scene.start(
            "run", "-f", file, "--workers", "1", "-i", "question=why", "-o", "json"
        )
        await endpoint.received(1)
        watch = Stopwatch()
        command.interrupt()
        ran = await command.end()
        await endpoint.gave_up(1)
    assert ran.status == 130
    assert watch.seconds < 10
    step = json.loads(ran.out)["status"]["steps"][0]
    assert (step["state"], step["reason"]) == ("Cancelled", "Cancelled")


async def test_the_only_worker_killed_in_a_call_is_restarted_and_the_run_succeeds(
    scene: Scene,
) -> None:
    """SIGKILL of a real worker: the call is lost, repeated on its successor, and said."""
    import os
    import signal

    from fakes.processes import worker_pid

    async with OpenAIEndpoint() as endpoint:
        endpoint.script(Hang(), fields(answer="yes"))
        file = scene.write(MANIFESTS.format(base=endpoint.base, attempts=3, timeout="60s"))
        command = await scene.start("run", "-f", file, "--workers", "1", "-i", "question=why")
        await endpoint.received(1)
        os.kill(worker_pid(command.err, "small-0"), signal.SIGKILL)
        ran = await command.end()
    assert ran.status == 0, ran.err
    assert "answer: yes" in ran.out.replace("'", "")
    assert "was killed by SIGKILL" in ran.err
    assert "WorkerLost" in ran.err


async def test_without_any_network_the_embedded_model_answers(scene: Scene) -> None:
    """In a network namespace that has loopback alone, once the model is in the cache."""
    unshare = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    probe = await asyncio.create_subprocess_exec(*unshare, "ip link set lo up || exit 9")
    command = 'ip link set lo up && exec "$@"'
    if await probe.wait() != 0:
        # No right to make namespaces: a proxy that refuses everything stands in for it.
        command, unshare = 'exec "$@"', ["sh", "-c"]
    made = await scene.run("new", "first", "--signature", "question -> answer")
    assert made.status == 0, made.err
    refused = "http://127.0.0.1:9"
    ran = await scene.start(
        "run",
        *("-f", "first.yaml", "-i", "question=What is the capital of France?"),
        program=(*unshare, command, "sh", str(_dspex())),
        env={"HTTP_PROXY": refused, "HTTPS_PROXY": refused, "PIP_INDEX_URL": refused},
    )
    ended = await ran.end(within=120)
    assert ended.status == 0, ended.err
    assert "answer:" in ended.out


def _dspex() -> Path:
    import sys

    return Path(sys.executable).with_name("dspex")
