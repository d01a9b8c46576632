"""The triage example with the embedded model: applied in any order, it does what local mode does."""

import json
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.kstatus import CURRENT, kstatus
from stage.kubectl import Kubectl, Object, documents, has_ended, is_true
from stage.release import ROOT, Release
from stage.space import namespace

EXAMPLE = ROOT / "examples" / "triage"
SHORT = {"Signature": "sig", "Pool": "dpool", "Pipeline": "dpipe", "PipelineRun": "drun"}
PLACE = ("startTime", "completionTime", "worker")
"""What of a step's status depends on when and where it ran."""


@pytest.fixture(scope="module")
def local() -> Object:
    """Return the example's run as local mode shows it."""
    program = Path(sys.executable).with_name("dspex")
    done = subprocess.run(
        [program, "run", "-f", EXAMPLE, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Object = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def applied(release: Release) -> Iterator[tuple[Kubectl, list[Object]]]:
    """Yield a namespace in which the example was applied in a random order, with its objects."""
    seed = os.environ.get("DSPEX_TEST_SEED") or secrets.token_hex(4)
    print(f"DSPEX_TEST_SEED={seed}")
    objects = documents(EXAMPLE)
    random.Random(seed).shuffle(objects)
    print("applied in this order:", ", ".join(map(_named, objects)))
    with namespace(release) as kubectl:
        for each in objects:
            kubectl.apply(each)
        yield kubectl, objects


@pytest.fixture(scope="module")
def ended(applied: tuple[Kubectl, list[Object]]) -> Object:
    """Return the example's run once it has ended."""
    kubectl, _ = applied
    return kubectl.until("drun", "support-demo", has_ended, seconds=300)


def test_applied_in_any_order_all_gets_ready(
    applied: tuple[Kubectl, list[Object]], ended: Object
) -> None:
    """Whatever comes first, each object is Ready in the end, and Current to kstatus."""
    kubectl, objects = applied
    assert [each["type"] for each in ended["status"]["conditions"] if each["status"] == "True"] == [
        "Ready",
        "Succeeded",
    ], ended["status"]
    for each in objects:
        found = kubectl.until(SHORT[each["kind"]], each["metadata"]["name"], is_true("Ready"))
        assert kstatus(found) == CURRENT


def test_outputs_are_those_of_local_mode(local: Object, ended: Object) -> None:
    """The same input gives the same outputs from the same plan, field by field."""
    there, here = ended["status"], local["status"]
    assert there["planDigest"] == here["planDigest"]
    assert there["outputs"].keys() == here["outputs"].keys()
    for name, value in here["outputs"].items():
        assert there["outputs"][name] == value, name


def test_steps_and_usage_are_those_of_local_mode(local: Object, ended: Object) -> None:
    """State, attempts, items and tokens of each step are the same; only time and place differ."""
    assert _steps(ended) == _steps(local)
    assert ended["status"]["usage"] == local["status"]["usage"]


def _steps(run: Object) -> dict[str, dict[str, Any]]:
    return {
        step["name"]: {key: part for key, part in step.items() if key not in PLACE}
        for step in run["status"]["steps"]
    }


def _named(item: Object) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"
