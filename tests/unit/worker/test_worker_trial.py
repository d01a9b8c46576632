"""Which path a module takes is found by trying it."""

import asyncio
import time
from typing import Any

import dspy
import pytest

from dspex_worker.modules.trial import Path, find_path
from fakes import worker_modules

pytestmark = pytest.mark.slow


class OnlyAsync(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Has no `forward`, and can't work with a placeholder."""

    async def aforward(self, tool: Any) -> Any:
        """Ask a tool."""
        return await tool.acall()


class AsksSynchronously(worker_modules.OnlySync):
    """Has an `aforward` that blocks the loop while the model answers."""

    async def aforward(self, question: str) -> Any:
        """Ask."""
        return self.ask(question=question)


class Swallows(worker_modules.OnlySync):
    """Takes every error for an answer."""

    async def aforward(self, question: str) -> Any:
        """Ask."""
        try:
            return await self.ask.acall(question=question)
        except Exception:  # noqa: BLE001 -- that is what it is about
            return dspy.Prediction(answer="nothing")


class Dawdles(worker_modules.OnlySync):
    """Blocks the loop before it asks anything."""

    async def aforward(self, question: str) -> None:
        """Block."""
        time.sleep(3)


class NeedsMore(worker_modules.OnlySync):
    """Can't work with a placeholder."""

    async def aforward(self, question: str) -> float:
        """Divide."""
        return 1 / float(question)


class Waits(worker_modules.OnlySync):
    """Never asks a model, and ends."""

    async def aforward(self, **_: Any) -> str:
        """Wait."""
        await asyncio.sleep(0)
        return "done"


TESTED: dict[str, tuple[Any, Path]] = {
    "its own aforward": (worker_modules.Shout, Path.LOOP),
    "an aforward that swallows errors": (Swallows, Path.LOOP),
    "an inherited aforward": (worker_modules.OverridesForward, Path.THREAD),
    "no forward": (OnlyAsync, Path.LOOP),
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
