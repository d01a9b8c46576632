"""A `dspy.Module` of the Pool's own: built once, run as it is.

A class whose constructor has a parameter `signature` is built with the call's signature, once for
each; any other is built once, without arguments, when the worker starts. The call's inputs are
passed by name, and the outputs are read from the prediction by the signature's names. It is shared
by calls that run side by side, so it must keep no state of a call in itself. Whether it runs on the
loop or in a thread is tried when the worker starts: see `trial.py`.
"""

import contextvars
import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import dspy

from dspex.errors import Reason
from dspex.native.signatures import Signature
from dspex_worker import imports
from dspex_worker.failures import CallError, OutputInvalidError
from dspex_worker.log import logger
from dspex_worker.modules.trial import Path, find_path
from dspex_worker.signatures import dspy_signature
from dspex_worker.threads import Threads, ThreadsStuckError


class CustomModule:
    """A class that the Pool allows.

    Args:
        path: Its dotted path.
        threads: Run modules that have no asynchronous path.

    Raises:
        ConfigurationError: It can't be imported, is no `dspy.Module`, or can't be built.
    """

    def __init__(self, path: str, threads: Threads) -> None:
        self.path = path
        self._threads = threads
        self._class = imports.load(path, "module")
        if not (inspect.isclass(self._class) and issubclass(self._class, dspy.Module)):
            raise imports.unusable(path, "module", "no subclass of dspy.Module")
        self._takes_signature = "signature" in inspect.signature(self._class.__init__).parameters
        self._instance = None if self._takes_signature else self._build()
        self.runs_on = self._tried()

    def _build(self) -> Any:
        try:
            return self._class()
        except Exception as error:
            found = f"{type(error).__name__} when it was built: {error}"
            raise imports.unusable(self.path, "module", found) from error

    def _tried(self) -> Path:
        """Return on what it runs."""
        module = self._instance
        if module is None:
            try:
                module = self._class(signature=dspy.Signature("question -> answer"))
            except Exception:  # noqa: BLE001 -- it may want a signature of a certain kind
                return Path.UNKNOWN
        path = find_path(module)
        logger.info("a module was tried", extra={"path": self.path, "runs_on": str(path)})
        return path

    def program(self, signature: Signature) -> "CustomProgram":
        """Return what runs calls of a signature."""
        module = self._instance or self._class(signature=dspy_signature(signature))
        return CustomProgram(module, signature, self._threads, self.runs_on)


class CustomProgram:
    """An instance of a Pool's own module."""

    def __init__(self, module: Any, signature: Signature, threads: Threads, path: Path) -> None:
        self.signature = signature
        self._module = module
        self._threads = threads
        self._path = path

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it; demos are its own business and are given where it asks for them."""
        arguments = dict(inputs)
        if demos and _accepts(self._module, "demos"):
            arguments["demos"] = list(demos)
        prediction = await self._call(arguments)
        return _outputs(prediction, self.signature)

    async def _call(self, arguments: dict[str, Any]) -> Any:
        if self._path is not Path.THREAD:
            try:
                return await self._module.acall(**arguments)
            except NotImplementedError:
                self._path = Path.THREAD
        work = functools.partial(contextvars.copy_context().run, self._module, **arguments)
        try:
            return await self._threads.run(work)
        except ThreadsStuckError as error:
            raise CallError(Reason.WORKER_UNAVAILABLE, str(error)) from error


def _accepts(module: Any, name: str) -> bool:
    return name in inspect.signature(module.forward).parameters


def _outputs(prediction: Any, signature: Signature) -> dict[str, Any]:
    if isinstance(prediction, (dspy.Example, Mapping)):
        values = dict(prediction.items())
        return {
            field.name: values[field.name] for field in signature.outputs if field.name in values
        }
    if len(signature.outputs) == 1:
        return {signature.outputs[0].name: prediction}
    raise OutputInvalidError(
        [f"the module returned {type(prediction).__name__}, not a dspy.Prediction"]
    )
