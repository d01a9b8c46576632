"""Modules and tools that a test's Pool allows, by dotted path `fakes.worker_modules.Name`."""

import asyncio
import threading
import time
from typing import Any

import dspy


class Shout(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Asks the model twice and joins the answers; built once, with its own signatures."""

    built = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).built += 1
        self.ask = dspy.Predict("question -> answer")

    async def aforward(self, question: str) -> dspy.Prediction:
        """Run it."""
        first, second = await asyncio.gather(
            self.ask.acall(question=question), self.ask.acall(question=question + "!")
        )
        return dspy.Prediction(answer=f"{first.answer} {second.answer}".upper(), aside="unasked")


class OnlySync(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Has no asynchronous path, and says in which thread it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    def forward(self, question: str) -> dspy.Prediction:
        """Run it."""
        answer = self.ask(question=question).answer
        return dspy.Prediction(answer=f"{answer} in {threading.current_thread().name}")


class OverridesForward(Shout):
    """Inherits an `aforward` that belongs to another `forward`."""

    def forward(self, question: str) -> dspy.Prediction:
        """Run it."""
        return dspy.Prediction(answer="mine")


class NotImplementedAsync(OnlySync):
    """Has an `aforward` that does not work."""

    def forward(self, question: str) -> dspy.Prediction:
        """Run it."""
        return dspy.Prediction(answer="sync")

    async def aforward(self, question: str) -> dspy.Prediction:
        """Do not run it."""
        raise NotImplementedError


class TakesSignature(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Is built with the call's signature."""

    def __init__(self, signature: type[dspy.Signature]) -> None:
        super().__init__()
        self.ask = dspy.Predict(signature)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        """Run it."""
        prediction: dspy.Prediction = await self.ask.acall(**inputs)
        return prediction


class WantsDemos(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Takes demos and returns a bare value."""

    def forward(self, question: str, demos: Any = ()) -> str:
        """Run it."""
        return f"{len(demos)} demos"


class Fails(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Raises."""

    async def aforward(self, question: str) -> dspy.Prediction:
        """Raise, five frames and more deep."""
        return self._deeper(question, 8)

    def _deeper(self, question: str, depth: int) -> dspy.Prediction:
        if depth:
            return self._deeper(question, depth - 1)
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise LookupError("no such thing") from error


class Exits(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Tries to end the process."""

    async def aforward(self, question: str) -> dspy.Prediction:
        """Exit."""
        raise SystemExit(3)


class Odd(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Returns what is no prediction for two outputs, or one that lacks a field."""

    async def aforward(self, question: str) -> Any:
        """Run it."""
        return 3 if question == "bare" else dspy.Prediction(answer="x")


class Blocks(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Asks the model again and again from a thread."""

    asked = 0

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    def forward(self, question: str) -> dspy.Prediction:
        """Run it, as good as for ever."""
        while True:
            type(self).asked += 1
            self.ask(question=question)


class CannotBeBuilt(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Fails in its constructor."""

    def __init__(self) -> None:
        super().__init__()
        raise RuntimeError("no licence")


not_a_module = object()


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def lookup(word: str) -> str:
    """Look a word up."""
    await asyncio.sleep(0)
    return f"{word} means much"


def add_word(word: str) -> str:
    """Say the same in a thread."""
    return f"{word} means much"


def broken(word: str) -> str:
    """Fail, with a message that has no end."""
    raise ValueError("the secret path /opt/app/x.py is broken " + "x" * 5000)


def slow(word: str) -> str:
    """Take a while in the thread that runs it."""
    time.sleep(0.3)
    return threading.current_thread().name


def long_text(word: str) -> str:
    """Return more than a model should read."""
    return "y" * 100_000


returns_awaitable = dspy.Tool(lambda word: lookup(word), name="awaitable", desc="Look it up.")


class Sleeps(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Works in its thread long after everybody has gone."""

    def forward(self, question: str) -> dspy.Prediction:
        """Sleep."""
        time.sleep(600)
        return dspy.Prediction(answer="late")


class OwnAdapter(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Uses an adapter of DSPy's own, and asks for two answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer, size: int")

    async def aforward(self, question: str) -> dspy.Prediction:
        """Run it."""
        with dspy.context(adapter=dspy.JSONAdapter()):
            prediction: dspy.Prediction = await self.ask.acall(question=question)
        return prediction


class TracksUsage(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Reads DSPy's own usage tracker, for itself alone."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = dspy.Predict("question -> answer")

    async def aforward(self, question: str) -> dspy.Prediction:
        """Run it."""
        with dspy.track_usage() as tracker:
            await self.ask.acall(question=question)
        (usage,) = tracker.get_total_tokens().values()
        return dspy.Prediction(answer=str(usage["total_tokens"]))
