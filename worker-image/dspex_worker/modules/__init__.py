"""What runs a call: DSPy's modules, one file each, behind one small interface."""

from dspex_worker.modules.program import ModuleArguments, Program
from dspex_worker.modules.registry import Modules

__all__ = ["ModuleArguments", "Modules", "Program"]
