"""What a transform is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from dspex.errors import CompileError, Diagnostic, NativeError, Reason
from dspex.native import types
from dspex.native.config import Config, NoConfig, read_config
from dspex.native.kind import kind_of


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


def the_list(value: Any, name: str) -> list[Any]:
    """Return a value that has to be a list, or fail with `TransformFailed`."""
    if not isinstance(value, list):
        raise failed(f"{name} takes a list, not {kind_of(value)}")
    return value


def item_type(input_type: types.Type, name: str) -> types.Type:
    """Return the type of a list's items; `Any` where it can't be told.

    Raises:
        CompileError: A value of the type is no list.
    """
    match input_type:
        case types.ListOf(item) | types.SetOf(item) | types.TupleOf((item,), True):
            return item
        case types.AnyType() | types.UnionOf() | types.TupleOf():
            return types.ANY
    raise wrong_type(name, "a list", "list", input_type)


def wrong_type(
    name: str, takes: str, expected: str, found: types.Type, remedy: str | None = None
) -> CompileError:
    """Say that no value of a type can be taken.

    Args:
        name: The transform.
        takes: What it takes, in words.
        expected: The same as a type.
        found: The input's type.
        remedy: What to do instead.
    """
    return CompileError(
        Diagnostic(
            code="WrongType",
            message=f"{name} takes {takes}",
            expected=expected,
            found=str(found),
            remedy=remedy,
        )
    )
