"""What a transform is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from dspex.errors import NativeError, Reason
from dspex.native import types
from dspex.native.config import Config, NoConfig, read_config


class Transform(ABC):
    """Turns one value into another. Without state: one instance serves every step.

    Attributes:
        name: Its name in manifests.
        summary: What it does, in one sentence, for the reference page.
        config: The struct of its options.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    config: ClassVar[type[Config]] = NoConfig

    def check(self, config: Mapping[str, Any] | None) -> None:
        """Check a manifest's `config` when a pipeline is compiled; raises CompileError."""
        read_config(self.config, config)

    def apply(self, value: Any, config: Mapping[str, Any] | None = None) -> Any:
        """Return the new value, in wire form as the given one.

        Raises:
            NativeError: `TransformFailed`: the value is not one that it can take.
            CompileError: The config is wrong.
        """
        return self.transform(value, read_config(self.config, config))

    def output_type(
        self, input_type: types.Type, config: Mapping[str, Any] | None = None
    ) -> types.Type:
        """Return the type of the result; `Any` where only running tells.

        Raises:
            CompileError: No value of that type can be taken, or the config is wrong.
        """
        return self.result_type(input_type, read_config(self.config, config))

    @abstractmethod
    def transform(self, value: Any, config: Any) -> Any:
        """Return the new value; `config` is an instance of the class's own struct."""

    @abstractmethod
    def result_type(self, input_type: types.Type, config: Any) -> types.Type:
        """Return the type of the result."""


def failed(message: str) -> NativeError:
    """Say that a value can't be transformed."""
    return NativeError(Reason.TRANSFORM_FAILED, message)


def kind_of(value: Any) -> str:
    """Name a wire value's kind for an error."""
    kinds: dict[type, str] = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return kinds.get(type(value), type(value).__name__)
