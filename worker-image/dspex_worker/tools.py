"""The Pool's tools, made safe to hand to a model: off the loop, errors short."""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any, Final

import dspy

from dspex.errors import Reason
from dspex_worker import imports
from dspex_worker.config import ToolConfig
from dspex_worker.failures import CallError

MAX_ERROR: Final = 300
"""Characters of a tool's error that the model is told."""
MAX_OBSERVATION: Final = 20_000
"""Characters of a tool's result that the model is shown."""


class SafeTool(dspy.Tool):  # type: ignore[misc]  # dspy has no types
    """A tool whose errors are told to the model in a line, and that never blocks the loop."""

    _executor: Executor | None = None

    def run_in(self, executor: Executor) -> "SafeTool":
        """Have a synchronous function run in an executor's threads."""
        self._executor = executor
        return self

    async def acall(self, **kwargs: Any) -> Any:
        """Call the function; what it raises comes back as text."""
        try:
            arguments = self._validate_and_parse_args(**kwargs)
            if inspect.iscoroutinefunction(inspect.unwrap(self.func)):
                return _bounded(await self.func(**arguments))
            work = functools.partial(contextvars.copy_context().run, self.func, **arguments)
            result = await asyncio.get_running_loop().run_in_executor(self._executor, work)
            return _bounded(await result if inspect.isawaitable(result) else result)
        except Exception as error:  # noqa: BLE001 whatever it is, the model is told
            return tell(error)

    def __call__(self, **kwargs: Any) -> Any:
        """Call the function from a module without an asynchronous path."""
        try:
            return _bounded(super().__call__(**kwargs))
        except Exception as error:  # noqa: BLE001 whatever it is, the model is told
            return tell(error)


def tell(error: Exception) -> str:
    """Return what a model is told of a tool's error: class and message, no traceback."""
    text = f"{type(error).__name__}: {error}"
    return f"The tool failed. {text[:MAX_ERROR]}"


def _bounded(result: Any) -> Any:
    text = result if isinstance(result, str) else None
    if text is None or len(text) <= MAX_OBSERVATION:
        return result
    return text[:MAX_OBSERVATION] + f" … ({len(text)} characters, cut)"


def finish(description: str) -> SafeTool:
    """Return ReAct's own last tool, which takes whatever arguments the model gives it."""

    def done(**_: Any) -> str:
        return "Completed."

    return SafeTool(func=done, name="finish", desc=description, args={})


class ToolBox:
    """The tools that the Pool allows, by name.

    Args:
        configured: The Pool's list.
        executor: Runs synchronous tools.

    Raises:
        ConfigurationError: A tool can't be imported or has no usable signature.
    """

    def __init__(self, configured: Iterable[ToolConfig], executor: Executor) -> None:
        self._tools = {tool.name: _build(tool, executor) for tool in configured}

    @property
    def names(self) -> list[str]:
        """All names, in the Pool's order."""
        return list(self._tools)

    def pick(self, names: Iterable[str]) -> list[SafeTool]:
        """Return some tools.

        Raises:
            CallError: RequestRefused for a name that the Pool does not have.
        """
        wanted = list(names)
        unknown = [name for name in wanted if name not in self._tools]
        if unknown:
            allowed = ", ".join(self._tools) or "none"
            raise CallError(
                Reason.REQUEST_REFUSED,
                f"the Pool has no tool {unknown[0]!r}; it has {allowed}",
            )
        return [self._tools[name] for name in wanted]


def _build(config: ToolConfig, executor: Executor) -> SafeTool:
    function = imports.load(config.path, "tool")
    if isinstance(function, dspy.Tool):
        function = function.func
    if not callable(function):
        raise imports.unusable(config.path, "tool", f"{type(function).__name__}, not callable")
    try:
        return SafeTool(func=function, name=config.name).run_in(executor)
    except Exception as error:
        raise imports.unusable(config.path, "tool", f"{type(error).__name__}: {error}") from error
