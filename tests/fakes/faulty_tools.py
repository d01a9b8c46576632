"""Tools that go wrong in every way that a worker must survive."""

import asyncio
import datetime
import enum
import os
import sys
import threading
from pathlib import Path
from typing import Any

import dspy
import pydantic

release = threading.Event()
"""Lets `blocks` end."""


class Unit(enum.Enum):
    """A unit."""

    C = "C"
    F = "F"


class Place(pydantic.BaseModel):
    """Where."""

    city: str
    since: datetime.date | None = None


class Picky(pydantic.BaseModel):
    """Fails while it is built."""

    name: str

    @pydantic.field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return {"a": "b"}[name]


def picky(value: Picky) -> str:
    """Take what is hard to please."""
    return value.name


def weather(place: Place, unit: Unit = Unit.C, days: int = 1) -> str:
    """Tell the weather."""
    return f"{place.city} since {place.since} in {unit.name} for {days}"


def gathers(word: str, *rest: str, **more: Any) -> dict[str, Any]:
    """Take anything besides a word."""
    return {"word": word, **more}


def positional(word: str, /) -> str:
    """Take what can't be given by name."""
    return word


def blocks() -> str:
    """Work until it is let go."""
    release.wait(60)
    return "late"


async def awaits_for_ever() -> str:
    """Wait for what never comes."""
    await asyncio.Event().wait()
    return "never"


async def catches_its_cancellation() -> str:
    """Go on when it is told to end."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0.05)
    return "stubborn"


async def cancels_itself() -> str:
    """Raise what only a caller should."""
    raise asyncio.CancelledError


def exits() -> str:
    """End the process."""
    sys.exit(3)


async def exits_on_the_loop() -> str:
    """End the process, from the loop."""
    sys.exit(3)


def stops_iteration() -> str:
    """Raise what no future can hold."""
    raise StopIteration("no more")


def group() -> str:
    """Raise a group."""
    raise ExceptionGroup("many", [ExceptionGroup("inner", [LookupError("the first")])])


class UnprintableError(Exception):
    """An exception that can't be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def unprintable() -> str:
    """Raise what can't be shown."""
    raise UnprintableError


def endless_error() -> str:
    """Raise 10 MB of text."""
    raise ValueError("x" * 10_000_000)


def prints() -> str:
    """Print 10 MB, to both streams."""
    for stream in (sys.stdout, sys.stderr):
        for _ in range(100):
            stream.write("y" * 99_999 + "\n")
    return "printed"


def long_list() -> list[int]:
    """Return 10 MB of numbers."""
    return list(range(1_500_000))


async def long_text() -> str:
    """Return 10 MB of text."""
    return "z" * 10_000_000


def secretive() -> str:
    """Raise what holds a secret, and what looks like one."""
    token = os.environ["SHOP_TOKEN"]
    raise ConnectionError(f"GET https://me:hush-hush@shop.example Authorization: Bearer {token}")


def tells_a_secret() -> dict[str, str]:
    """Return a secret."""
    return {"asked with": os.environ["SHOP_TOKEN"]}


def forks(path: str) -> str:
    """Come back twice: from a child, too."""
    child = os.fork()
    if child == 0:
        return "the child"
    Path(path).write_text(str(child))
    return "the parent"


described = dspy.Tool(
    lambda **given: sorted(given),
    name="odd",
    desc="Sort names.",
    args={"names": {"type": "array"}},
    arg_types={"names": list},
)


class WithTools(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Calls a tool from its thread."""

    def forward(self, tool: dspy.Tool) -> dspy.Prediction:
        """Call it."""
        return dspy.Prediction(answer=str(tool(word="five")))


class CallsOnTheLoop(dspy.Module):  # type: ignore[misc]  # dspy has no types
    """Calls a tool where it would block everybody."""

    async def aforward(self, tool: dspy.Tool) -> dspy.Prediction:
        """Call it."""
        return dspy.Prediction(answer=str(tool(word="five")))
