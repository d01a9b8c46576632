"""Native operations: steps in Python that installed packages bring, one entry point each."""

from dspex.native.operations.base import NativeOperation, execute
from dspex.native.registry import Registry

OPERATIONS: Registry[NativeOperation] = Registry(
    "native operation",
    NativeOperation,
    "dspex.native_operations",
    {},
)


def operation(name: str) -> NativeOperation:
    """Return an operation by its name in manifests; raises CompileError where there is none."""
    return OPERATIONS.get(name)


__all__ = ["OPERATIONS", "NativeOperation", "execute", "operation"]
