"""The command line as tests call it, and manifests for it to work on."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FAKE_WORKER: Final = (sys.executable, str(Path(__file__).with_name("worker.py")))
"""What starts a scripted worker as a process."""

PIPELINE: Final = """\
apiVersion: dspex.dev/v1alpha1
kind: Signature
metadata: {name: triage}
spec: {signature: "message: str -> topic: str"}
---
apiVersion: dspex.dev/v1alpha1
kind: Pool
metadata: {name: small}
spec: {model: {name: openai/m}}
---
apiVersion: dspex.dev/v1alpha1
kind: Pipeline
metadata: {name: support}
spec:
  inputs:
  - {name: message, type: str}
  - {name: urgent, type: bool, default: false}
  steps:
  - name: triage
    dspy: {module: Predict, signatureRef: {name: triage}, poolRef: {name: small}}
    inputs: {message: $(inputs.message)}
  - name: page
    if: $(inputs.urgent)
    template: {source: "URGENT {{ topic }}"}
    inputs: {topic: $(steps.triage.outputs.topic)}
  outputs:
  - {name: topic, type: str, value: $(steps.triage.outputs.topic)}
  - {name: note, type: str, value: "$(coalesce(steps.page.outputs.text, 'no page'))"}
"""

RUN: Final = """\
---
apiVersion: dspex.dev/v1alpha1
kind: PipelineRun
metadata: {name: support-1}
spec:
  pipelineRef: {name: support}
  inputs: {message: from the run}
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


def dspex_command(*arguments: Any) -> list[str]:
    """Return what runs the command line as a process of its own, with scripted workers."""
    program = (
        f"import dspex.local.process as process; process.WORKER_COMMAND = {FAKE_WORKER!r}; "
        "from dspex.cli.main import main; main()"
    )
    return [sys.executable, "-c", program, *map(str, arguments)]


def start_dspex(*arguments: Any, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start the command line as a process of its own, with scripted workers."""
    return subprocess.Popen(
        dspex_command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )
