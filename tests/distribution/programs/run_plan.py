"""Compiler and engine as the operator and the runner use them: no YAML, no click, no DSPy."""

import asyncio
import sys
from typing import NoReturn

from dspex.api.pipeline import Pipeline
from dspex.bridge.protocol import Answer, Call
from dspex.pipeline.compile import compile_pipeline
from dspex.pipeline.context import Sources
from dspex.pipeline.engine import Engine, RunIdentity

SPEC = {
    "inputs": [{"name": "who", "type": "str"}],
    "steps": [
        {
            "name": "greet",
            "template": {"source": "Hello {{ who }}"},
            "inputs": {"who": "$(inputs.who.upperAscii())"},
        }
    ],
    "outputs": [{"name": "text", "type": "str", "value": "$(steps.greet.outputs.text)"}],
}


class NoWorkers:
    """A dispatcher that nothing may ask."""

    async def execute(self, pool: str, call: Call) -> Answer:
        """Refuse."""
        return self._refuse(pool, call)

    def _refuse(self, pool: str, call: Call) -> NoReturn:
        raise AssertionError(f"{pool}: {call}")


pipeline = Pipeline.model_validate({"metadata": {"name": "hello"}, "spec": SPEC})
compiled = compile_pipeline(pipeline, Sources())
assert compiled.plan is not None, compiled.diagnostics
record = asyncio.run(Engine(compiled.plan, NoWorkers(), RunIdentity("r")).run({"who": "Ada"}))
assert record.outputs == {"text": "Hello ADA"}, record
assert not {"yaml", "click", "rich", "dspy"} & sys.modules.keys()
