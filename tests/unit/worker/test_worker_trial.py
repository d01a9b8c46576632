"""Which path a module takes is found by trying it."""

import asyncio
import time
from typing import Any

import dspy
import pytest

from dspex_worker.modules.trial import Path, find_path
from fakes import worker_modules

pytestmark = pytest.mark.slow


class AsksSynchronously(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Has an `aforward` that blocks the loop while the model answers."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    async def aforward(self, question: str) -> Any:
        """Ask."""
        return self.ask(question=question)


class Swallows(worker_modules.Shout):
    """Takes every error for an answer."""

    async def aforward(self, question: str) -> Any:
        """Ask."""
        try:
            return await super().aforward(question)
        except Exception:  # noqa: BLE001 -- that is what it is about
            return dspy.Prediction(answer="nothing")


class Dawdles(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Blocks the loop before it asks anything."""

    async def aforward(self, question: str) -> None:
        """Block."""
        time.sleep(3)


class NeedsMore(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Can't work with a placeholder."""

    async def aforward(self, number: str) -> float:
        """Divide."""
        return 1 / float(number)


class Waits(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Never asks a model, and ends."""

    async def aforward(self, **_: Any) -> str:
        """Wait."""
        await asyncio.sleep(0)
        return "done"


TESTED: dict[str, tuple[Any, Path]] = {
    "its own aforward": (worker_modules.Shout, Path.LOOP),
    "an aforward that swallows errors": (Swallows, Path.LOOP),
    "an inherited aforward": (worker_modules.OverridesForward, Path.THREAD),
    "no aforward": (worker_modules.OnlySync, Path.THREAD),
    "one that is not implemented": (worker_modules.NotImplementedAsync, Path.THREAD),
    "one that asks synchronously": (AsksSynchronously, Path.THREAD),
    "one that blocks": (Dawdles, Path.THREAD),
    "one that a placeholder breaks": (NeedsMore, Path.UNKNOWN),
    "one that asks no model": (Waits, Path.UNKNOWN),
    "DSPy's ChainOfThought": (lambda: dspy.ChainOfThought("question -> answer"), Path.LOOP),
    "DSPy's ReAct": (lambda: dspy.ReAct("question -> answer", tools=[len]), Path.LOOP),
    "DSPy's CodeAct": (lambda: dspy.CodeAct("n -> factorial", tools=[double]), Path.THREAD),
    "DSPy's BestOfN": (
        lambda: dspy.BestOfN(dspy.Predict("q -> a"), 2, lambda given, found: 1.0, 1.0),
        Path.THREAD,
    ),
    "DSPy's MultiChainComparison": (lambda: dspy.MultiChainComparison("q -> a"), Path.THREAD),
}


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


@pytest.mark.filterwarnings("ignore::DeprecationWarning:dspy")
@pytest.mark.filterwarnings("ignore:CodeAct is deprecated")
@pytest.mark.parametrize("name", TESTED)
def test_the_path_is_the_one_that_works(name: str) -> None:
    """An attribute proves nothing: what is inherited may break, what is async may block."""
    make, path = TESTED[name]
    assert find_path(make(), seconds=2) is path
