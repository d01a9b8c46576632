"""Sensitive inputs appear nowhere in what is built for a run."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.errors import ConfigurationError
from dspex.native.field import Field
from dspex.native.signatures import parse_type
from dspex.resources.pool_children import pool_children, pool_values
from dspex.resources.run_inputs import resolve_inputs, sensitive_inputs
from dspex.resources.run_plan import PoolAddress, plan_config_map
from dspex.resources.runner_job import RunnerSettings, runner_job
from fakes.cluster_objects import SETTINGS, cluster_pool, cluster_run
from fakes.objects import pipeline, plan

TEXT = """
    inputs:
    - {name: message, type: str}
    - {name: token, type: str, sensitive: true}
    - {name: account, type: "dict[str, str]", sensitive: true}
    steps:
    - name: ask
      inputs: {a: $(inputs.message), b: $(inputs.token), c: $(inputs.account.number)}
      dspy: {module: Predict, signature: 'a, b, c -> out', poolRef: {name: fast}}
    """
PIPELINE = pipeline(TEXT, "support")
PLAN = plan(TEXT)
FIELDS = tuple(
    Field(name=each.name, type=parse_type(each.type or "str")) for each in PIPELINE.spec.inputs
)
POOLS = {"fast": PoolAddress(host="fast-1.shop.svc", audience="a")}

# Long enough not to stand somewhere by chance.
_SECRETS = st.text(min_size=12, max_size=40) | st.integers(10**12, 10**15).map(str)


def _forms(value: str) -> set[str]:
    """Return the ways in which a text stands in JSON."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}


def _holds(value: str, *built: Any) -> bool:
    texts = [json.dumps(built), json.dumps(built, ensure_ascii=False), str(built)]
    return any(form in text for form in _forms(value) for text in texts)


@given(_SECRETS, _SECRETS, _SECRETS)
def test_a_secrets_value_is_in_nothing_that_is_built_for_a_run(
    token: str, number: str, other: str
) -> None:
    """The Secret is there with its values; plan, Job and inputs name its keys alone."""
    secret = {"token": token, "account": json.dumps({"number": number}), "more": other}
    run = cluster_run(inputsFrom=[{"secretRef": {"name": "customer"}}], inputs={"message": "hi"})
    inputs = resolve_inputs(
        run,
        FIELDS,
        sensitive_inputs(PIPELINE),
        config_maps={},
        secret_keys={"customer": secret},
    )
    config_map = plan_config_map(run, PLAN, POOLS, inputs)
    job = runner_job(
        run,
        settings=RunnerSettings(image="x"),
        pools=POOLS,
        secrets=inputs.secret.values(),
    )
    assert set(inputs.secret) == {"token", "account"}
    for value in (token, number, other):
        assert not _holds(value, config_map, job, dict(inputs.values))
    # The check itself finds what is there.
    assert _holds(token, {**config_map, "data": {"x": token}})


@given(_SECRETS)
def test_a_value_in_the_wrong_place_is_not_repeated_by_the_refusal(value: str) -> None:
    """A condition and an Event show the refusal to people who may not see the value."""
    inputs = {"token": value, "account": {"number": value}}
    texts = {"token": value, "account": value, "message": "hi"}
    run = cluster_run(inputsFrom=[{"configMapRef": {"name": "c"}}], inputs=inputs)
    with pytest.raises(ConfigurationError) as caught:
        resolve_inputs(
            run,
            FIELDS,
            sensitive_inputs(PIPELINE),
            config_maps={"c": texts},
            secret_keys={},
        )
    error = caught.value
    assert len(error.diagnostics) == 4
    rendered = "\n".join(each.render() for each in error.diagnostics)
    assert not _holds(value, rendered, str(error), repr(error))


def test_a_pools_children_name_secrets_and_hold_no_value() -> None:
    """What a Pool takes from Secrets is read by the kubelet, in the pod alone."""
    pool = cluster_pool(
        model={"name": "openai/x", "apiKeySecretRef": {"name": "llm", "key": "api-key"}},
        env=[
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "llm", "key": "other"}}},
        ],
        envFrom=[{"secretRef": {"name": "more"}}],
        tools=[
            {
                "name": "shop",
                "mcp": {
                    "http": {
                        "url": "https://mcp.example.com/mcp",
                        "headers": [
                            {
                                "name": "Authorization",
                                "valueFrom": {"secretKeyRef": {"name": "llm", "key": "mcp"}},
                            },
                        ],
                    }
                },
            },
        ],
    )
    *others, deployment = pool_children(pool, SETTINGS)
    for name in ("llm", "api-key", "more"):
        assert not _holds(name, others, pool_values(pool, SETTINGS).to_json())
    (worker,) = deployment["spec"]["template"]["spec"]["containers"]
    named = [each for each in worker["env"] if "secretKeyRef" in each.get("valueFrom", {})]
    assert [each["name"] for each in named] == ["DSPEX_MODEL_API_KEY", "DSPEX_TOOL_0_0", "A"]
    assert all("value" not in each for each in named)
