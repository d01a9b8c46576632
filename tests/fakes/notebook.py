"""A notebook: a real kernel in a process of its own, whose event loop runs.

async with Notebook(folder) as notebook:
    assert await notebook.run("1 + 1") == "2"
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jupyter_client.manager import AsyncKernelManager

PATIENCE = 120.0
"""Seconds within which a cell has to end, on a machine that has other work too."""


class CellError(Exception):
    """A cell raised; the text is `class: message`."""


class Notebook:
    """A kernel; a cell's value and what it prints are its text.

    Args:
        folder: Current directory of the kernel.
        env: Variables beside this process' own.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._env = {**os.environ, "JUPYTER_RUNTIME_DIR": str(folder), **(env or {})}
        self._manager = AsyncKernelManager(connection_file=str(folder / "kernel.json"))
        self._client: Any = None

    async def __aenter__(self) -> Self:
        await self._manager.start_kernel(cwd=str(self._folder), env=self._env)
        self._client = self._manager.client()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=PATIENCE)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the kernel in order, as closing a notebook does."""
        if self._client is not None:
            self._client.stop_channels()
            self._client = None
            await self._manager.shutdown_kernel()

    async def run(self, code: str, *, says: asyncio.Event | None = None) -> str:
        """Run a cell; return what it shows.

        Args:
            code: The cell.
            says: Is set with the first that it prints.

        Raises:
            CellError: It raised.
        """
        shown: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
                if says is not None:
                    says.set()
            elif message["msg_type"] == "execute_result":
                shown.append(content["data"]["text/plain"])

        reply = await self._client.execute_interactive(code, output_hook=hear, timeout=PATIENCE)
        content = reply["content"]
        if content["status"] == "error":
            raise CellError(f"{content['ename']}: {content['evalue']}")
        return "".join(shown)

    async def interrupt(self) -> None:
        """Press the stop button."""
        await self._manager.interrupt_kernel()


def cells(file: Path) -> list[str]:
    """Return the code cells of a notebook's file."""
    found = json.loads(file.read_text())["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]
