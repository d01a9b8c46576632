"""What the operator knows of a kind: one Registration each, listed in `dspex.controllers.kinds`."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from dspex.controllers.decision import Decision, Object
from dspex.controllers.world import World
from dspex.kube.kind import Kind

Decide = Callable[[Object, World, datetime.datetime], Decision]
"""Looks at an object and says what follows; a pure function of its arguments.

Whatever it reads from the World wakes the object again when it changes: nothing else has to be
declared. It may raise `Unread` (the World does, for what is not watched) and is then asked again
with what it lacked. `now` has a time zone, UTC.
"""


def _never(_: Object) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A kind that is reconciled.

    Attributes:
        kind: The kind.
        decide: Its controller.
        owned: Keys of status that the operator writes; None: all of them.
        done: Says of an object that there will never be anything to do: `decide` is not asked.
        run: Whether it is a run, whose conditions have Succeeded as well.
        lag: Seconds by which a change of something that was read, but not of the object itself,
            is answered later: a burst of them is then looked at once.
    """

    kind: Kind
    decide: Decide
    owned: frozenset[str] | None = None
    done: Callable[[Object], bool] = _never
    run: bool = False
    lag: float = 0.0
