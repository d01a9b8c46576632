"""Module names to programs, memoised by signature."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from dspex.errors import Reason
from dspex.native.signatures import Signature
from dspex_worker.failures import CallError
from dspex_worker.modules.best_of_n import BestOfNProgram
from dspex_worker.modules.chain_of_thought import ChainOfThoughtProgram
from dspex_worker.modules.custom import CustomModule
from dspex_worker.modules.judges import (
    CompleteAndGroundedProgram,
    DecompositionalSemanticF1Program,
    SemanticF1Program,
)
from dspex_worker.modules.multi_chain_comparison import MultiChainComparisonProgram
from dspex_worker.modules.predict import PredictProgram
from dspex_worker.modules.program import ModuleArguments, Program
from dspex_worker.modules.react import ReActProgram
from dspex_worker.modules.refine import RefineProgram
from dspex_worker.signatures import names_allowed
from dspex_worker.threads import Threads

MEMO: Final = 256
"""Programs that are kept ready."""

# A new module of DSPy's is one file and one line here.
BUILT_IN: Final[dict[str, Callable[[Signature, ModuleArguments], Program]]] = {
    "Predict": PredictProgram,
    "ChainOfThought": ChainOfThoughtProgram,
    "ReAct": ReActProgram,
    "MultiChainComparison": MultiChainComparisonProgram,
    "BestOfN": BestOfNProgram,
    "Refine": RefineProgram,
    "SemanticF1": SemanticF1Program,
    "DecompositionalSemanticF1": DecompositionalSemanticF1Program,
    "CompleteAndGrounded": CompleteAndGroundedProgram,
}


class Modules:
    """The modules that may run here.

    Args:
        allowed: Dotted paths of the Pool's own classes; they are imported now, nothing else ever.
        threads: Run modules that have no asynchronous path.

    Raises:
        ConfigurationError: A class can't be imported or built.
    """

    def __init__(self, allowed: Iterable[str], threads: Threads) -> None:
        self._custom = {path: CustomModule(path, threads) for path in allowed}
        self._built: OrderedDict[tuple[object, ...], Program] = OrderedDict()

    @property
    def names(self) -> list[str]:
        """All names."""
        return [*BUILT_IN, *self._custom]

    def program(self, name: str, signature: Signature, arguments: ModuleArguments) -> Program:
        """Return the program of a module for a signature, built at its first use.

        Raises:
            CallError: RequestRefused for a module that the Pool does not allow.
        """
        key = (name, signature, *arguments.key)
        program = self._built.get(key)
        if program is None:
            with names_allowed():
                program = self._build(name, signature, arguments)
            self._built[key] = program
            if len(self._built) > MEMO:
                self._built.popitem(last=False)
        else:
            self._built.move_to_end(key)
        return program

    def _build(self, name: str, signature: Signature, arguments: ModuleArguments) -> Program:
        if name in BUILT_IN:
            return BUILT_IN[name](signature, arguments)
        if name in self._custom:
            return self._custom[name].program(signature)
        raise CallError(
            Reason.REQUEST_REFUSED,
            f"the Pool does not allow the module {name!r}; it allows {', '.join(self.names)}",
        )
