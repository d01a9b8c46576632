"""A tool that is a Python function: one that is not `async` runs in a thread."""

import contextvars
import functools
import inspect
import os
from collections.abc import Callable
from typing import Any, Final

import dspy

from dspex_worker import imports
from dspex_worker.config import ToolConfig
from dspex_worker.threads import ThreadsStuckError
from dspex_worker.tools.arguments import Arguments
from dspex_worker.tools.guard import Guard, Limits, ToolError, Work
from dspex_worker.tools.observation import observe
from dspex_worker.tools.shared import Shared
from dspex_worker.tools.tool import SafeTool

_GATHERING: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def function_tool(config: ToolConfig, shared: Shared) -> SafeTool:
    """Return the tool of a dotted path.

    Raises:
        ConfigurationError: It can't be imported, or has no usable signature.
    """
    found = imports.load(config.path, "tool")
    function = found.func if isinstance(found, dspy.Tool) else found
    if not callable(function):
        raise imports.unusable(config.path, "tool", f"{type(function).__name__}, not callable")
    try:
        tool = _described(found, function, config.name)
        arguments = Arguments(_schema(tool, function), tool.arg_types)
    except Exception as error:
        raise imports.unusable(config.path, "tool", f"{type(error).__name__}: {error}") from error
    limits = Limits(config.timeout or shared.timeout, config.max_result)
    work = _work(function, shared, limits)
    return tool.guarded(
        Guard(
            config.name,
            arguments,
            work,
            limits=limits,
            redactor=shared.redactor,
            loop=shared.loop,
        )
    )


def _described(found: Any, function: Callable[..., Any], name: str) -> SafeTool:
    """Return the tool with the description that a `dspy.Tool` has, or else the function's own."""
    if isinstance(found, dspy.Tool):
        tool = SafeTool(
            func=function, name=name, desc=found.desc, args=found.args, arg_types=found.arg_types
        )
    else:
        tool = SafeTool(func=function, name=name)
    gathering = {each.name for each in _parameters(function) if each.kind in _GATHERING}
    # DSPy shows *args and **kwargs as arguments of these names, which no call could be right with.
    tool.args = {key: each for key, each in tool.args.items() if key not in gathering}
    return tool


def _schema(tool: SafeTool, function: Callable[..., Any]) -> dict[str, Any]:
    """Return the JSON Schema of a function's arguments."""
    parameters = _parameters(function)
    unnamed = [each.name for each in parameters if each.kind is inspect.Parameter.POSITIONAL_ONLY]
    if unnamed:
        raise TypeError(f"the parameter {unnamed[0]!r} can't be given by name")
    return {
        "type": "object",
        # A default is Python's to fill in, and need not be JSON.
        "properties": {
            name: {key: each for key, each in schema.items() if key != "default"}
            for name, schema in tool.args.items()
        },
        "required": [
            each.name
            for each in parameters
            if each.default is inspect.Parameter.empty and each.kind not in _GATHERING
        ],
        "additionalProperties": any(
            each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters
        ),
    }


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


def _work(function: Callable[..., Any], shared: Shared, limits: Limits) -> Work:
    def shown(result: Any) -> Any:
        return observe(result, limits.result, shared.redactor)

    async def on_loop(arguments: dict[str, Any]) -> Any:
        return shown(await function(**arguments))

    async def in_thread(arguments: dict[str, Any]) -> Any:
        work = functools.partial(
            contextvars.copy_context().run, _call, functools.partial(function, **arguments), shown
        )
        try:
            result, error = await shared.threads.run(work)
        except ThreadsStuckError as stuck:
            raise ToolError(str(stuck)) from stuck
        if isinstance(error, StopIteration):
            # No coroutine can raise it.
            raise ToolError(f"StopIteration: {error}") from error
        if error is not None:
            raise error
        return shown(await result) if inspect.isawaitable(result) else result

    return on_loop if inspect.iscoroutinefunction(inspect.unwrap(function)) else in_thread


def _call(work: Callable[[], Any], shown: Callable[[Any], Any]) -> tuple[Any, BaseException | None]:
    """Return what a function returned or raised; a StopIteration would never reach its caller."""
    process = os.getpid()
    try:
        result = work()
        return (result if inspect.isawaitable(result) else shown(result)), None
    except BaseException as error:  # noqa: BLE001 whatever it is, the model is told
        return None, error
    finally:
        if os.getpid() != process:
            # A child that the function forked came back out of it: a second worker, on the same
            # sockets, which nobody would ever end.
            os._exit(0)
