"""A Pool with its profile's values filled in."""

import json
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from dspex.api.effective import PROFILE_VERSION, PROFILES, EffectivePool, effective_pool
from dspex.api.pool import Pool
from dspex_worker.config import HttpConfig, McpConfig, McpValue, StdioConfig, WorkerConfig

MODEL = {"name": "openai/gpt-4o-mini"}


def _pool(status: dict[str, Any] | None = None, **spec: Any) -> Pool:
    manifest = {
        "metadata": {"name": "small", "namespace": "shop", "generation": 2},
        "spec": {"model": MODEL, **spec},
        "status": status or {},
    }
    return Pool.model_validate(manifest)


@pytest.mark.parametrize(
    ("profile", "seconds"), [("General", 30), ("Optimizer", 300), ("Neural", 600)]
)
def test_a_profile_fills_in_what_is_left_out(profile: str, seconds: float) -> None:
    """Concurrency, queue and callTimeout come from the profile."""
    effective = effective_pool(_pool(profile=profile))
    values = PROFILES[PROFILE_VERSION][effective.profile]
    assert effective.call_timeout == seconds == values.call_timeout
    assert effective.concurrency == values.concurrency
    assert (effective.queue.size, effective.queue.timeout) == (
        values.queue_size,
        values.queue_timeout,
    )


def test_what_the_pool_says_wins() -> None:
    """No value of the profile replaces one that is given, not even a zero."""
    effective = effective_pool(
        _pool(
            concurrency=3,
            queue={"size": 0, "timeout": "2s"},
            callTimeout="1m",
            model={**MODEL, "temperature": 0},
        )
    )
    assert (effective.concurrency, effective.queue.size, effective.queue.timeout) == (3, 0, 2)
    assert (effective.call_timeout, effective.model.temperature) == (60, 0)


def test_an_embedded_model_is_small_and_runs_one_call() -> None:
    """Without a word of the Pool it has the Compact adapter and a concurrency of one."""
    effective = effective_pool(_pool(model={"embedded": True}))
    assert (effective.model.adapter, effective.concurrency) == ("Compact", 1)
    other = effective_pool(_pool(model={"embedded": True, "adapter": "JSON"}, concurrency=4))
    assert (other.model.adapter, other.concurrency) == ("JSON", 4)


def test_the_worker_reads_back_what_is_written() -> None:
    """The configuration file survives JSON, names every key and holds no secret."""
    pool = _pool(
        model={**MODEL, "apiKeySecretRef": {"name": "llm", "key": "api-key"}},
        modules=["shop.Rank"],
        tools=[{"name": "search", "path": "shop.search"}],
    )
    written = effective_pool(pool).to_json()
    assert EffectivePool.model_validate(written) == effective_pool(pool)
    assert set(written) == {
        "pool", "namespace", "profile", "profileVersion", "model", "modules", "tools",
        "concurrency", "queue", "callTimeout", "allowedClients", "secretEnv",
    }  # fmt: skip
    assert set(written["model"]) == {
        "name", "apiBase", "temperature", "maxTokens", "adapter", "extra", "embedded",
    }  # fmt: skip
    assert "llm" not in str(written)


def test_a_tool_has_half_of_a_calls_time_unless_the_pool_says() -> None:
    """So that the model hears that it took too long; results have a length of their own."""
    tools = [
        {"name": "a", "path": "shop.a"},
        {"name": "b", "path": "shop.b", "timeout": "2m", "maxResult": 500},
    ]
    made = effective_pool(_pool(tools=tools, callTimeout="50s")).tools
    assert [(each.timeout, each.max_result) for each in made] == [(25, 20_000), (120, 500)]


SERVERS: list[dict[str, Any]] = [
    {"name": "find", "path": "shop.find"},
    {
        "name": "near",
        "mcp": {
            "stdio": {
                "command": "python",
                "args": ["-m", "shop.mcp"],
                "env": [
                    {"name": "A", "value": "b"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
            },
            "tools": ["list-orders"],
        },
    },
    {
        "name": "far",
        "mcp": {
            "http": {
                "url": "https://mcp.example.com/mcp",
                "headers": [
                    {
                        "name": "Authorization",
                        "prefix": "Bearer ",
                        "valueFrom": {"secretKeyRef": {"name": "s", "key": "t"}},
                    },
                ],
            }
        },
        "timeout": "9s",
    },
]


def test_an_mcp_server_is_told_with_the_variables_that_hold_its_secrets() -> None:
    """The worker reads what is written; secrets stand in its environment alone."""
    written = json.dumps(effective_pool(_pool(tools=SERVERS)).to_json())
    _, near, far = msgspec.json.decode(written, type=WorkerConfig).tools
    assert near.mcp == McpConfig(
        stdio=StdioConfig(
            command="python",
            args=["-m", "shop.mcp"],
            env=[McpValue(name="A", value="b"), McpValue(name="B", variable="DSPEX_TOOL_1_1")],
        ),
        tools=["list-orders"],
    )
    header = McpValue(name="Authorization", variable="DSPEX_TOOL_2_0", prefix="Bearer ")
    assert far.mcp == McpConfig(
        http=HttpConfig(url="https://mcp.example.com/mcp", headers=[header])
    )
    assert (near.timeout, far.timeout) == (15, 9)


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ({"name": "a"}, "give exactly one of path and mcp"),
        ({"name": "a", "mcp": {}}, "give exactly one of stdio and http"),
        (
            {"name": "a", "path": "b.c", "mcp": {"http": {"url": "http://x"}}},
            "give exactly one of path and mcp",
        ),
        (
            {"name": "a", "mcp": {"http": {"url": "http://x", "headers": [{"name": "X"}]}}},
            "give exactly one of value and valueFrom",
        ),
        (
            {"name": "a", "mcp": {"http": {"url": "http://x"}, "tools": ["find"]}},
            "a tool that mcp.tools lists has the name of another tool",
        ),
        (
            {"name": "a", "mcp": {"http": {"url": "http://x"}, "tools": ["finish"]}},
            "a tool that mcp.tools lists has the name of another tool",
        ),
        (
            {"name": "a", "mcp": {"http": {"url": "http://x"}, "tools": ["list-orders"]}},
            "a tool that mcp.tools lists has the name of another tool",
        ),
    ],
)
def test_a_server_that_is_wrong_is_refused(tool: dict[str, Any], message: str) -> None:
    """One way to reach it, one source of a header, one tool of a name."""
    with pytest.raises(ValidationError, match=message):
        _pool(tools=[*SERVERS, tool])


def test_a_tool_may_not_have_the_name_of_reacts_own() -> None:
    """ReAct ends its steps by it."""
    with pytest.raises(ValidationError, match="ReAct ends its steps by a tool finish of its own"):
        _pool(tools=[{"name": "finish", "path": "shop.finish"}])


def test_the_worker_is_told_which_variables_are_secret() -> None:
    """By name alone: it keeps their values from models."""
    reference = {"name": "x", "key": "y"}
    env = [
        {"name": "A", "value": "b"},
        {"name": "B", "valueFrom": {"secretKeyRef": reference}},
        {"name": "C", "valueFrom": {"configMapKeyRef": reference}},
    ]
    secret = ("B", "DSPEX_TOOL_1_1", "DSPEX_TOOL_2_0")
    assert effective_pool(_pool(env=env, tools=SERVERS)).secret_env == secret


def test_the_status_shows_the_values_as_a_manifest_has_them() -> None:
    """In status durations are strings again, and absent values are left out."""
    shown = effective_pool(_pool()).values().to_json()
    assert shown["callTimeout"] == "30s"
    assert shown["queue"]["timeout"] == "30s"
    assert shown["profileVersion"] == PROFILE_VERSION
    assert "temperature" not in shown["model"]


def _status(version: str) -> dict[str, Any]:
    return {
        "effective": {
            "profileVersion": version,
            "model": {"adapter": "Chat"},
            "concurrency": 1,
            "queue": {"size": 1, "timeout": "1s"},
            "callTimeout": "1s",
        },
    }


def test_an_upgrade_changes_no_running_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pool keeps the version of the values that its status names; a new one takes the latest."""
    monkeypatch.setattr("dspex.api.effective.PROFILES", {"1": PROFILES["1"], "2": PROFILES["1"]})
    monkeypatch.setattr("dspex.api.effective.PROFILE_VERSION", "2")
    assert effective_pool(_pool(_status("1"))).profile_version == "1"
    assert effective_pool(_pool(_status("gone"))).profile_version == "2"
    assert effective_pool(_pool()).profile_version == "2"
