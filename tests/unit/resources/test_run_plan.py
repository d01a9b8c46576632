"""What a run's pod is given to read: the ConfigMap with the frozen plan."""

import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import CompileError
from dspex.pipeline.plan import Plan, Step, encode
from dspex.resources import names
from dspex.resources.run_inputs import RunInputs, SecretKey
from dspex.resources.run_plan import (
    MAX_CONFIG_MAP,
    MAX_PLAN,
    PoolAddress,
    plan_config_map,
    run_document,
    run_labels,
)
from dspex.runner.order import Order, read_order
from fakes.cluster_objects import NAMESPACE, RUN_UID, cluster_run
from fakes.objects import plan

TEXT = """
    inputs: [{name: message, type: str}, {name: token, type: str}]
    steps:
    - name: ask
      inputs: {x: $(inputs.message)}
      dspy: {module: Predict, signature: 'x -> out', poolRef: {name: fast}}
    """
PLAN = plan(TEXT)
POOLS = {
    "other": PoolAddress(host="other-1.shop.svc", audience="dspex.dev/shop/other"),
    "fast": PoolAddress(host="fast-1.shop.svc", audience="dspex.dev/shop/fast"),
}
INPUTS = RunInputs(values={"message": "hi"}, secret={"token": SecretKey("customer", "token")})


def config_map(plan_: Plan = PLAN, inputs: RunInputs = INPUTS, **spec: Any) -> dict[str, Any]:
    """Make the ConfigMap of a run."""
    return plan_config_map(cluster_run(**spec), plan_, POOLS, inputs)


def mounted(folder: Path, made: dict[str, Any]) -> tuple[Plan, Order]:
    """Read a ConfigMap as the runner does that has it mounted."""
    for name, text in made["data"].items():
        (folder / name).write_text(text)
    for name, text in made["binaryData"].items():
        (folder / name).write_bytes(base64.b64decode(text, validate=True))
    return read_order(folder)


def test_the_runner_reads_back_the_plan_and_what_goes_with_it(tmp_path: Path) -> None:
    """The same plan, verified by its digest; where the pools are, inputs, and where Secrets are."""
    read, order = mounted(tmp_path, config_map(timeout="1m30s"))
    assert read == PLAN
    assert order.digest == PLAN.digest
    assert order.timeout == 90
    assert {name: (each.host, each.port, each.audience) for name, each in order.pools.items()} == {
        name: (each.host, names.WORKER_PORT, each.audience) for name, each in POOLS.items()
    }
    assert order.inputs == {"message": "hi"}
    assert order.sensitive == ["token"]
    assert order.secret_inputs["token"].file == "customer/token"


def test_what_a_run_leaves_out_is_left_to_the_plan(tmp_path: Path) -> None:
    """No timeout, no pools, no inputs."""
    made = plan_config_map(cluster_run(), PLAN, {}, RunInputs())
    _, order = mounted(tmp_path, made)
    assert order == Order(digest=PLAN.digest)


def test_the_config_map_goes_with_its_run_and_can_not_be_changed() -> None:
    """A runner that comes later reads the plan that was frozen."""
    made = config_map()
    assert made["immutable"] is True
    assert (made["apiVersion"], made["kind"]) == ("v1", "ConfigMap")
    job = names.job_name("support-1", RUN_UID)
    assert made["metadata"]["name"] == names.plan_name(job)
    assert made["metadata"]["namespace"] == NAMESPACE
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("PipelineRun", RUN_UID)
    assert run_labels(cluster_run()).items() <= made["metadata"]["labels"].items()


def test_labels_find_all_of_a_run_of_a_pipeline_and_of_a_namesake() -> None:
    """By its name, by its uid, and by its Pipeline."""
    labels = run_labels(cluster_run())
    assert labels[names.RUN_LABEL] == labels[names.INSTANCE_LABEL] == "support-1"
    assert labels[names.RUN_UID_LABEL] == RUN_UID
    assert labels[names.PIPELINE_LABEL] == "support"
    assert labels[names.NAME_LABEL] == names.RUNNER
    longest = run_labels(cluster_run("r" * 63, pipelineRef={"name": "p" * 63}))
    assert all(len(each) <= 63 for each in longest.values())


def test_equal_plans_and_inputs_make_equal_bytes() -> None:
    """Whatever the order in which they were collected, and whenever: a restart writes nothing new."""
    values = {"b": {"z": 1, "a": 2}, "a": [1, "ü"]}
    turned = RunInputs(
        values=dict(reversed(values.items())),
        secret=dict(reversed({"t": SecretKey("s", "t"), "p": SecretKey("s", "p")}.items())),
    )
    straight = RunInputs(values=values, secret={"t": SecretKey("s", "t"), "p": SecretKey("s", "p")})
    first = plan_config_map(cluster_run(), plan(TEXT), POOLS, straight)
    second = plan_config_map(cluster_run(), plan(TEXT), dict(reversed(POOLS.items())), turned)
    assert json.dumps(first) == json.dumps(second)
    packed = base64.b64decode(first["binaryData"][names.PLAN_FILE])
    # Bytes 4 to 7 of a gzip header are a time.
    assert packed[4:8] == b"\0\0\0\0"
    assert gzip.decompress(packed) == encode(PLAN)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), _JSON))
def test_inputs_arrive_as_they_were(values: dict[str, Any]) -> None:
    """Any JSON: quotes, control characters, other scripts, the order of a mapping's keys."""
    document = config_map(inputs=RunInputs(values=values))["data"][names.RUN_FILE]
    read = json.loads(document)["inputs"]
    assert read == values
    assert all(json.dumps(read[name]) == json.dumps(each) for name, each in values.items())


def test_the_document_is_what_the_runner_is_told_and_no_more() -> None:
    """A field that the runner does not know would be one that nobody obeys."""
    document = run_document(cluster_run(), PLAN, POOLS, INPUTS)
    assert document["pools"]["fast"] == {
        "host": POOLS["fast"].host,
        "port": names.WORKER_PORT,
        "audience": POOLS["fast"].audience,
    }
    assert set(document) == {field.encode_name for field in msgspec.structs.fields(Order)}


def sized(kibibytes: int) -> Plan:
    """Make a plan that takes about so many KiB, compressed and encoded."""
    noise = base64.b64encode(random.Random(0).randbytes(kibibytes * 768)).decode()
    return Plan(pipeline="support", steps=[Step(name="a", kind="template", body={"x": noise})])


def refusal(plan_: Plan, inputs: RunInputs = INPUTS) -> str:
    """Return what is said of a plan that does not fit."""
    with pytest.raises(CompileError) as caught:
        config_map(plan_, inputs)
    (finding,) = caught.value.diagnostics
    assert finding.code == "PlanTooLarge"
    assert finding.subject == "Pipeline/support"
    assert finding.remedy is not None
    assert "Pipelines of their own" in finding.remedy
    return f"{finding.message}; {finding.expected}"


def test_a_plan_that_is_too_large_is_refused_with_size_limit_and_remedy() -> None:
    """900 KiB as it is kept; a plan just below goes through whole."""
    made = config_map(sized(880))
    assert 850 * 1024 < len(made["binaryData"][names.PLAN_FILE]) <= MAX_PLAN
    said = refusal(sized(940))
    assert said.startswith("the plan takes 9")
    assert said.endswith(f"at most {MAX_PLAN} bytes")
    assert (MAX_PLAN, MAX_CONFIG_MAP) == (900 * 1024, 1024 * 1024)


def test_what_compresses_well_may_be_larger() -> None:
    """The limit counts what is stored, not what was written."""
    body = {"x": "the same words again and again " * 200_000}
    wordy = Plan(pipeline="support", steps=[Step(name="a", kind="template", body=body)])
    assert len(encode(wordy)) > 6 * MAX_PLAN
    assert len(config_map(wordy)["binaryData"][names.PLAN_FILE]) < MAX_PLAN // 10


def test_a_plan_and_inputs_that_are_too_large_together_are_refused() -> None:
    """The API server counts all of a ConfigMap's data, in bytes and not in characters."""
    inputs = RunInputs(values={"message": "ü" * 64 * 1024})
    assert config_map(sized(800), inputs)
    said = refusal(sized(880), inputs=RunInputs(values={"message": "ü" * 100 * 1024}))
    assert said.startswith("the plan with the run's inputs takes")
    assert said.endswith(f"at most {MAX_CONFIG_MAP} bytes")
