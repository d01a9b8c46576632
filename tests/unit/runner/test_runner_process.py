"""The runner as a process, against an API server that fences as the real one does."""

import asyncio
import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from dspex.bridge.protocol import Call
from dspex.pipeline.plan import Plan
from fakes.api_server import ApiServer, Pod
from fakes.objects import plan
from fakes.runner_pod import Ended, mount, start
from fakes.worker import FakeWorker, Hang, Reply

pytestmark = pytest.mark.slow

UID = "0f6c1d1e-1111-4222-8333-0123456789ab"
RUN = "support-1"

NATIVE = """
    inputs: [{name: q, type: str}]
    steps:
    - {name: one, template: {source: "1 {{ v }}"}, inputs: {v: $(inputs.q)}}
    - {name: two, template: {source: "2 {{ v }}"}, inputs: {v: $(steps.one.outputs.text)}}
    - {name: three, template: {source: "3 {{ v }}"}, inputs: {v: $(steps.two.outputs.text)}}
    outputs: [{name: text, type: str, value: $(steps.three.outputs.text)}]
    """

CALLS = """
    inputs: [{name: words, type: "list[str]"}]
    steps:
    - name: first
      inputs: {x: start}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    - name: note
      template: {source: "noted {{ x }}"}
      inputs: {x: $(steps.first.outputs.out)}
    - name: each
      forEach: {items: $(inputs.words), concurrency: 2}
      inputs: {x: "$(steps.note.outputs.text) $(item)"}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    - name: last
      inputs: {x: "$(steps.each.outputs.out.join('+'))"}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    outputs: [{name: all, type: str, value: $(steps.last.outputs.out)}]
    """


def upper(call: Call) -> dict[str, Any]:
    """Answer with the input in capitals."""
    return {"out": str(call.inputs["x"]).upper()}


async def run_pod(api: ApiServer, root: Path, number: int = 1) -> Ended:
    """Run one pod to its end."""
    return await (await start(api, root, Pod(RUN, UID, number))).end()


async def test_a_native_run_costs_three_requests(tmp_path: Path) -> None:
    """It is read, claimed and ended, with outputs, steps and the last word; conditions stay."""
    async with ApiServer() as api:
        api.add_run(RUN, UID)
        ended = await run_pod(api, mount(tmp_path / "etc", plan(NATIVE), inputs={"q": "x"}))
        assert ended.status == 0, ended.log
        status = api.status(RUN)
        assert status["outputs"] == {"text": "3 2 1 x"}
        assert [step["state"] for step in status["steps"]] == ["Succeeded"] * 3
        assert status["runner"]["phase"] == "Finished"
        assert status["runner"]["state"] == status["runner"]["reason"] == "Succeeded"
        assert status["runner"]["epoch"] == 1
        assert status["runner"]["completionTime"] >= status["runner"]["startTime"]
        assert status["conditions"] == [{"type": "Ready", "status": "Unknown"}]
        assert len(api.requests) == 3
        assert {line["run"] for line in ended.lines} == {RUN}
        assert {line["step"] for line in ended.lines if "step" in line} == {"one", "two", "three"}
        again = await run_pod(api, tmp_path / "etc", 2)
        assert again.status == 0
        assert len(api.requests) == 4


async def test_killed_at_any_moment_a_run_ends_the_same_and_pays_once_for_what_is_kept(
    tmp_path: Path,
) -> None:
    """SIGKILL at random points; the outputs are those of a run in peace, no kept call is made twice."""
    draw = random.Random(7)
    words = ["a", "b", "c", "d", "e", "f"]
    compiled: Plan = plan(CALLS)
    expected = "+".join(f"NOTED START {word.upper()}" for word in words)
    for attempt in range(4):
        async with ApiServer() as api, FakeWorker(Reply(upper, after=0.25)) as worker:
            api.add_run(RUN, UID)
            root = mount(
                tmp_path / str(attempt),
                compiled,
                pools={"fast": worker.address},
                inputs={"words": words},
            )
            kept: list[str] = []
            for number in range(1, 4):
                runner = await start(api, root, Pod(RUN, UID, number))
                await api.until(lambda number=number: epoch(api) == number)  # type: ignore[misc]
                await asyncio.sleep(draw.uniform(0.0, 1.2))
                runner.send(signal.SIGKILL)
                await runner.end()
                before = len(worker.calls)
                kept += journaled(api)
            ended = await run_pod(api, root, 9)
            assert ended.status == 0, ended.log
            status = api.status(RUN)
            assert status["outputs"] == {"all": expected}
            assert status["runner"]["epoch"] == 4
            assert [step["state"] for step in status["steps"]] == ["Succeeded"] * 4
            assert status["steps"][2]["attempts"] == 6
            assert status["usage"]["calls"] == 8
            later = [str(call.inputs["x"]).upper() for call in worker.calls[before:]]
            assert not set(later) & set(kept)


SLOW = """
    steps:
    - name: slow
      inputs: {x: start}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    finally:
    - {name: tidy, template: {source: "tidied"}}
    outputs: [{name: out, type: str, value: $(steps.slow.outputs.out)}]
    """


async def test_cancel_ends_the_run_and_stop_leaves_finally_its_time(tmp_path: Path) -> None:
    """Both are read from the run itself; nobody sends a signal."""
    for shutdown, tidied in (("Cancel", "Skipped"), ("Stop", "Succeeded")):
        async with ApiServer() as api, FakeWorker(Hang()) as worker:
            api.add_run(RUN, UID)
            root = mount(tmp_path / shutdown, plan(SLOW), pools={"fast": worker.address})
            runner = await start(api, root, Pod(RUN, UID, 1))
            await worker.until(lambda worker: worker.active == 1, 30)
            api.change(RUN, shutdown=shutdown)
            ended = await runner.end()
            assert ended.status == 0, ended.log
            status = api.status(RUN)
            assert status["runner"]["state"] == "Cancelled"
            assert (
                status["runner"]["reason"] == {"Cancel": "Cancelled", "Stop": "Stopped"}[shutdown]
            )
            assert states(api) == {"slow": "Cancelled", "tidy": tidied}
            assert worker.tokens == ["Bearer token-of-fast"]


async def test_a_pod_that_is_taken_away_leaves_the_run_to_the_next(tmp_path: Path) -> None:
    """SIGTERM checkpoints and ends with a status after which the Job starts another pod."""
    async with ApiServer() as api, FakeWorker(Reply(upper), Hang(), Reply(upper)) as worker:
        api.add_run(RUN, UID)
        root = mount(
            tmp_path / "etc",
            plan(CALLS),
            pools={"fast": worker.address},
            inputs={"words": ["a"]},
        )
        runner = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: len(worker.calls) == 2, 30)
        runner.send(signal.SIGTERM)
        ended = await runner.end()
        assert ended.status == 3, ended.log
        assert api.status(RUN)["runner"]["phase"] == "Running"
        assert states(api) == {
            "first": "Succeeded",
            "note": "Succeeded",
            "each": "Running",
            "last": "Pending",
        }
        started = api.status(RUN)["runner"]["startTime"]
        first = api.status(RUN)["steps"][0]
        assert (await run_pod(api, root, 2)).status == 0
        assert [str(call.inputs["x"]) for call in worker.calls] == [
            "start",
            "noted START a",
            "noted START a",
            "NOTED START A",
        ]
        assert api.status(RUN)["outputs"] == {"all": "NOTED START A"}
        assert api.status(RUN)["runner"]["startTime"] == started
        assert api.status(RUN)["steps"][0] == first
        assert api.status(RUN)["usage"]["calls"] == 3


async def test_sigterm_with_cancel_in_the_spec_ends_the_run(tmp_path: Path) -> None:
    """Cancel suspends the Job too: the pod that is taken away asks why before it leaves."""
    async with ApiServer() as api, FakeWorker(Hang()) as worker:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(SLOW), pools={"fast": worker.address})
        runner = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: worker.active == 1, 30)
        api.change(RUN, shutdown="Cancel", suspend=True)
        runner.send(signal.SIGTERM)
        assert (await runner.end()).status == 0
        assert api.status(RUN)["runner"]["reason"] == "Cancelled"


async def test_a_suspended_run_is_checkpointed_and_waits_for_its_pod_to_be_taken(
    tmp_path: Path,
) -> None:
    """Ending by itself would count as a failure of the Job."""
    async with ApiServer() as api, FakeWorker(Hang()) as worker:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(SLOW), pools={"fast": worker.address})
        runner = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: worker.active == 1, 30)
        api.change(RUN, suspend=True)
        await worker.until(lambda worker: worker.dropped == 1, 30)
        runner.send(signal.SIGTERM)
        assert (await runner.end()).status == 3
        assert states(api)["slow"] == "Running"


async def test_a_pod_that_lost_its_run_ends_without_another_word(tmp_path: Path) -> None:
    """The epoch of the second pod fences the first, which notices and leaves."""
    async with ApiServer() as api, FakeWorker(Hang(), Hang(), Reply(upper)) as worker:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(SLOW), pools={"fast": worker.address})
        former = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: worker.active == 1, 30)
        former.send(signal.SIGSTOP)
        latter = await start(api, root, Pod(RUN, UID, 2))
        await api.until(lambda: epoch(api) == 2)
        former.send(signal.SIGCONT)
        ended = await former.end()
        assert ended.status == 4
        assert "has claimed the run" in ended.log
        api.change(RUN, shutdown="Cancel")
        assert (await latter.end()).status == 0
        pods = [write.pod for write in api.writes]
        taken = pods.index(Pod(RUN, UID, 2).token)
        assert Pod(RUN, UID, 1).token not in pods[taken:]


async def test_the_last_word_waits_for_an_api_server_that_is_away(tmp_path: Path) -> None:
    """The run goes on meanwhile; its end is written when there is somebody to hear it."""
    async with ApiServer() as api, FakeWorker(Reply(upper, after=0.2)) as worker:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(SLOW), pools={"fast": worker.address})
        runner = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: worker.active == 1, 30)
        api.down = True
        await worker.until(lambda worker: worker.active == 0, 30)
        await asyncio.sleep(1)
        assert runner.process.returncode is None
        api.down = False
        assert (await runner.end()).status == 0
        assert api.status(RUN)["outputs"] == {"out": "START"}


async def test_the_operators_writes_in_between_disturb_nothing(tmp_path: Path) -> None:
    """Every write names the version that it saw; a conflict is read and written again."""
    async with ApiServer() as api, FakeWorker(Reply(upper, after=1.0)) as worker:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(SLOW), pools={"fast": worker.address})
        runner = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: worker.active == 1, 30)
        await api.until(lambda: states(api).get("slow") == "Running")
        api.touch(RUN)
        assert (await runner.end()).status == 0
        assert 409 in {status for *_, status in api.requests}
        assert api.status(RUN)["observedGeneration"] == 1
        assert api.status(RUN)["runner"]["phase"] == "Finished"


SECRET = """
    inputs: [{name: key, type: str}, {name: pin, type: int}]
    steps:
    - name: render
      template: {source: "key={{ k }} pin={{ p }}"}
      inputs: {k: $(inputs.key), p: $(inputs.pin)}
    - name: ask
      inputs: {x: $(steps.render.outputs.text)}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    - name: fail
      onError: Continue
      inputs: {value: $(inputs.key)}
      transform: {name: json}
    - name: slow
      inputs: {x: "again $(steps.ask.outputs.out)"}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    outputs:
    - {name: out, type: str, value: $(steps.slow.outputs.out)}
    - {name: pin, type: int, value: $(inputs.pin)}
    """


async def test_sensitive_inputs_stand_nowhere_and_are_there_again_after_a_restart(
    tmp_path: Path,
) -> None:
    """Not in status, checkpoints or logs; a resumed run has what the first one had."""
    key = 'sk-"9f\\81"\nmore'
    replies = [Reply(lambda call: {"out": call.inputs["x"]}), Hang(), Reply({"out": key})]
    async with ApiServer() as api, FakeWorker(*replies) as worker:
        api.add_run(RUN, UID)
        root = mount(
            tmp_path / "etc",
            plan(SECRET),
            pools={"fast": worker.address},
            secrets={"key": key, "pin": "982451653"},
        )
        runner = await start(api, root, Pod(RUN, UID, 1))
        await worker.until(lambda worker: len(worker.calls) == 2, 30)
        runner.send(signal.SIGTERM)
        logs = [(await runner.end()).log, (await run_pod(api, root, 2)).log]
        assert [call.inputs["x"] for call in worker.calls[1:]] == [
            f"again key={key} pin=982451653"
        ] * 2
        assert api.status(RUN)["outputs"] == {"out": "[redacted]", "pin": "[redacted]"}
        assert len(api.named("pipelinerundata")) == 1
        written = json.dumps([write.item for write in api.writes]) + "".join(logs)
        for part in ("sk-", "9f", "982451653", "more"):
            assert part not in written.replace(UID, ""), part


async def test_large_outputs_have_an_object_of_their_own(tmp_path: Path) -> None:
    """The status names it; it belongs to the run."""
    text = """
        inputs: [{name: q, type: str}]
        steps: [{name: one, template: {source: "{{ v }}{{ v }}"}, inputs: {v: $(inputs.q)}}]
        outputs: [{name: text, type: str, value: $(steps.one.outputs.text)}]
        """
    async with ApiServer() as api:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(text), inputs={"q": "x" * 50_000})
        assert (await run_pod(api, root)).status == 0
        status = api.status(RUN)
        assert "outputs" not in status
        item = api.named("pipelinerundata")[status["outputsRef"]["name"]]
        assert item["spec"]["outputs"] == {"text": "x" * 100_000}
        assert item["metadata"]["ownerReferences"][0]["uid"] == UID


@pytest.mark.parametrize("broken", ["digest", "plan", "secret", "type"])
async def test_a_run_that_cant_be_started_says_why(tmp_path: Path, broken: str) -> None:
    """With its last word, at once: another pod would not do better."""
    async with ApiServer() as api:
        api.add_run(RUN, UID)
        root = mount(tmp_path / "etc", plan(SECRET), secrets={"key": "k", "pin": "12"})
        if broken == "digest":
            order = json.loads((root / "plan" / "run.json").read_text())
            (root / "plan" / "run.json").write_text(json.dumps({**order, "digest": "sha256:0"}))
        elif broken == "plan":
            (root / "plan" / "plan.json.gz").write_bytes(b"no plan")
        elif broken == "secret":
            (root / "inputs" / "secret" / "key").unlink()
        else:
            (root / "inputs" / "secret" / "pin").write_text("s3cr3t")
        ended = await run_pod(api, root)
        assert ended.status == 0, ended.log
        runner = api.status(RUN)["runner"]
        assert (runner["phase"], runner["state"]) == ("Finished", "Failed")
        assert runner["reason"] == (
            "PlanInvalid" if broken in ("digest", "plan") else "InputInvalid"
        )
        assert "s3cr3t" not in json.dumps(runner) + ended.log


def states(api: ApiServer) -> dict[str, str]:
    """Return the steps' states."""
    return {step["name"]: step["state"] for step in api.status(RUN).get("steps", [])}


def epoch(api: ApiServer) -> int:
    """Return the run's epoch."""
    return int((api.status(RUN).get("runner") or {}).get("epoch", 0))


def journaled(api: ApiServer) -> list[str]:
    """Return the outputs that the run's checkpoints hold."""
    found = []
    chunks = api.named("pipelinerundata")
    text = "".join(
        chunks[f"{RUN}-{UID[-12:]}-{n}"]["spec"]["checkpoint"]["log"] for n in range(len(chunks))
    )
    for line in filter(None, text.split("\n")):
        value = json.loads(line)
        outputs = value["record"].get("outputs") or {}
        found += [str(each) for each in outputs.values() if not isinstance(each, list)]
    return found
