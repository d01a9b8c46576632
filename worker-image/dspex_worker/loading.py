"""What must be there before the worker is ready: DSPy, the model, the tools, the modules."""

import asyncio
import functools
import importlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from dspex_worker import log
from dspex_worker.config import API_KEY_VARIABLE, WorkerConfig, secret
from dspex_worker.lifecycle import Lifecycle
from dspex_worker.threads import Threads

if TYPE_CHECKING:
    from dspex_worker.execute import Worker
    from dspex_worker.modules import Modules
    from dspex_worker.tools import ToolBox

Result = TypeVar("Result")

LEAST_THREADS: Final = 4
"""Threads of each kind, also where fewer calls may run at the same time."""

TOOL_SHARE: Final = 0.5
"""What part of a call's time one call of a tool may take, where the Pool does not say."""


def prepare_environment() -> None:
    """Set what DSPy reads when it is imported: no network for prices, no folder in the home."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("DSPY_CACHEDIR", str(Path(tempfile.gettempdir()) / "dspy-cache"))


async def load(config: WorkerConfig, name: str, lifecycle: Lifecycle) -> "Worker":
    """Build the worker; `lifecycle.progress` says how far it is.

    Raises:
        ConfigurationError: The model, a tool or a module of the Pool can't be used.
    """
    prepare_environment()
    lifecycle.progress = "importing dspy"
    # Half a second of processor: not on the loop that answers the probes.
    await _aside(_import_dspy)
    from dspex_worker.adapters import ADAPTERS
    from dspex_worker.execute import Worker
    from dspex_worker.lm.providers import connect

    size = max(LEAST_THREADS, config.concurrency)
    threads, tool_threads = (
        Threads(kind, size, functools.partial(_recycle, lifecycle, kind))
        for kind in ("module", "tool")
    )
    lifecycle.progress = "building modules and tools"
    loop = asyncio.get_running_loop()
    modules, tools = await _aside(functools.partial(_build, config, threads, tool_threads, loop))
    lifecycle.progress = "connecting MCP servers"
    await tools.start()
    try:
        model, adapter = None, ADAPTERS["Chat"]()
        if config.model is not None:
            lifecycle.progress = "connecting the model"
            model = await connect(config.model, secret(API_KEY_VARIABLE), _aside)
            adapter = ADAPTERS[config.model.effective_adapter]()
    except BaseException:
        await tools.aclose()
        raise
    lifecycle.progress = "ready"
    return Worker(
        name=name,
        model=model,
        adapter=adapter,
        modules=modules,
        tools=tools,
        threads=threads,
        tool_threads=tool_threads,
    )


def _recycle(lifecycle: Lifecycle, kind: str) -> None:
    lifecycle.recycle(f"half of its threads for {kind}s are stuck in calls that were given up")


async def _aside(work: Callable[[], Result]) -> Result:
    """Run work in a thread that the loop's end does not wait for."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="loading")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, work)
    finally:
        executor.shutdown(wait=False)


def _import_dspy() -> None:
    dspy = importlib.import_module("dspy")
    log.adopt_dspy()
    # A module's own LM would else fill memory or a disk that may be read-only.
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    importlib.import_module("dspex_worker.execute")


def _build(
    config: WorkerConfig,
    threads: Threads,
    tool_threads: Threads,
    loop: asyncio.AbstractEventLoop,
) -> "tuple[Modules, ToolBox]":
    from dspex_worker.modules import Modules
    from dspex_worker.tools import ToolBox
    from dspex_worker.tools.redactor import worker_redactor
    from dspex_worker.tools.shared import Shared

    shared = Shared(
        threads=tool_threads,
        redactor=worker_redactor(config.secret_env),
        loop=loop,
        timeout=config.call_timeout * TOOL_SHARE,
    )
    return Modules(config.modules, threads), ToolBox(config.tools, shared)
