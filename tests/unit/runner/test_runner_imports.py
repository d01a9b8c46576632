"""What starting a runner loads: the pod of a run must be at its first step in a moment."""

import subprocess
import sys

HEAVY = (
    "dspy",
    "kopf",
    "kubernetes",
    "pydantic",
    "yaml",
    "jsonschema_rs",
    "minijinja",
    "cel_expr_python",
    "importlib.metadata",
    "dspex.manifests",
    "dspex.controllers",
    "dspex.resources.metadata",
    "dspex.resources.worker_pod",
    "dspex.resources.runner_job",
    "dspex.pipeline.compile",
    "dspex.cli",
    "dspex.local",
)
"""What only compilers, operators and workers need, or a run that uses it."""

MOST = 620
"""Modules that the runner's program loads before it looks at its plan, the interpreter's too."""


def loaded() -> set[str]:
    """Return the modules that importing the runner's program loads."""
    code = "import sys, dspex.runner.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_runner_loads_nothing_heavy_until_its_plan_needs_it() -> None:
    """Neither what only the operator needs, nor the engines of templates, schemas and CEL."""
    modules = loaded()
    heavy = {
        name for name in modules for each in HEAVY if name == each or name.startswith(f"{each}.")
    }
    assert heavy == set()
    assert len(modules) < MOST
