"""From a new run to a frozen plan and a Job; or what it waits for, or why it ends."""

import base64
import gzip
import json
from typing import Any

import pytest

from dspex.controllers.pipelinerun import runner_settings
from dspex.controllers.run_start import LOOK_AGAIN, START_DEADLINE, frozen_plan
from dspex.controllers.run_view import RunView
from dspex.controllers.settings import Settings
from dspex.kube.kind import (
    CONFIG_MAP,
    JOB,
    PIPELINE,
    PIPELINE_RUN,
    POOL,
    SECRET,
    SERVICE_ACCOUNT,
    SIGNATURE,
)
from dspex.pipeline.plan import decode
from dspex.resources import names, run_plan
from fakes.items import Object, item
from fakes.kstatus import CURRENT, FAILED, IN_PROGRESS, TERMINATING, kstatus
from fakes.runs import ASK, MESSAGE, Runs, job_of, made, plan_of
from fakes.worlds import condition, notes, text_of

TEMPLATE: Object = {"name": "say", "template": {"source": "x"}}
TOKEN: Object = {"name": "token", "type": "str", "sensitive": True}


@pytest.fixture
def runs() -> Runs:
    """Give a namespace that is prepared."""
    return Runs()


# What it starts as.


def test_a_run_is_frozen_and_gets_its_job(runs: Runs) -> None:
    """The plan first, then the Job that mounts it; status has the digest, an Event both names."""
    runs.start()
    decision = runs.look()
    assert [each["kind"] for each in decision.create] == ["ConfigMap", "Job"]
    config_map, job = decision.create
    assert config_map["metadata"]["name"] == plan_of("r-1")
    assert job["metadata"]["name"] == job_of("r-1")
    plan = decode(gzip.decompress(base64.b64decode(config_map["binaryData"]["plan.json.gz"])))
    document = json.loads(config_map["data"]["run.json"])
    status = runs.status()
    assert plan.digest == document["digest"] == status["planDigest"]
    assert document["inputs"] == {"message": "hello"}
    assert runs.standing() == (IN_PROGRESS, "Starting", "its pod starts")
    assert notes(decision) == [("Started", False)]
    assert decision.notes[0].message == f"Job {job_of('r-1')} runs plan {plan.digest[:19]}"
    assert job["spec"]["suspend"] is False
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/operator:1"


def test_the_operators_settings_reach_the_job(runs: Runs) -> None:
    """Its image is the operator's own, and so is the way to pull it."""
    given = Settings(
        identity="pod-1", runner_image="o:2", pull_policy="Always", pull_secrets=("registry",)
    )
    runs.settings = runner_settings(given)
    pod = made(runs.started(), JOB)["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert (container["image"], container["imagePullPolicy"]) == ("o:2", "Always")
    assert pod["imagePullSecrets"] == [{"name": "registry"}]


def test_the_job_may_call_the_pools_of_the_plan(runs: Runs) -> None:
    """A token for each; the addresses stand in the plan's ConfigMap."""
    document = json.loads(made(runs.started(), CONFIG_MAP)["data"]["run.json"])
    pool = document["pools"]["small"]
    child = names.child_name("small", runs.get(POOL, "small")["metadata"]["uid"])
    assert pool == {
        "host": f"{child}.shop.svc",
        "port": 8080,
        "audience": "dspex.dev/shop/small",
    }
    assert frozen(runs).pools["small"].audience == "dspex.dev/shop/small"


def frozen(runs: Runs, name: str = "r-1") -> Any:
    """Return what is known of a run's plan."""
    found = frozen_plan(RunView(runs.get(PIPELINE_RUN, name)), runs.world)
    assert found is not None
    return found


def test_a_run_that_is_deleted_is_left_alone(runs: Runs) -> None:
    """What belongs to it goes with it."""
    runs.start()
    runs.change(PIPELINE_RUN, "r-1", metadata={"deletionTimestamp": runs.time})
    decision = runs.decide()
    assert (decision.create, decision.status) == ((), None)
    assert kstatus(runs.get(PIPELINE_RUN, "r-1")) == TERMINATING


def test_a_run_is_in_progress_before_anybody_has_looked(runs: Runs) -> None:
    """As the CRD's default leaves it."""
    runs.start()
    assert runs.standing()[:2] == (IN_PROGRESS, "Pending")


# Asked to end, or to wait, before it has begun.


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"shutdown": "Cancel"}, "Cancelled", "it was cancelled while it had no pod"),
        ({"shutdown": "Stop"}, "Stopped", "it was stopped before it began"),
        ({"shutdown": "Stop", "suspend": True}, "Stopped", "it was stopped before it began"),
    ],
)
def test_a_run_that_is_told_to_end_before_it_began_ends(
    runs: Runs, spec: Object, reason: str, words: str
) -> None:
    """Nothing is made for it."""
    runs.start(**spec)
    decision = runs.look()
    assert decision.create == ()
    assert runs.standing() == (FAILED, reason, words)
    assert decision.requeue == 0.0
    assert notes(decision) == [(reason, True)]


def test_a_run_that_ends_needs_nothing_that_it_names(runs: Runs) -> None:
    """A Cancel works whatever is missing or wrong."""
    runs.drop(PIPELINE, "main")
    runs.drop(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT)
    runs.start(shutdown="Cancel", timeout="tomorrow")
    runs.look()
    assert runs.standing()[1] == "Cancelled"


def test_a_suspended_run_waits_and_then_starts(runs: Runs) -> None:
    """Nothing is made before; the change of its spec wakes it."""
    runs.start(suspend=True)
    decision = runs.look()
    assert (decision.create, decision.requeue) == ((), None)
    assert runs.standing() == (IN_PROGRESS, "Suspended", "spec.suspend holds it")
    runs.edit(suspend=False)
    assert runs.look().create
    assert runs.standing()[1] == "Starting"


def test_a_run_whose_spec_is_wrong_ends_with_the_place(runs: Runs) -> None:
    """Its spec can't be changed: waiting would be of no use."""
    runs.start(timeout="tomorrow")
    decision = runs.look()
    assert decision.create == ()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "RunInvalid")
    assert "PipelineRun/r-1: spec.timeout: " in message
    assert "expected: " in message
    assert notes(decision) == [("RunInvalid", True)]


def test_a_run_waits_for_its_namespace_to_be_prepared(runs: Runs) -> None:
    """The runners' account wakes it; there is no deadline, for the operator makes it."""
    runs.drop(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT)
    runs.start()
    decision = runs.look()
    assert (decision.create, decision.requeue) == ((), None)
    assert runs.standing() == (IN_PROGRESS, "Preparing", "the namespace is being set up")
    runs.put(item(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT, version=0))
    assert runs.awake(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT) == {"r-1"}
    assert runs.look().create


# What it names.


def test_a_run_waits_for_its_pipeline(runs: Runs) -> None:
    """It says which; when it comes, the run is woken and starts."""
    runs.drop(PIPELINE, "main")
    runs.start()
    runs.look()
    assert runs.standing() == (IN_PROGRESS, "MissingReference", "there is no Pipeline main")
    runs.pipeline()
    assert runs.awake(PIPELINE, "main") == {"r-1"}
    assert runs.look().create


def test_a_run_waits_for_what_its_pipeline_names(runs: Runs) -> None:
    """With the place in the Pipeline; each is told."""
    runs.drop(POOL, "small")
    step = {**ASK, "dspy": {"module": "Predict", "signatureRef": {"name": "s"}, "poolRef": {"name": "small"}}}  # fmt: skip
    runs.pipeline(steps=[step])
    runs.start()
    runs.look()
    state, reason, message = runs.standing()
    assert (state, reason) == (IN_PROGRESS, "MissingReference")
    assert "there is no Pool small (spec.steps[0].dspy.poolRef.name)" in message
    runs.put(item(SIGNATURE, "s", version=0, spec={"signature": "message -> answer"}))
    runs.pool()
    assert runs.look().create


def test_a_pool_that_is_there_but_wrong_is_told_apart(runs: Runs) -> None:
    """Its own conditions say what is wrong."""
    runs.pool(replicas=-1)
    runs.start()
    runs.look()
    assert runs.standing()[1] == "MissingReference"
    assert "Pool small is not valid: see its conditions" in runs.standing()[2]


def test_a_pipeline_that_does_not_fit_its_kind_ends_the_run(runs: Runs) -> None:
    """With the place in the Pipeline."""
    runs.pipeline(concurrency=0)
    runs.start()
    runs.look()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "PipelineInvalid")
    assert "Pipeline/main: spec.concurrency" in message


def test_a_pipeline_that_can_not_be_compiled_ends_the_run(runs: Runs) -> None:
    """With the compiler's words."""
    runs.pipeline(steps=[{**ASK, "inputs": {"message": "$(inputs.massage)"}}])
    runs.start()
    runs.look()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "PipelineInvalid")
    assert "spec.steps[0].inputs.message" in message


# How long it waits.


def test_a_run_waits_for_ten_minutes_and_not_a_second_longer(runs: Runs) -> None:
    """Counted from its making; it asks to be looked at when they are over."""
    runs.drop(PIPELINE, "main")
    runs.start()
    assert runs.look().requeue == 600.0
    runs.wait(599)
    decision = runs.look()
    assert decision.requeue == 1.0
    assert runs.standing()[1] == "MissingReference"
    runs.wait(1)
    decision = runs.look()
    words = "not there within 10 minutes: there is no Pipeline main"
    assert runs.standing() == (FAILED, "StartTimeout", words)
    assert decision.requeue == 0.0
    assert notes(decision) == [("StartTimeout", True)]


def test_after_a_restart_of_the_operator_the_time_counts_from_the_runs_making(runs: Runs) -> None:
    """Nothing of it is kept but in the run."""
    runs.drop(PIPELINE, "main")
    runs.start()
    runs.look()
    runs.world.memo.clear()
    runs.wait(601)
    runs.look()
    assert runs.standing()[1] == "StartTimeout"


@pytest.mark.parametrize("wait", ["suspended", "queued", "preparing"])
def test_the_ten_minutes_begin_after_another_wait(runs: Runs, wait: str) -> None:
    """A run that was held for an hour still gives what it names the time to come."""
    if wait == "queued":
        runs.pipeline(maxActiveRuns=1)
        runs.started("r-0")
    if wait == "preparing":
        runs.drop(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT)
    runs.start(suspend=wait == "suspended")
    runs.look()
    assert runs.standing()[1] == wait.capitalize()
    runs.wait(3600)
    runs.look()
    runs.drop(PIPELINE, "main")
    runs.edit(suspend=False)
    runs.put(item(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT, version=0))
    assert runs.look().requeue == 600.0
    runs.wait(500)
    assert runs.look().requeue == 100.0
    runs.wait(100)
    runs.look()
    assert runs.standing()[1] == "StartTimeout"


def test_waiting_anew_has_its_own_ten_minutes(runs: Runs) -> None:
    """Held in between, the former wait is over."""
    runs.drop(PIPELINE, "main")
    runs.start()
    runs.look()
    runs.wait(300)
    runs.edit(suspend=True)
    runs.look()
    runs.wait(3600)
    runs.edit(suspend=False)
    assert runs.look().requeue == START_DEADLINE.total_seconds()


# Inputs.


def test_inputs_come_from_config_maps_and_secrets(runs: Runs) -> None:
    """A text stands as it is, or is JSON; a Secret's value stays where it is."""
    count = {"name": "count", "type": "int"}
    runs.pipeline(inputs=[MESSAGE, count, TOKEN], steps=[TEMPLATE])
    runs.config_map("given", count="3", message="outer", unknown="x")
    runs.secret("llm", token="hunter2-hunter2")
    sources = [{"configMapRef": {"name": "given"}}, {"secretRef": {"name": "llm"}}]
    decision = runs.started(inputsFrom=sources)
    document = json.loads(made(decision, CONFIG_MAP)["data"]["run.json"])
    assert document["inputs"] == {"message": "hello", "count": 3}
    assert document["secretInputs"] == {"token": {"file": "llm/token"}}
    assert "hunter2" not in text_of(decision)
    assert [(each.secret, each.key) for each in frozen(runs).secrets] == [("llm", "token")]


def test_a_run_waits_for_the_sources_of_its_inputs(runs: Runs) -> None:
    """All that are missing are told at once; each wakes it."""
    sources = [
        {"configMapRef": {"name": "given"}},
        {"secretRef": {"name": "llm"}},
        {"secretRef": {"name": "other"}},
    ]
    runs.start(inputsFrom=sources)
    runs.secret("other")
    decision = runs.look()
    words = "there is no Secret llm, no ConfigMap given (spec.inputsFrom)"
    assert runs.standing() == (IN_PROGRESS, "MissingReference", words)
    assert decision.requeue == 600.0
    runs.secret("llm")
    runs.config_map("given")
    assert runs.look().create


def test_a_config_maps_text_that_is_no_json_ends_the_run(runs: Runs) -> None:
    """With the entry of inputsFrom, the key, and how to mend it."""
    runs.pipeline(inputs=[{"name": "count", "type": "int"}], steps=[TEMPLATE])
    runs.config_map("given", count="three")
    runs.start(inputs={}, inputsFrom=[{"configMapRef": {"name": "given"}}])
    runs.look()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "InputInvalid")
    assert "PipelineRun/r-1: spec.inputsFrom[0].configMapRef.name: input 'count'" in message
    assert "remedy: write the value as JSON" in message


def test_inputs_of_a_wrong_type_end_the_run_with_path_and_remedy(runs: Runs) -> None:
    """All of them, each where it stands."""
    fields = [{"name": "count", "type": "int"}, {"name": "words", "type": "list[str]"}]
    runs.pipeline(inputs=[MESSAGE, *fields], steps=[TEMPLATE])
    runs.start(inputs={"count": "three", "words": ["a", {}], "stray": 1})
    runs.look()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "InputInvalid")
    lines = message.splitlines()
    assert "spec.inputs.message: input 'message' is missing" in lines
    assert "spec.inputs.count: input 'count' must be an integer" in lines
    assert "  found: 'three'" in lines
    assert any(line.startswith("spec.inputs.words[1]: input 'words[1]'") for line in lines)
    assert any(line.startswith("spec.inputs.stray: input 'stray'") for line in lines)
    assert lines.count("  remedy: start a new run with inputs that fit the Pipeline's") == 4


def test_a_wrong_input_of_a_config_map_is_not_looked_for_in_the_spec(runs: Runs) -> None:
    """The path is that of the source."""
    runs.pipeline(inputs=[{"name": "count", "type": "int"}], steps=[TEMPLATE])
    runs.config_map("given", count='"three"')
    runs.start(inputs={}, inputsFrom=[{"configMapRef": {"name": "given"}}])
    runs.look()
    assert "spec.inputsFrom: input 'count' must be an integer" in runs.standing()[2]


def test_a_missing_sensitive_input_is_not_asked_for_in_the_spec(runs: Runs) -> None:
    """There everybody could read it."""
    runs.pipeline(inputs=[TOKEN], steps=[TEMPLATE])
    runs.secret("llm", other="x")
    runs.start(inputs={}, inputsFrom=[{"secretRef": {"name": "llm"}}])
    runs.look()
    message = runs.standing()[2]
    assert "spec.inputsFrom: input 'token' is missing" in message
    assert "put it into a Secret under the key token" in message
    assert "spec.inputs." not in message


def test_a_sensitive_input_in_the_spec_ends_the_run_without_its_value(runs: Runs) -> None:
    """The remedy is a Secret."""
    runs.pipeline(inputs=[TOKEN], steps=[TEMPLATE])
    runs.start(inputs={"token": "hunter2-hunter2"})
    decision = runs.look()
    assert runs.standing()[:2] == (FAILED, "InputInvalid")
    assert "hunter2" not in text_of(decision)


# What is frozen.


@pytest.mark.parametrize(
    ("pipeline", "run", "seconds"),
    [({}, {}, None), ({"total": "5m"}, {}, 300.0), ({"total": "5m"}, {"timeout": "1h"}, 3600.0)],
)
def test_the_time_that_a_run_may_take_is_frozen(
    runs: Runs, pipeline: Object, run: Object, seconds: float | None
) -> None:
    """The run's own wins over the Pipeline's."""
    runs.pipeline(timeouts=pipeline)
    runs.started(**run)
    assert frozen(runs).timeout == seconds


def test_a_plan_that_is_too_large_ends_the_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its size and the limit."""
    monkeypatch.setattr(run_plan, "MAX_PLAN", 100)
    runs.start()
    decision = runs.look()
    assert decision.create == ()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "PlanTooLarge")
    assert "expected: at most 100 bytes" in message


def test_a_job_that_was_deleted_is_made_again_from_what_was_frozen(runs: Runs) -> None:
    """Even when Pipeline and Pool are gone; the same Job, with the same pods."""
    runner = {"resources": {"limits": {"memory": "3Gi"}}, "nodeSelector": {"zone": "a"}}
    runs.pipeline(runner=runner, inputs=[MESSAGE, TOKEN])
    runs.secret("llm", token="t")
    sources = [{"secretRef": {"name": "llm"}}]
    first = made(runs.started(inputsFrom=sources), JOB)
    digest = runs.status()["planDigest"]
    runs.drop(JOB, job_of("r-1"))
    runs.drop(PIPELINE, "main")
    runs.drop(POOL, "small")
    runs.source(SECRET, "llm", None)
    decision = runs.look()
    assert decision.create == (first,)
    assert notes(decision) == [("Restarted", True)]
    assert job_of("r-1") in decision.notes[0].message
    assert runs.standing() == (IN_PROGRESS, "Starting", "its pod starts")
    assert runs.status()["planDigest"] == digest


def test_what_is_frozen_stays_when_the_pipeline_changes(runs: Runs) -> None:
    """A run ends as the Pipeline that it began."""
    runs.started()
    digest = runs.status()["planDigest"]
    runs.pipeline(concurrency=3, runner={"nodeSelector": {"zone": "b"}})
    runs.drop(JOB, job_of("r-1"))
    job = made(runs.look(), JOB)
    assert runs.status()["planDigest"] == digest
    assert "nodeSelector" not in job["spec"]["template"]["spec"]


def test_a_job_that_never_came_to_be_is_made_without_alarm(runs: Runs) -> None:
    """The operator ended between the plan and the Job: nothing was gone."""
    runs.start()
    config_map, _ = runs.decide().create
    runs.put(config_map)
    decision = runs.look()
    assert [each["kind"] for each in decision.create] == ["Job"]
    assert notes(decision) == [("Started", False)]
    assert runs.status()["planDigest"] == frozen(runs).digest


def test_a_run_with_a_pod_that_ended_goes_on_when_it_is_stopped(runs: Runs) -> None:
    """Its finally steps are to run; a Cancel wants nothing more."""
    runs.started()
    runs.claim()
    runs.drop(JOB, job_of("r-1"))
    runs.edit(shutdown="Stop")
    assert made(runs.look(), JOB)
    runs.drop(JOB, job_of("r-1"))
    runs.edit(shutdown="Cancel")
    assert runs.look().create == ()
    assert runs.standing()[:2] == (FAILED, "Cancelled")


def test_a_plan_that_was_deleted_with_its_job_is_frozen_again(runs: Runs) -> None:
    """The same Pipeline makes the same plan."""
    runs.pipeline(maxActiveRuns=1)
    runs.started()
    runs.claim()
    before = frozen(runs)
    runs.drop(JOB, job_of("r-1"))
    runs.drop(CONFIG_MAP, plan_of("r-1"))
    decision = runs.look()
    assert [each["kind"] for each in decision.create] == ["ConfigMap", "Job"]
    assert notes(decision) == [("Restarted", True)]
    assert frozen(runs) == before


def test_a_run_that_had_begun_does_not_go_on_with_another_plan(runs: Runs) -> None:
    """Its checkpoints are the former plan's."""
    runs.started()
    runs.claim()
    digest = runs.status()["planDigest"]
    runs.drop(JOB, job_of("r-1"))
    runs.drop(CONFIG_MAP, plan_of("r-1"))
    runs.pipeline(concurrency=3)
    decision = runs.look()
    assert decision.create == ()
    state, reason, message = runs.standing()
    assert (state, reason) == (FAILED, "PlanLost")
    assert plan_of("r-1") in message
    assert runs.status()["planDigest"] == digest


def test_a_run_that_has_not_begun_may_take_the_new_plan(runs: Runs) -> None:
    """Nothing was done by the former one."""
    runs.started()
    digest = runs.status()["planDigest"]
    runs.drop(JOB, job_of("r-1"))
    runs.drop(CONFIG_MAP, plan_of("r-1"))
    runs.pipeline(concurrency=3)
    assert len(runs.look().create) == 2
    assert runs.status()["planDigest"] == frozen(runs).digest != digest


def test_a_config_map_of_that_name_without_a_plan_is_no_frozen_plan(runs: Runs) -> None:
    """Only what the operator wrote down counts."""
    runs.start()
    labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY}
    runs.put(item(CONFIG_MAP, plan_of("r-1"), version=0, labels=labels))
    assert [each["kind"] for each in runs.look().create] == ["ConfigMap", "Job"]


# Conditions.


def scene(runs: Runs, name: str) -> None:
    """Bring a run to a state that it waits or starts in."""
    match name:
        case "starting":
            runs.started()
            runs.pod("p-1", phase="Pending")
        case "suspended":
            runs.start(suspend=True)
        case "preparing":
            runs.drop(SERVICE_ACCOUNT, names.RUNNER_SERVICE_ACCOUNT)
            runs.start()
        case "missing":
            runs.drop(PIPELINE, "main")
            runs.start()
        case "queued":
            runs.pipeline(maxActiveRuns=1)
            runs.started("r-0")
            runs.start()
        case _:
            raise AssertionError(name)


@pytest.mark.parametrize("name", ["starting", "suspended", "preparing", "missing", "queued"])
def test_looking_again_changes_nothing(runs: Runs, name: str) -> None:
    """A decision on its own result is the same status to the letter; times stay."""
    scene(runs, name)
    runs.look()
    before = {key: part for key, part in runs.status().items() if key != "runner"}
    runs.wait(60)
    again = runs.decide()
    assert again.status == before
    assert again.notes == ()
    assert {each["lastTransitionTime"] for each in before["conditions"]} == {
        condition(before, "Ready")["lastTransitionTime"]
    }


def test_a_condition_moves_only_when_its_status_does(runs: Runs) -> None:
    """From one reason to wait to the next nothing moves; at the end three of four do."""
    runs.start(suspend=True)
    runs.look()
    first = condition(runs.status(), "Ready")["lastTransitionTime"]
    runs.wait(60)
    runs.edit(suspend=False)
    runs.look()
    assert {each["lastTransitionTime"] for each in runs.status()["conditions"] if each["type"] in ("Ready", "Stalled")} == {first}  # fmt: skip
    runs.wait(60)
    runs.claim()
    runs.last_word()
    runs.look()
    times = {each["type"]: each["lastTransitionTime"] for each in runs.status()["conditions"]}
    assert times["Stalled"] == first
    assert {times["Ready"], times["Reconciling"], times["Succeeded"]} == {runs.time}
    assert runs.standing()[0] == CURRENT


def test_a_queued_run_asks_to_be_looked_at_again(runs: Runs) -> None:
    """Should nothing wake it."""
    scene(runs, "queued")
    assert runs.look().requeue == LOOK_AGAIN
