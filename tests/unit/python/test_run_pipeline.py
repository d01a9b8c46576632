"""`dspex.run_pipeline` and `dspex.load`: results, failures, manifests, secrets."""

import asyncio
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import dspex
from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.errors import PythonError, Reason
from dspex.pipeline.events import Event, RunFinished, RunStarted
from dspex.pipeline.record import State
from fakes.command_line import PIPELINE, RUN
from fakes.dispatcher import ScriptedDispatcher, after

pytestmark = pytest.mark.slow


def built(pool: Pool) -> dspex.PipelineBuilder:
    """Build a pipeline of a model's step and a template."""
    p = dspex.pipeline("support")
    message = p.input("message")
    triage = p.predict("triage", "message -> topic", pool=pool, inputs={"message": message})
    p.step("page", template="URGENT {{ t }}", inputs={"t": triage.outputs.topic})
    p.output("topic", triage.outputs.topic)
    p.output("page", p.steps.page.outputs.text)
    return p


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a pipeline with all that it names, and a run."""
    (tmp_path / "support.yaml").write_text(PIPELINE + RUN)
    return tmp_path


def test_a_result_tells_everything(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """Outputs, steps, usage, status, and how long it took."""
    dispatcher.scripts["small"] = after(0, {"topic": "bug"})
    result = dspex.run_pipeline(built(small), {"message": "It is broken."})
    assert (result.topic, result["page"]) == ("bug", "URGENT bug")
    assert repr(result) == "Result(topic='bug', page='URGENT bug')"
    assert (result.succeeded, result.state, result.reason) == (True, State.SUCCEEDED, "Succeeded")
    assert list(result.steps) == ["triage", "page"]
    assert result.steps["triage"].worker == "small-0"
    assert result.usage.total_tokens == 12
    assert result.name.startswith("support-")
    assert result.seconds >= 0
    assert result.errors == ()
    assert result.status["steps"][0]["state"] == "Succeeded"
    assert result.status["planDigest"] == built(small).digest


def test_outputs_are_pythons_own() -> None:
    """By their declared types; so are the inputs."""
    p = dspex.pipeline("dates")
    day = p.input("day", datetime.date)
    p.step("hello", template="Hello")
    p.output("day", day, datetime.date)
    p.output("tags", ["a", "b"], set[str])
    result = dspex.run_pipeline(p, {"day": datetime.date(2026, 11, 25)})
    assert (result.day, result.tags) == (datetime.date(2026, 11, 25), {"a", "b"})
    assert result.status["outputs"] == {"day": "2026-11-25", "tags": ["a", "b"]}


def failing(dispatcher: ScriptedDispatcher) -> None:
    """Let the model refuse every call."""

    async def fail(call: Call) -> Mapping[str, Any]:
        raise PythonError(Reason.MODEL_REJECTED, "no such model", error_class="openai.NotFound")

    dispatcher.scripts["small"] = fail


def test_a_run_that_fails_raises_with_its_result(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """Reason, every step's error, and what the steps had come to."""
    failing(dispatcher)
    with pytest.raises(dspex.RunError, match="triage: ModelRejected: no such model") as caught:
        dspex.run_pipeline(built(small), {"message": "x"})
    error = caught.value
    assert isinstance(error, dspex.PipelineError)
    assert error.reason is Reason.STEPS_FAILED
    [(step, fault)] = error.errors
    assert (step, fault.reason) == ("triage", Reason.MODEL_REJECTED)
    assert error.result.steps["page"].state is State.SKIPPED


def test_without_check_the_result_says_it(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """As `subprocess.run` has it."""
    failing(dispatcher)
    result = dspex.run_pipeline(built(small), {"message": "x"}, check=False)
    assert (result.succeeded, result.reason, len(result)) == (False, "StepsFailed", 0)
    assert repr(result).startswith("<Failed support-")


def test_a_run_may_not_take_longer_than_its_timeout(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """Seconds, or a duration; a wrong one names its argument."""
    dispatcher.scripts["small"] = after(60, {})
    for timeout in (0.05, "50ms"):
        result = dspex.run_pipeline(built(small), {"message": "x"}, timeout=timeout, check=False)
        assert result.reason == Reason.RUN_TIMEOUT
    with pytest.raises(dspex.InputError, match="timeout: 'soon' is not a duration"):
        dspex.run_pipeline(built(small), {"message": "x"}, timeout="soon")


def test_inputs_are_checked_before_anything_starts(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """Unknown, missing, of a wrong type: all at once, each by its name."""
    with pytest.raises(dspex.InputError) as caught:
        dspex.run_pipeline(built(small), {"mesage": "x"})
    found = {(each.file, each.path, each.code) for each in caught.value.diagnostics}
    assert found == {("inputs", "mesage", "UnknownInput"), ("inputs", "message", "InvalidInput")}
    assert dispatcher.calls == []


def test_a_listener_hears_the_events(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """All of them, from first to last."""
    dispatcher.scripts["small"] = after(0, {"topic": "bug"})
    events: list[Event] = []
    dspex.run_pipeline(built(small), {"message": "x"}, on_event=events.append)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)


def test_a_listener_that_raises_does_not_end_the_run(
    dispatcher: ScriptedDispatcher, small: Pool
) -> None:
    """It hears nothing more, and its error comes when the run has ended."""
    dispatcher.scripts["small"] = after(0, {"topic": "bug"})
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        raise ValueError("not this")

    with pytest.raises(ValueError, match="not this"):
        dspex.run_pipeline(built(small), {"message": "x"}, on_event=listen)
    assert len(events) == 1
    assert len(dispatcher.calls) == 1


def test_what_is_probably_not_meant_is_warned_of() -> None:
    """Where the call stands."""
    p = dspex.pipeline("unused")
    p.input("message", default="x")
    p.step("hello", template="Hello")
    with pytest.warns(UserWarning, match="message") as caught:
        dspex.run_pipeline(p)
    assert [each.filename for each in caught] == [__file__]


async def test_it_can_be_awaited(dispatcher: ScriptedDispatcher, small: Pool) -> None:
    """Several at once, and a sync one in the same loop."""
    met = asyncio.Barrier(3)

    async def answer(call: Call) -> Mapping[str, Any]:
        await met.wait()  # each waits for the others: they are there at once
        return {"topic": "bug"}

    dispatcher.scripts["small"] = answer
    p = built(small)
    results = await asyncio.gather(*(dspex.arun_pipeline(p, {"message": str(i)}) for i in range(3)))
    assert [result.topic for result in results] == ["bug"] * 3
    dispatcher.scripts["small"] = after(0, {"topic": "bug"})
    assert dspex.run_pipeline(p, {"message": "x"}).topic == "bug"


def test_a_folder_runs_as_it_stands(dispatcher: ScriptedDispatcher, folder: Path) -> None:
    """The run's own inputs, which a call overrides; by path or loaded."""
    dispatcher.scripts["small"] = after(0, {"topic": "bug"})
    result = dspex.run_pipeline(folder)
    assert (result.name, result.topic, result.note) == ("support-1", "bug", "no page")
    assert dispatcher.calls[-1][1].inputs == {"message": "from the run"}
    project = dspex.load(folder)
    assert dspex.run_pipeline(project, {"urgent": True}).note == "URGENT bug"
    assert project.check() == ()
    assert repr(project) == (
        "Project(signatures=['triage'], pools=['small'], pipelines=['support'], runs=['support-1'])"
    )
    made = dspex.predict(project.signature("triage"), pool=project.pools["small"], message="x")
    assert made.topic == "bug"


def test_what_is_wrong_in_a_folder_has_its_place(folder: Path) -> None:
    """File, line and column, as on the command line."""
    file = folder / "support.yaml"
    file.write_text(file.read_text().replace("poolRef: {name: small}", "poolRef: {name: smal}"))
    with pytest.raises(dspex.CompileError, match=r"support\.yaml:20:\d+: Pipeline/support: spec"):
        dspex.run_pipeline(folder)
    [finding] = dspex.load(folder).check()
    assert finding.line == 20
    with pytest.raises(dspex.ManifestError, match="No such file"):
        dspex.load(folder / "nowhere.yaml")
    with pytest.raises(dspex.ConfigurationError, match="no Pipeline 'suport'"):
        dspex.run_pipeline(folder, pipeline="suport")


SOURCES = """\
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: secret}
spec:
  inputs:
  - {name: token, type: int, sensitive: true}
  - {name: letter, type: str}
  steps:
  - name: text
    template: {source: "{{ l }}"}
    inputs: {l: $(inputs.letter)}
  outputs:
  - {name: letter, type: str, value: $(steps.text.outputs.text)}
  - {name: known, type: bool, value: $(inputs.token > 0)}
---
apiVersion: dspex.dev/v1alpha1
kind: PipelineRun
metadata: {name: secret-1}
spec:
  pipelineRef: {name: secret}
  timeout: 1m
  inputsFrom:
  - {secretRef: {name: keys}}
  - {configMapRef: {name: texts}}
"""


def test_secrets_and_config_maps_come_from_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing names the argument; what is wrong about a secret shows none of it."""
    file = tmp_path / "secret.yaml"
    file.write_text(SOURCES)
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")
    monkeypatch.setenv("TOKEN", "7")
    with pytest.raises(dspex.InputError, match=r"secrets=\{'keys/token': 'env:KEYS_TOKEN'\}"):
        dspex.run_pipeline(file)
    given: dict[str, Any] = {
        "secrets": {"keys/token": "env:TOKEN"},
        "config_maps": {"texts/letter": f"file:{letter}"},
    }
    result = dspex.run_pipeline(file, **given)
    assert (result.letter, result.known) == ("Dear all", True)
    monkeypatch.setenv("TOKEN", "0.123456789")
    with pytest.raises(dspex.InputError, match=r"token: \(sensitive\) does not fit") as caught:
        dspex.run_pipeline(file, **given)
    assert "123456789" not in str(caught.value)
    with pytest.raises(dspex.InputError, match=r"secrets: .*can't be read"):
        dspex.run_pipeline(file, secrets={"keys": "TOKEN"})


@pytest.mark.parametrize("shutdown", ["Stop", "Cancel"])
def test_a_run_that_is_told_to_end_does(
    dispatcher: ScriptedDispatcher, folder: Path, shutdown: str
) -> None:
    """As `dspex run` heeds it."""
    file = folder / "support.yaml"
    file.write_text(f"{file.read_text()}  shutdown: {shutdown}\n")
    result = dspex.run_pipeline(folder, check=False)
    assert result.state is State.CANCELLED
    assert dispatcher.calls == []
