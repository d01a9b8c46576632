"""Runs examples against the recorded answers, two at a time, and prints a row for each."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import endpoint

PORT: Final = 8765
"""The port that the examples' Pools name."""

_SIDE_BY_SIDE: Final = 2
_ROW: Final = "{:<18} {:<10} {:>5} {:>5} {:>6}  {}"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of an example: its PipelineRun, empty where there is none, and what was said."""

    name: str
    run: dict[str, Any]
    words: str

    @property
    def succeeded(self) -> bool:
        """Whether the run has succeeded."""
        conditions = self.run.get("status", {}).get("conditions", [])
        return any(each["type"] == "Succeeded" and each["status"] == "True" for each in conditions)


def names() -> list[str]:
    """Return the examples that have a folder of manifests."""
    return sorted(each.parent.name for each in endpoint.EXAMPLES.glob("*/manifests"))


async def run(chosen: Sequence[str]) -> int:
    """Run examples and print the table; return 0 where all have succeeded."""
    runner, port = await endpoint.start(0)
    places = asyncio.Semaphore(_SIDE_BY_SIDE)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            ran = await asyncio.gather(*(_one(each, folder, port, places) for each in chosen))
    finally:
        await runner.cleanup()
    head = _ROW.format("example", "result", "steps", "calls", "tokens", "outputs")
    sys.stdout.write("\n".join([head, *map(_line, ran)]) + "\n")
    for each in ran:
        if not each.succeeded:
            sys.stderr.write(f"\n{each.name}:\n{each.words}\n")
    return 0 if all(each.succeeded for each in ran) else 1


async def _one(name: str, scratch: Path, port: int, places: asyncio.Semaphore) -> Ran:
    # A copy, because the Pool in it gets the port of this endpoint.
    folder = scratch / name
    shutil.copytree(endpoint.EXAMPLES / name, folder)
    for file in (folder / "manifests").glob("*.yaml"):
        file.write_text(file.read_text().replace(f"localhost:{PORT}", f"localhost:{port}"))
    async with places:
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("dspex")), "run", "-f", "manifests", "-o", "json"),
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, words = await process.communicate()
    return Ran(name, json.loads(out) if out else {}, words.decode())


def _line(ran: Ran) -> str:
    status = ran.run.get("status", {})
    usage = status.get("usage", {})
    outputs = ", ".join(status.get("outputs", {}))
    steps = len(status.get("steps", []))
    calls, tokens = usage.get("calls", 0), usage.get("totalTokens", 0)
    result = "Succeeded" if ran.succeeded else "Failed"
    return _ROW.format(ran.name, result, steps, calls, tokens, outputs)
