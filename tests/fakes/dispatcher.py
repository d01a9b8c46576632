"""A dispatcher whose answers are scripted by module name, for tests of the engine."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from dspex.bridge.protocol import Answer, Call, Usage

Script = Callable[[Call], Awaitable[Mapping[str, Any]]]


class ScriptedDispatcher:
    """Answers each call by the script of its pool, and remembers all calls."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.scripts = dict(scripts)
        self.calls: list[tuple[str, Call]] = []
        self.active = 0
        self.peak = 0

    async def execute(self, pool: str, call: Call) -> Answer:
        """Run the pool's script; count how many run at once."""
        self.calls.append((pool, call))
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            outputs = await self.scripts[pool](call)
        finally:
            self.active -= 1
        usage = Usage(calls=1, prompt_tokens=10, completion_tokens=2)
        return Answer(outputs=dict(outputs), usage=usage, worker=f"{pool}-0")


def after(seconds: float, outputs: Mapping[str, Any]) -> Script:
    """Make a script that answers after some time."""

    async def script(call: Call) -> Mapping[str, Any]:
        del call
        await asyncio.sleep(seconds)
        return outputs

    return script
