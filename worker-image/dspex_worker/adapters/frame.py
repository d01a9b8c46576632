"""What an adapter must know of the running call besides the signature that it is given."""

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dspex.bridge.protocol import Feedback

MAX_ANSWER = 4_000
"""Characters of a former answer that the model is shown again."""

MAX_ERRORS = 20
"""Errors of a former answer that it is told."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The running call.

    Attributes:
        outputs: Names of the call's outputs.
        strict: Whether outputs must have their type exactly.
        feedback: Former invalid answers, oldest first.
    """

    outputs: frozenset[str] = frozenset()
    strict: bool = False
    feedback: tuple[Feedback, ...] = ()


_current: contextvars.ContextVar[Frame] = contextvars.ContextVar("frame", default=Frame())  # noqa: B039 frozen


def current() -> Frame:
    """Return the running call's frame."""
    return _current.get()


@contextlib.contextmanager
def framed(frame: Frame) -> Iterator[None]:
    """Make a frame the running call's one."""
    token = _current.set(frame)
    try:
        yield
    finally:
        _current.reset(token)


def feedback_turns(names: set[str]) -> list[dict[str, Any]]:
    """Return the turns that show the model its former answers and what was wrong about them.

    Args:
        names: Outputs of the model call that is prepared; only one that gives all of the call's
            outputs is told, not the steps of an agent before it.
    """
    frame = current()
    if not frame.feedback or not frame.outputs <= names:
        return []
    turns: list[dict[str, Any]] = []
    for former in frame.feedback:
        errors = "\n".join(f"- {error}" for error in former.errors[:MAX_ERRORS])
        answer = former.answer[:MAX_ANSWER] or "(no answer)"
        turns.append({"role": "assistant", "content": answer})
        turns.append(
            {
                "role": "user",
                "content": f"That answer is not valid:\n{errors}\n"
                "Answer again in the same format, with this corrected.",
            }
        )
    return turns
