"""Plug-ins of installed packages: found by entry point, loaded when asked for."""

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from dspex.errors import CompileError, NativeError, Reason
from dspex.native import registry
from dspex.native.config import Config
from dspex.native.field import Field
from dspex.native.metrics import Metric
from dspex.native.operations import OPERATIONS, NativeOperation, execute, operation
from dspex.native.registry import Registry
from dspex.native.types import INT, STR


class Length(Metric):
    """A metric of a package."""

    name = "length"
    summary = "How long it is."

    def compare(self, prediction: Any, reference: Any, config: Any) -> float:
        """Return the prediction's length."""
        return len(prediction)


class RepeatConfig(Config):
    """How often."""

    times: int = 2


class Repeat(NativeOperation):
    """An operation of a package."""

    name = "repeat"
    inputs = (Field(name="text", type=STR),)
    outputs = (Field(name="text", type=STR), Field(name="size", type=INT))
    config = RepeatConfig

    def run(self, inputs: Mapping[str, Any], config: RepeatConfig) -> Mapping[str, Any]:
        """Repeat a text."""
        text = inputs["text"] * config.times
        return {"text": text, "size": len(text)}


class Slow(Repeat):
    """The same as a coroutine."""

    async def run(  # type: ignore[override]
        self, inputs: Mapping[str, Any], config: RepeatConfig
    ) -> Mapping[str, Any]:
        """Repeat a text, later; fails as it is told."""
        if inputs["text"] == "reason":
            raise NativeError(Reason.TIMEOUT, "too late")
        if inputs["text"] == "fail":
            raise KeyError("nothing")
        return super().run(inputs, config)


INSTANCE = Length()
NOT_A_METRIC = "text"


def entries(*values: tuple[str, str]) -> EntryPoints:
    """Make entry points of this file's names."""
    return EntryPoints(
        EntryPoint(name=name, value=f"{__name__}:{value}", group="g") for name, value in values
    )


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Registry[Metric]:
    """A registry over packages that declare good and broken metrics."""
    declared = entries(
        ("length", "Length"),
        ("instance", "INSTANCE"),
        ("text", "NOT_A_METRIC"),
        ("gone", "Gone"),
        ("abstract", "Metric"),
        ("own", "Length"),
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: declared)
    return Registry("metric", Metric, "dspex.metrics", {"own": INSTANCE})


def test_a_package_adds_a_plugin(metrics: Registry[Metric]) -> None:
    """A class is made once, an instance is taken; DSPex's own can't be replaced."""
    assert metrics.get("length").score("abc", None) == 3.0
    assert metrics.get("length") is metrics.get("length")
    assert metrics.get("instance") is INSTANCE
    assert metrics.get("own") is INSTANCE
    assert metrics.names() == ["abstract", "gone", "instance", "length", "own", "text"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "AttributeError"),
        ("abstract", "TypeError"),
        ("text", "it is no dspex.native.metrics.base.Metric"),
    ],
)
def test_a_broken_plugin_says_why(metrics: Registry[Metric], name: str, message: str) -> None:
    """The error names the plug-in and what it failed of."""
    with pytest.raises(CompileError, match=message) as caught:
        metrics.get(name)
    assert caught.value.diagnostics[0].code == "PluginBroken"


def test_a_name_that_two_packages_declare_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them was meant can't be known: the error names both, and others load."""
    declared = entries(("length", "Length"), ("length", "INSTANCE"), ("other", "Length"))
    monkeypatch.setattr(registry, "entry_points", lambda group: declared)
    found: Registry[Metric] = Registry("metric", Metric, "dspex.metrics", {})
    with pytest.raises(CompileError, match=r"more than once: \S+:INSTANCE and \S+:Length"):
        found.get("length")
    assert found.get("other").score("ab", None) == 2.0


def test_a_broken_plugin_names_the_package_that_declares_it(tmp_path: Path) -> None:
    """By the name under which it is installed: that is what can be removed."""
    folder = tmp_path / "acme_scores-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-scores\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[dspex.metrics]\nacme = acme_scores:Score\n")
    program = """
from dspex.errors import CompileError
from dspex.native.metrics import METRICS
assert "acme" in METRICS.names()
try:
    METRICS.get("acme")
except CompileError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert "the metric 'acme' (acme_scores:Score of acme-scores) can't be used" in done.stdout


async def test_an_operation_runs_with_its_config() -> None:
    """Sync or async alike, its options read from the manifest's config."""
    for plugin in (Repeat(), Slow()):
        plugin.check({"times": 3})
        result = await execute(plugin, {"text": "ab"}, {"times": 3})
        assert result == {"text": "ababab", "size": 6}
    with pytest.raises(CompileError, match="did you mean 'times'"):
        await execute(Repeat(), {"text": "ab"}, {"time": 3})


async def test_an_operation_that_raises_fails_the_step() -> None:
    """Anything becomes NativeFailed with its class; a NativeError keeps its reason."""
    with pytest.raises(NativeError, match="KeyError") as caught:
        await execute(Slow(), {"text": "fail"}, {})
    assert caught.value.reason is Reason.NATIVE_FAILED
    assert caught.value.details == {"class": "KeyError"}
    with pytest.raises(NativeError) as caught:
        await execute(Slow(), {"text": "reason"}, {})
    assert caught.value.reason is Reason.TIMEOUT


def test_an_unknown_operation_says_where_they_come_from() -> None:
    """DSPex brings none of its own."""
    assert OPERATIONS.names() == []
    with pytest.raises(CompileError, match=r"none is installed \(dspex.native_operations\)"):
        operation("nope")
