"""What a native operation is."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar

from dspex.errors import NativeError, Reason
from dspex.native.config import Config, NoConfig, read_config
from dspex.native.field import Field


class NativeOperation(ABC):
    """A step in Python that a package brings; declared as entry point `dspex.native_operations`.

    It runs inside the engine's event loop: an operation that computes for long or waits has to be
    a coroutine and give the loop its turns.

    Attributes:
        name: Its name in manifests, the entry point's.
        inputs: What it takes. The engine validates before it runs.
        outputs: What it gives. The engine validates after it ran.
        config: The struct of its options.
    """

    name: ClassVar[str]
    inputs: ClassVar[tuple[Field, ...]]
    outputs: ClassVar[tuple[Field, ...]]
    config: ClassVar[type[Config]] = NoConfig

    def check(self, config: Mapping[str, Any] | None) -> None:
        """Check a manifest's `config` when a pipeline is compiled; raises CompileError."""
        read_config(self.config, config)

    @abstractmethod
    def run(
        self, inputs: Mapping[str, Any], config: Any
    ) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]:
        """Return the outputs by name, wire values in and out; may be `async def`.

        Args:
            inputs: The validated inputs.
            config: An instance of the class's own struct; see `execute`.

        Any exception fails the step with `NativeFailed`, a `NativeError` with its own reason.
        """


async def execute(
    operation: NativeOperation, inputs: Mapping[str, Any], config: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Run an operation with a manifest's `config`, whether it is a coroutine or not.

    Raises:
        NativeError: `NativeFailed` with the class and message of whatever it raised.
        CompileError: The config is wrong.
    """
    options = read_config(operation.config, config)
    try:
        outcome = operation.run(inputs, options)
        outputs = await outcome if inspect.isawaitable(outcome) else outcome
        return dict(outputs)
    except NativeError:
        raise
    except Exception as error:
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        raise NativeError(
            Reason.NATIVE_FAILED,
            f"{operation.name}: {type(error).__name__}: {error}",
            details={"class": name.removeprefix("builtins.")},
        ) from error
