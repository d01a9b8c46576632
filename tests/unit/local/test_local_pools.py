"""The workers of a local run, behind one dispatcher."""

import asyncio
import importlib.machinery
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dspex.api.pool import Pool
from dspex.bridge.protocol import Call
from dspex.errors import ConfigurationError, PythonError
from dspex.local import LocalPools, Sources, WorkerEvent, WorkerStarting, plan_pools

FAKE = (sys.executable, str(Path(__file__).parents[2] / "fakes" / "worker.py"))
CALL = Call(module="Predict", signature={}, inputs={"a": "b"}, timeout=20)


def pool(name: str = "small", **spec: Any) -> Pool:
    """Make a Pool."""
    spec.setdefault("model", {"name": "openai/m"})
    return Pool.model_validate({"metadata": {"name": name}, "kind": "Pool", "spec": spec})


def test_keys_and_variables_are_resolved() -> None:
    """The API key and every kind of env come from the sources; a key's line break is cut."""
    planned = pool(
        model={"name": "openai/m", "apiKeySecretRef": {"name": "llm", "key": "api-key"}},
        env=[
            {"name": "PLAIN", "value": " x "},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "llm", "key": "other"}}},
            {"name": "TEXT", "valueFrom": {"configMapKeyRef": {"name": "texts", "key": "t"}}},
        ],
    )
    sources = Sources(
        secrets={"llm": {"api-key": b"sk-1\n", "other": b"o\n"}}, config_maps={"texts": {"t": "T"}}
    )
    [plan] = plan_pools([planned], sources)
    assert plan.api_key == "sk-1"
    assert plan.env == {"PLAIN": " x ", "SECRET": "o\n", "TEXT": "T"}


def test_what_mcp_servers_take_from_secrets_is_resolved() -> None:
    """Into the variables that the worker's configuration names; a missing key has its place."""
    headers = [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "token"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "texts", "key": "t"}}},
    ]
    served = pool(tools=[{"name": "s", "mcp": {"http": {"url": "http://x", "headers": headers}}}])
    sources = Sources(secrets={"shop": {"token": b"abc"}}, config_maps={"texts": {"t": "T"}})
    [plan] = plan_pools([served], sources)
    assert plan.env == {"DSPEX_TOOL_0_0": "abc", "DSPEX_TOOL_0_1": "T"}
    with pytest.raises(ConfigurationError) as caught:
        plan_pools([served], Sources(config_maps={"texts": {"t": "T"}}))
    (finding,) = caught.value.diagnostics
    assert finding.path == "spec.tools[0].mcp.http.headers[0].valueFrom.secretKeyRef"
    assert "--secret shop/token=env:SHOP_TOKEN" in str(finding.remedy)


def test_every_missing_key_is_reported_at_once() -> None:
    """All pools, all fields, each with its place and the flag that would give it."""
    one = pool("one", model={"name": "m", "apiKeySecretRef": {"name": "llm", "key": "k"}})
    two = pool(
        "two",
        env=[{"name": "T", "valueFrom": {"configMapKeyRef": {"name": "texts", "key": "t"}}}],
    )
    with pytest.raises(ConfigurationError) as caught:
        plan_pools([one, two], Sources())
    first, second = caught.value.diagnostics
    assert (first.subject, first.path) == ("Pool/one", "spec.model.apiKeySecretRef")
    assert "--secret llm/k=env:LLM_K" in str(first.remedy)
    assert (second.subject, second.path) == ("Pool/two", "spec.env[0].valueFrom.configMapKeyRef")
    assert "--config-map texts/t=file:PATH" in str(second.remedy)


@pytest.mark.parametrize(
    ("gone", "model", "extra"),
    [
        ("dspy", {"name": "openai/m"}, "dspex[worker]"),
        ("xllamacpp", {"embedded": True}, "dspex[embedded]"),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, gone: str, model: dict[str, Any], extra: str
) -> None:
    """Where workers can't run, the error says what to install."""
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> importlib.machinery.ModuleSpec | None:
        return None if name == gone else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(ConfigurationError, match="pip install") as caught:
        plan_pools([pool(model=model)], Sources())
    assert extra in str(caught.value)


async def test_pools_start_together_and_answer() -> None:
    """Entering starts every pool's workers, capped; leaving ends them and their folder."""
    events: list[WorkerEvent] = []
    plans = plan_pools([pool("one", replicas=5), pool("two", replicas=0)], Sources())
    async with LocalPools(plans, events.append, command=FAKE, max_workers=2) as pools:
        started = [event for event in events if isinstance(event, WorkerStarting)]
        assert sorted(event.worker for event in started) == ["one-0", "one-1", "two-0"]
        answers = await asyncio.gather(*(pools.execute(name, CALL) for name in ("one", "two")))
        assert [answer.worker[:3] for answer in answers] == ["one", "two"]
        with pytest.raises(PythonError, match="no pool 'three'"):
            await pools.execute("three", CALL)
        folder = Path(started[0].log).parent
        config = folder / "one.json"
        assert json.loads(config.read_text())["pool"] == "one"
        assert config.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


async def test_one_pool_that_fails_ends_the_others() -> None:
    """The error comes out as itself, and no process of any pool is left."""
    events: list[WorkerEvent] = []
    good, bad = plan_pools([pool("good"), pool("bad")], Sources())
    bad = replace(bad, env={"DSPEX_FAKE_SCRIPT": '{"start": "exit", "status": 9}'})
    with pytest.raises(PythonError, match="worker bad-0 ended with status 9"):
        async with LocalPools([good, bad], events.append, command=FAKE):
            pass
    for event in events:
        if isinstance(event, WorkerStarting):
            assert not (Path("/proc") / str(event.pid)).exists()


async def test_without_pools_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline of native steps alone needs neither a process nor a folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with LocalPools((), lambda event: None) as pools:
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(PythonError, match="there is: none"):
            await pools.execute("small", CALL)


async def test_kill_ends_the_workers_without_grace() -> None:
    """For a second Ctrl-C."""
    events: list[WorkerEvent] = []
    [plan] = plan_pools([pool()], Sources())
    async with LocalPools([plan], events.append, command=FAKE) as pools:
        pools.kill()
    assert len(events) >= 2
