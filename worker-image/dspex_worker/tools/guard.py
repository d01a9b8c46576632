"""What stands around every tool: arguments are checked, time is limited, errors are told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dspex_worker.log import logger
from dspex_worker.tools.arguments import Arguments, ArgumentsError
from dspex_worker.tools.redactor import Redactor, encodable

MAX_ERROR: Final = 300
"""Characters of a tool's error that the model is told."""

Work = Callable[[dict[str, Any]], Awaitable[Any]]
"""Runs a tool with arguments that fit; the result is what the model is shown."""

_abandoned: Final[set["asyncio.Task[Any]"]] = set()
"""Tools that were given up and do not end: a task that nothing holds would be lost midway."""


class ToolError(Exception):
    """A tool's failure in words that need no class before them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a tool there may be.

    Attributes:
        timeout: Seconds that one call may take.
        result: Characters of a result.
    """

    timeout: float
    result: int


class Guard:
    """Calls one tool, and never raises: what goes wrong is told to the model.

    Args:
        name: The tool's name.
        arguments: Reads what the model gives.
        work: Runs the tool.
        limits: Its time.
        redactor: Takes secrets out of errors.
        loop: The worker's, for calls from a thread.
    """

    def __init__(
        self,
        name: str,
        arguments: Arguments,
        work: Work,
        *,
        limits: Limits,
        redactor: Redactor,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._work = work
        self._limits = limits
        self._redactor = redactor
        self._loop = loop

    def __deepcopy__(self, _: dict[int, Any]) -> "Guard":
        """Return itself: a module is copied with its tools, not with the worker's threads."""
        return self

    async def call(self, given: Mapping[str, Any]) -> Any:
        """Call the tool; returns what the model is shown."""
        try:
            arguments = self._arguments.read(given)
        except ArgumentsError as error:
            return f"The tool was not called: {encodable(self._redactor.shown(str(error)))}"
        except Exception as error:  # noqa: BLE001 a type's own validator may raise anything
            return self._tell(error)
        task = asyncio.ensure_future(_ended(self._work, arguments))
        try:
            await asyncio.wait({task}, timeout=self._limits.timeout)
        finally:
            # Not awaited: a tool that catches its cancellation would hold up the call for ever.
            if not task.done():
                _abandoned.add(task)
                task.add_done_callback(_abandoned.discard)
                task.cancel()
        if not task.done():
            return self._tell(
                ToolError(
                    f"It took longer than {self._limits.timeout:g} s and was given up; "
                    "what it began may go on"
                )
            )
        if task.cancelled():
            return self._tell(ToolError("It was cancelled from within"))
        result, failure = task.result()
        return result if failure is None else self._tell(failure)

    def call_from_thread(self, given: Mapping[str, Any]) -> Any:
        """Call the tool from a module's thread, which waits; on the loop itself it is refused."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(self.call(given), self._loop).result()
        return self._tell(ToolError("It can't be called here: await its acall(…)"))

    def _tell(self, error: BaseException) -> str:
        logger.info("a tool failed", extra={"tool": self.name, "error": type(error).__name__})
        return tell(error, self._redactor)


async def _ended(work: Work, arguments: dict[str, Any]) -> tuple[Any, BaseException | None]:
    """Return a result or what was raised: exit() in a task would end the whole loop."""
    try:
        return await work(arguments), None
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 whatever it is, the model is told
        return None, error


def tell(error: BaseException, redactor: Redactor) -> str:
    """Return what a model is told of a tool's error: class and message in a line, no traceback."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"The tool failed. {in_a_line(_message(error), redactor)}"


def in_a_line(text: str, redactor: Redactor) -> str:
    """Return a text of any length as one line of 300 characters at most, without secrets."""
    # So much more that no secret is cut in two before it is looked for.
    line = " ".join(text[: 10 * MAX_ERROR + redactor.longest].split())
    shown = encodable(redactor.shown(line))
    return shown if len(shown) <= MAX_ERROR else f"{shown[: MAX_ERROR - 1]}…"


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 an exception may raise in its own __str__
        text = ""
    if isinstance(error, ToolError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
