"""Finds out which path a module takes: by trying it, up to its first model call.

Whether a module has an attribute `aforward` says little: it may be another class's, raise
NotImplementedError, or block the loop by asking the model synchronously. So a module is called once
when the worker starts, with placeholders for its inputs, and a model that only notes by which way
it is asked.
"""

import asyncio
import concurrent.futures
import enum
import inspect
from typing import Any, Final

import dspy

TRIAL_SECONDS: Final = 5.0
"""A module that has not come to its model by then is left to a thread."""


class Path(enum.StrEnum):
    """How a module is run."""

    LOOP = "loop"
    THREAD = "thread"
    UNKNOWN = "unknown"
    """It never asked the model: its first real call tells."""


class _Asked(BaseException):
    """Ends the trial. No `except Exception` of a module or an adapter takes it for a failure."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


class _Model(dspy.BaseLM):  # type: ignore[misc]  # dspy has no types
    """A model that answers nothing."""

    def __init__(self) -> None:
        super().__init__(model="trial")

    # Not forward and aforward: DSPy has deprecated a model of one's own by those.
    def __call__(self, *_: Any, **__: Any) -> Any:
        """Note the synchronous way."""
        raise _Asked(Path.THREAD)

    async def acall(self, *_: Any, **__: Any) -> Any:
        """Note the asynchronous way."""
        raise _Asked(Path.LOOP)


def find_path(module: Any, seconds: float = TRIAL_SECONDS) -> Path:
    """Return the path of a module; waits, so it is no work for the loop.

    Args:
        module: An instance of a `dspy.Module`.
        seconds: How long the trial may take.
    """
    if not hasattr(module, "forward"):
        # There is no other way, whatever the trial would say.
        return Path.LOOP
    if _has_newer_forward(type(module)):
        return Path.THREAD
    executor = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="trial")
    found = executor.submit(_try, module)
    try:
        return found.result(seconds)
    except concurrent.futures.TimeoutError:
        return Path.THREAD
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _has_newer_forward(kind: type) -> bool:
    """Say whether a module has a `forward` of its own beside an `aforward` that it inherits.

    The trial might find that one to work: but it is another module's.
    """
    for base in kind.__mro__:
        if "aforward" in vars(base):
            return False
        if "forward" in vars(base):
            return True
    return False


def _try(module: Any) -> Path:
    try:
        with dspy.context(lm=_Model(), adapter=dspy.ChatAdapter(), trace=None, callbacks=[]):
            asyncio.run(_call(module))
    except _Asked as asked:
        return asked.path
    except (NotImplementedError, AttributeError):
        return Path.THREAD
    except BaseException:  # noqa: BLE001 -- placeholders may be what it can't work with
        return Path.UNKNOWN
    return Path.UNKNOWN


async def _call(module: Any) -> None:
    await module.acall(**_placeholders(module))


def _placeholders(module: Any) -> dict[str, str]:
    """Return a text for each input that a module's `forward` asks for."""
    work = getattr(module, "forward", None) or module.aforward
    given = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        each.name: ""
        for each in inspect.signature(work).parameters.values()
        if each.kind in given and each.default is inspect.Parameter.empty
    }
