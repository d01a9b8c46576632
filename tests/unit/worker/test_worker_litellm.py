"""The image target `litellm`: the providers that DSPy leaves to litellm, through a stub of it.

litellm is in no lock that tests run on. So each test is a process that finds a stub in its place.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

STUB = """
class BadRequestError(Exception):
    pass

def get_llm_provider(model, **_):
    if model.startswith("odd/"):
        raise BadRequestError("LLM Provider NOT provided\\nsee the documentation")

def get_supported_openai_params(**_):
    return ["temperature", "response_format"]

def supports_function_calling(*_, **__): return False
def supports_reasoning(*_, **__): return False
def supports_response_schema(*_, **__): return True

def completion(**_):
    raise AssertionError("the worker's loop would stand still")

async def acompletion(**asked):
    import json, sys
    del asked["messages"]
    print(json.dumps(asked), file=sys.stderr)
    message = {"role": "assistant", "content": "[[ ## a ## ]]\\nParis\\n\\n[[ ## completed ## ]]"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": asked["model"],
            "choices": [choice], "usage": usage}
"""
PROGRAM = """
import asyncio, json, sys
import dspy
from dspex.errors import ConfigurationError
from dspex_worker.config import ModelConfig
from dspex_worker.lm import ledger
from dspex_worker.lm.providers import connect

async def main():
    extra = {"api_version": "2026-01-01"}
    config = ModelConfig(name=sys.argv[1], api_base="http://here/v1", extra=extra)
    try:
        model = await connect(config, "key")
    except ConfigurationError as error:
        return print(json.dumps(error.diagnostics[0].message))
    with ledger.recording(ledger.Ledger()) as record, dspy.context(lm=model.lm):
        answer = await dspy.Predict("q -> a").acall(q="capital?")
    await model.engine.aclose()
    print(json.dumps([answer.a, record.usage.calls, record.usage.total_tokens]))

asyncio.run(main())
"""


def ask(folder: Path, name: str) -> tuple[Any, dict[str, Any]]:
    """Connect a model and ask it once; return what came of it, and what litellm was asked."""
    (folder / "litellm.py").write_text(STUB)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked: dict[str, Any] = json.loads(done.stderr or "{}")
    return json.loads(done.stdout), asked


def test_litellm_serves_what_dspy_does_not(tmp_path: Path) -> None:
    """Address, key and extra fields reach it; it does not retry; calls and tokens are counted."""
    answer, asked = ask(tmp_path, "azure/gpt-4o")
    assert answer == ["Paris", 1, 5]
    wanted = {
        "model": "azure/gpt-4o",
        "api_base": "http://here/v1",
        "api_key": "key",
        "api_version": "2026-01-01",
        "num_retries": 0,
    }
    assert {name: asked.get(name) for name in wanted} == wanted


def test_a_provider_that_litellm_does_not_know_is_refused_at_the_start(tmp_path: Path) -> None:
    """Not by the first call, and in one line."""
    message, asked = ask(tmp_path, "odd/x")
    assert "LLM Provider NOT provided" in message
    assert "\n" not in message
    assert asked == {}
