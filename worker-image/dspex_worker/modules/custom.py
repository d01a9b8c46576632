"""A `dspy.Module` of the Pool's own: built once, run as it is.

A class whose constructor has a parameter `signature` is built with the call's signature, once for
each; any other is built once, without arguments, when the worker starts. The call's inputs are
passed by name, and the outputs are read from the prediction by the signature's names. It is shared
by calls that run side by side, so it must keep no state of a call in itself.
"""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import dspy

from dspex.native.signatures import Signature
from dspex_worker import imports
from dspex_worker.failures import OutputInvalidError
from dspex_worker.signatures import dspy_signature


class CustomModule:
    """A class that the Pool allows.

    Args:
        path: Its dotted path.
        executor: Runs modules that have no asynchronous path.

    Raises:
        ConfigurationError: It can't be imported, is no `dspy.Module`, or can't be built.
    """

    def __init__(self, path: str, executor: Executor) -> None:
        self.path = path
        self._executor = executor
        self._class = imports.load(path, "module")
        if not (inspect.isclass(self._class) and issubclass(self._class, dspy.Module)):
            raise imports.unusable(path, "module", "no subclass of dspy.Module")
        self._takes_signature = "signature" in inspect.signature(self._class.__init__).parameters
        self._instance = None if self._takes_signature else self._build()

    def _build(self) -> Any:
        try:
            return self._class()
        except Exception as error:
            found = f"{type(error).__name__} when it was built: {error}"
            raise imports.unusable(self.path, "module", found) from error

    def program(self, signature: Signature) -> "CustomProgram":
        """Return what runs calls of a signature."""
        module = self._instance or self._class(signature=dspy_signature(signature))
        return CustomProgram(module, signature, self._executor)


class CustomProgram:
    """An instance of a Pool's own module."""

    def __init__(self, module: Any, signature: Signature, executor: Executor) -> None:
        self.signature = signature
        self._module = module
        self._executor = executor
        self._asynchronous = has_async_path(type(module))

    async def run(self, inputs: dict[str, Any], demos: Sequence[Any]) -> dict[str, Any]:
        """Run it; demos are its own business and are given where it asks for them."""
        arguments = dict(inputs)
        if demos and _accepts(self._module, "demos"):
            arguments["demos"] = list(demos)
        prediction = await self._call(arguments)
        return _outputs(prediction, self.signature)

    async def _call(self, arguments: dict[str, Any]) -> Any:
        if self._asynchronous:
            try:
                return await self._module.acall(**arguments)
            except NotImplementedError:
                self._asynchronous = False
        work = functools.partial(contextvars.copy_context().run, self._module, **arguments)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def has_async_path(kind: type) -> bool:
    """Say whether a module's `aforward` belongs to its `forward`.

    An inherited `aforward` beside a newer `forward` is another module's.
    """
    order = [
        next((place for place, base in enumerate(kind.__mro__) if name in vars(base)), None)
        for name in ("aforward", "forward")
    ]
    aforward, forward = order
    if aforward is None:
        return False
    return forward is None or aforward <= forward


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
