"""The runner's command in the wrong place, and its logs."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dspex.pipeline.plan import Plan
from dspex.runner.failure import UnfitError
from dspex.runner.inputs import read_inputs
from dspex.runner.log import JsonFormatter
from dspex.runner.order import Order, SecretFile, read_order
from dspex.runner.redactor import Redactor
from dspex.runner.settings import Settings
from fakes.api_server import Pod
from fakes.objects import plan
from fakes.runner_pod import mount

pytestmark = pytest.mark.slow

UID = "0f6c1d1e-1111-4222-8333-0123456789ab"
PLAN = """
    inputs: [{name: key, type: str}, {name: pin, type: "int | None", default: null}]
    steps: [{name: one, template: {source: "{{ k }}"}, inputs: {k: $(inputs.key)}}]
    """


def run(**environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in an environment without a cluster."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
    return subprocess.run(
        [sys.executable, "-m", "dspex.runner"],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **environment},
    )


def test_outside_of_a_job_it_says_what_is_missing() -> None:
    """Each variable, and what to use instead."""
    done = run(POD_NAME="p")
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert "DSPEX_RUN_NAME" in lines[0]["message"]
    assert "dspex run" in lines[0]["remedy"]


def test_a_fault_of_its_own_is_logged_and_ends_it(tmp_path: Path) -> None:
    """Here: there is no cluster at all."""
    done = run(**Pod("r", UID, 1).environment, KUBECONFIG=str(tmp_path / "none"))
    assert done.returncode == 1
    line = json.loads(done.stderr.splitlines()[-1])
    assert "FileNotFoundError" in line["exception"]
    assert line["run"] == "r"


def test_the_jobs_name_is_cut_as_the_operator_cuts_it() -> None:
    """The admission policies read it too."""
    from dspex.resources.names import job_name

    for name in ("r", "a" * 36, "a" * 35 + "-b", "a" * 63):
        settings = Settings.of(Pod(name, UID, 1).environment)
        assert settings.job == job_name(name, UID)


def test_log_lines_hold_no_sensitive_value() -> None:
    """Neither in messages nor in fields nor in tracebacks."""
    formatter = JsonFormatter(run="r")
    formatter.redactor = Redactor({"key": "sk-12345"}, salt=UID)
    try:
        raise ValueError("bad key sk-12345")
    except ValueError:
        record = logging.LogRecord(
            "dspex", logging.ERROR, __file__, 1, "no %s", ("sk-12345",), sys.exc_info()
        )
    record.__dict__["error"] = "sk-12345"
    line = formatter.format(record)
    assert "sk-12345" not in line
    assert json.loads(line)["run"] == "r"


def test_a_plan_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded before anything is read as a plan."""
    monkeypatch.setattr("dspex.runner.order.MAX_PLAN", 10)
    with pytest.raises(UnfitError, match="more than 10 bytes"):
        read_order(mount(tmp_path / "etc", plan(PLAN)) / "plan")


@pytest.fixture
def compiled() -> Plan:
    """Return a plan with two inputs."""
    return plan(PLAN)


def test_sensitive_inputs_of_the_order_are_known_as_such(compiled: Plan, tmp_path: Path) -> None:
    """Those that stand in the order, and those from files, by their text and their value."""
    (tmp_path / "s").write_text("12")
    order = Order(
        digest="",
        inputs={"key": "k"},
        sensitive=["key", "pin", "absent"],
        secret_inputs={"pin": SecretFile(file="s"), "other": SecretFile(file="s")},
    )
    inputs = read_inputs(compiled, order, tmp_path)
    assert inputs.values == {"key": "k", "pin": 12, "other": "12"}
    assert inputs.sensitive == {"key": "k", "pin": ["12", 12], "other": ["12", "12"]}


def test_a_secret_that_is_no_text_is_refused(compiled: Plan, tmp_path: Path) -> None:
    """Nothing of it is quoted."""
    (tmp_path / "s").write_bytes(b"\xff\xfe\x00secret")
    order = Order(digest="", secret_inputs={"key": SecretFile(file="s")})
    with pytest.raises(UnfitError, match="not UTF-8") as caught:
        read_inputs(compiled, order, tmp_path)
    assert "xff" not in str(caught.value)
