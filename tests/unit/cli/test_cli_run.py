"""`dspex run` with scripted workers: processes over real HTTP."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dspex.api.pipelinerun import PipelineRun
from fakes.command_line import PIPELINE, Ran, dspex_command, start_dspex

pytestmark = pytest.mark.slow

Dspex = Callable[..., Ran]


def worker_pids(text: str) -> list[int]:
    """Return the processes that a run said it had started."""
    return [int(pid) for pid in re.findall(r"is starting \(pid (\d+)\)", text)]


def assert_gone(text: str) -> None:
    """Hold that no worker of a run is left."""
    pids = worker_pids(text)
    assert pids
    for pid in pids:
        assert not (Path("/proc") / str(pid)).exists()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, fake_workers: None) -> Callable[..., None]:
    """Return a function that sets what the workers play."""
    del fake_workers

    def play(**script: Any) -> None:
        monkeypatch.setenv("DSPEX_FAKE_SCRIPT", json.dumps(script))

    return play


def test_outputs_go_to_standard_output_progress_beside_it(
    dspex: Dspex, support: Path, fake_workers: None
) -> None:
    """The outputs as YAML alone; each step's start and end as lines on standard error."""
    ran = dspex("run", "-f", support, "--input", "message=hello")
    assert ran.status == 0
    assert yaml.safe_load(ran.out) == {"topic": "hello", "note": "no page"}
    for words in ("worker small-0 is ready", "triage started", "triage succeeded", "page skipped"):
        assert words in ran.err
    assert re.search(r"support-[a-z0-9]{5} succeeded in [\d.]+ s, 1 model call, 15 tokens", ran.err)
    assert_gone(ran.err)


def test_json_is_the_run_as_the_cluster_would_hold_it(
    dspex: Dspex, support_run: Path, fake_workers: None
) -> None:
    """A valid PipelineRun with spec as given and a whole status; input flags override it."""
    ran = dspex("run", "-f", support_run, "-i", "message=typed", "-i", "urgent=true", "-o", "json")
    assert ran.status == 0
    held = json.loads(ran.out)
    run = PipelineRun.model_validate(held, by_alias=True)
    assert held["metadata"]["name"] == "support-1"
    assert held["spec"]["inputs"] == {"message": "typed", "urgent": True}
    assert held["metadata"]["generation"] == run.status.observed_generation == 1
    assert run.status.outputs == {"topic": "typed", "note": "URGENT typed"}
    assert [(step.name, str(step.state)) for step in run.status.steps] == [
        ("triage", "Succeeded"),
        ("page", "Succeeded"),
    ]
    step = run.status.steps[0]
    assert (step.attempts, step.pool, step.worker) == (1, "small", "small-0")
    assert step.usage is not None
    assert step.usage.total_tokens == 15
    assert {each.type: each.status for each in run.status.conditions}["Succeeded"] == "True"


def test_yaml_says_the_same_as_json(dspex: Dspex, support_run: Path, fake_workers: None) -> None:
    """And the only PipelineRun in the files is the run."""
    held = yaml.safe_load(dspex("run", "-f", support_run, "-o", "yaml").out)
    assert held["kind"] == "PipelineRun"
    assert held["status"]["outputs"]["topic"] == "from the run"
    assert held["spec"]["inputs"] == {"message": "from the run"}


def test_inputs_come_from_a_file(
    dspex: Dspex, support: Path, tmp_path: Path, fake_workers: None
) -> None:
    """--input-file, overridden by --input."""
    file = tmp_path / "inputs.json"
    file.write_text('{"message": "filed", "urgent": true}')
    ran = dspex("run", "-f", support, "--input-file", file, "--input", "urgent=false")
    assert yaml.safe_load(ran.out) == {"topic": "filed", "note": "no page"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--input", "mesage=x"], "did you mean message?"),
        ([], "add --input message='some text'"),
        (["--input", "message=x", "--input", "urgent=maybe"], "can't be read as JSON"),
        (["--input", "message=x", "--timeout", "soon"], "duration"),
        (["--input", "message=x", "--secret", "nonsense"], "NAME/KEY=env:VARIABLE"),
        (["--pipeline", "other"], "hold no Pipeline 'other'"),
        (["--run", "other"], "hold no PipelineRun 'other'"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_bad_input_is_status_2_and_starts_nothing(
    dspex: Dspex, support: Path, arguments: list[str], words: str
) -> None:
    """Each with a clear message; no worker is started for it."""
    ran = dspex("run", "-f", support, *arguments)
    assert ran.status == 2
    assert words in ran.err
    assert "worker" not in ran.err.lower().replace("--workers", "")
    assert "Traceback" not in ran.err


def test_a_pipeline_that_does_not_compile_starts_nothing(dspex: Dspex, support: Path) -> None:
    """The same findings as lint's."""
    support.write_text(support.read_text().replace("$(inputs.urgent)", "$(inputs.nope)"))
    ran = dspex("run", "-f", support, "--input", "message=x")
    assert ran.status == 2
    assert "spec.steps[1].if" in ran.err


def test_a_missing_secret_prints_the_flag_that_gives_it(
    dspex: Dspex, support: Path, fake_workers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has its place in the file; with the flag the run succeeds."""
    model = "{model: {name: openai/m, apiKeySecretRef: {name: llm, key: api-key}}}"
    support.write_text(support.read_text().replace("{model: {name: openai/m}}", model))
    ran = dspex("run", "-f", support, "--input", "message=x")
    assert ran.status == 2
    assert re.search(rf"{support}:\d+:\d+: Pool/small: spec.model.apiKeySecretRef", ran.err)
    flag = "llm/api-key=env:LLM_API_KEY"
    assert f"--secret {flag}" in ran.err
    monkeypatch.setenv("LLM_API_KEY", "sk-1")
    assert dspex("run", "-f", support, "--input", "message=x", "--secret", flag).status == 0


def test_a_config_map_gives_a_template(
    dspex: Dspex, support: Path, tmp_path: Path, fake_workers: None
) -> None:
    """Missing, its flag is printed; with the flag the step renders it."""
    inline = 'template: {source: "URGENT {{ topic }}"}'
    named = "template: {sourceFrom: {configMapRef: {name: texts, key: page}}}"
    support.write_text(support.read_text().replace(inline, named))
    arguments = ("run", "-f", support, "--input", "message=x", "--input", "urgent=true")
    ran = dspex(*arguments)
    assert (ran.status, "--config-map texts/page=file:PATH" in ran.err) == (2, True)
    (tmp_path / "page.txt").write_text("now: {{ topic }}")
    ran = dspex(*arguments, "--config-map", f"texts/page=file:{tmp_path}/page.txt")
    assert yaml.safe_load(ran.out)["note"] == "now: x"


def test_several_runs_have_to_be_chosen_from(
    dspex: Dspex, support_run: Path, fake_workers: None
) -> None:
    """--run names one."""
    text = support_run.read_text()
    run = text.split("---\n")[3]
    support_run.write_text(text + "---\n" + run.replace("support-1", "support-2"))
    ran = dspex("run", "-f", support_run)
    assert (ran.status, "choose one, such as --run support-1" in ran.err) == (2, True)
    assert dspex("run", "-f", support_run, "--run", "support-2").status == 0


def test_a_failed_step_is_status_1_with_error_and_remedy(
    dspex: Dspex, support: Path, script: Callable[..., None]
) -> None:
    """The run's status is printed all the same; no output, no trace."""
    script(calls=["full"])
    ran = dspex("run", "-f", support, "--input", "message=x", "-o", "json")
    assert ran.status == 1
    assert "triage: QueueFull: the queue is full\n  remedy: Raise replicas" in ran.err
    assert "failed (StepsFailed" in ran.err
    status = json.loads(ran.out)["status"]
    assert status["steps"][0]["error"]["reason"] == "QueueFull"
    assert "outputs" not in status
    assert "Traceback" not in ran.err


def test_a_worker_that_is_killed_in_a_call_is_restarted_and_said(
    dspex: Dspex, support: Path, tmp_path: Path, script: Callable[..., None]
) -> None:
    """With retry the run succeeds on the restarted worker."""
    script(calls=["exit"], once=str(tmp_path / "once"))
    support.write_text(
        support.read_text().replace(
            "    inputs: {message: $(inputs.message)}\n",
            "    inputs: {message: $(inputs.message)}\n    retry: {attempts: 3, initialDelay: 10ms}\n",
        )
    )
    ran = dspex("run", "-f", support, "--input", "message=x")
    assert ran.status == 0
    assert "worker small-0 was killed by SIGKILL; it is started again" in ran.err
    assert "triage attempt 1 failed on small-0: WorkerLost" in ran.err
    assert "2 attempts" in ran.err
    assert_gone(ran.err)


def test_workers_that_cant_start_fail_the_run_with_their_last_words(
    dspex: Dspex, support: Path, script: Callable[..., None]
) -> None:
    """Status 1, what the worker said, and none left."""
    script(start="exit", status=7)
    ran = dspex("run", "-f", support, "--input", "message=x")
    assert ran.status == 1
    assert "worker small-0 ended with status 7 before it was ready" in ran.err
    assert "the model could not be had" in ran.err
    assert_gone(ran.err)


def test_verbose_shows_what_the_workers_log(
    dspex: Dspex, support: Path, fake_workers: None
) -> None:
    """-v passes the logs on, with the worker's name."""
    ran = dspex("run", "-v", "-f", support, "--input", "message=x")
    assert "small-0 | fake worker small-0 starts" in ran.err


def test_a_timeout_ends_the_run(dspex: Dspex, support: Path, script: Callable[..., None]) -> None:
    """--timeout is the run's; it stands in the spec that is printed."""
    script(calls=["hang"])
    ran = dspex("run", "-f", support, "-i", "message=x", "--timeout", "300ms", "-o", "json")
    assert ran.status == 1
    assert "RunTimeout" in ran.err
    assert json.loads(ran.out)["spec"]["timeout"] == "300ms"


@pytest.mark.parametrize(("shutdown", "reason"), [("Stop", "Stopped"), ("Cancel", "Cancelled")])
def test_shutdown_in_the_manifest_is_heeded(
    dspex: Dspex, support_run: Path, fake_workers: None, shutdown: str, reason: str
) -> None:
    """A run that is to end before it begins does no step."""
    text = support_run.read_text()
    support_run.write_text(text + f"  shutdown: {shutdown}\n")
    ran = dspex("run", "-f", support_run, "-o", "json")
    assert ran.status == 130
    assert reason in ran.err
    assert "none of 2 steps had been done" in ran.err
    assert {step["state"] for step in json.loads(ran.out)["status"]["steps"]} <= {
        "Cancelled",
        "Skipped",
    }


def start(support: Path, *arguments: str, **script: Any) -> "subprocess.Popen[str]":
    """Start a run as a process of its own."""
    return start_dspex(
        *("run", "-f", support, "--input", "message=x", "-o", "json", *arguments),
        env={"DSPEX_FAKE_SCRIPT": json.dumps(script), "PYTHONUNBUFFERED": "1"},
    )


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """Read standard error up to a line that holds some words."""
    assert process.stderr is not None
    text = ""
    for line in process.stderr:
        text += line
        if words in line:
            return text
    raise AssertionError(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_run(support: Path, number: signal.Signals) -> None:
    """Status 130, what had been done, the status as JSON, and no process left."""
    process = start(support, calls=["hang"])
    seen = read_until(process, "triage started")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "cancelling" in err
    assert "cancelled (Cancelled)" in err
    assert "none of 2 steps had been done" in err
    assert json.loads(out)["status"]["steps"][0]["state"] == "Cancelled"
    assert "Traceback" not in err
    assert_gone(seen)


def test_a_signal_while_workers_start_cancels_too(support: Path) -> None:
    """Before any step: status 130, every step is told as not done, no process left."""
    process = start(support, start="unready")
    seen = read_until(process, "is starting")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "none of 2 steps had been done" in err
    assert json.loads(out)["status"]["conditions"]
    assert_gone(seen)


def test_a_second_signal_does_not_wait_for_workers(support: Path) -> None:
    """A worker that ignores SIGTERM is killed at once."""
    process = start(support, calls=["hang"], ignore_term=True)
    seen = read_until(process, "triage started")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    read_until(process, "cancelling")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 4
    assert_gone(seen)


@pytest.mark.parametrize("delay", [0.15, 0.3, 0.5, 0.8, 1.2, 1.7, 2.3])
def test_ctrl_c_at_any_moment_leaves_nothing(support: Path, delay: float, tmp_path: Path) -> None:
    """Imports, start-up, run, end: the status is 130 or the run's own, without a trace."""
    process = start_dspex(
        *("run", "-f", support, "--input", "message=x"), env={"TMPDIR": str(tmp_path)}
    )
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    if "Traceback" in err and not worker_pids(err):
        # What drives this test was still importing: nothing of the command ran yet.
        assert "import" in err
        return
    assert process.returncode in (0, 130, -signal.SIGINT), err
    for pid in worker_pids(err):
        assert not (Path("/proc") / str(pid)).exists()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("dspex-")] == []


def test_a_terminal_gets_a_live_table(support: Path) -> None:
    """Drawn with rich; the outputs stand below it."""
    command = shlex.join(dspex_command("run", "-f", support, "-i", "message=hello"))
    done = subprocess.run(
        ["script", "-qec", f"stty cols 100; {command}", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TERM": "xterm"},
    )
    assert "topic: hello" in done.stdout
    assert "✓" in done.stdout
    assert "\x1b[" in done.stdout


def test_manifests_of_the_test_are_sound(dspex: Dspex, support: Path) -> None:
    """What these tests run passes lint."""
    assert support.read_text() == PIPELINE
    assert dspex("lint", "-f", support).status == 0
