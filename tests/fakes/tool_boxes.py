"""Tools built as a worker builds them, without the worker."""

import asyncio

from dspex_worker.config import ToolConfig
from dspex_worker.threads import Threads
from dspex_worker.tools import SafeTool, ToolBox
from dspex_worker.tools.redactor import Redactor
from dspex_worker.tools.shared import Shared


def shared(*, timeout: float = 30.0, secrets: tuple[str, ...] = (), threads: int = 4) -> Shared:
    """Return what the tools of one loop share."""
    return Shared(
        threads=Threads("tool", threads, lambda: None),
        redactor=Redactor(secrets),
        loop=asyncio.get_running_loop(),
        timeout=timeout,
    )


def tool(
    name: str,
    *,
    timeout: float | None = None,
    max_result: int = 20_000,
    secrets: tuple[str, ...] = (),
    module: str = "fakes.faulty_tools",
) -> SafeTool:
    """Return one tool of a module of tools."""
    config = ToolConfig(name=name, path=f"{module}.{name}", timeout=timeout, max_result=max_result)
    (picked,) = ToolBox([config], shared(secrets=secrets)).pick([name])
    return picked
