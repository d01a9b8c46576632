"""What a controller decided: what is to be written, deleted and said; nothing here does it."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from dspex.kube.kind import Kind

Object: TypeAlias = dict[str, Any]
"""An object as the API server has it: JSON."""


@dataclass(frozen=True, slots=True)
class Ref:
    """An object to be deleted, with what it owns.

    Attributes:
        kind: Its kind.
        namespace: Its namespace.
        name: Its name.
        uid: Only this very object, not a namesake made since; empty for any.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A Kubernetes Event about the object: what a person would look for in `kubectl describe`.

    Attributes:
        reason: One CamelCase word.
        message: For a person; cut to 1,024 characters.
        warning: Whether something is wrong.
    """

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A merge patch of an object's metadata or spec, such as the label of a finished run.

    It is left out where the object is already so; the object must be in the World.
    """

    kind: Kind
    namespace: str
    name: str
    patch: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All that follows from looking at one object. Executed in the order of the attributes.

    Attributes:
        apply: Objects that are to be so, whole, by server-side apply; one that is so is left alone.
            A later change of one wakes the object that was looked at: it is put back.
        create: Objects that are made if none of their name is there, and else left as they are.
        change: Merge patches.
        delete: Objects that are to go.
        status: All of the status that the operator owns; None leaves it. Nothing is written where
            it is so already, so times must be carried over (`conditions.carry_over`).
        notes: Events; one that was said of the object lately is not repeated.
        requeue: Seconds after which the object is looked at again, if nothing wakes it before.
    """

    apply: tuple[Object, ...] = ()
    create: tuple[Object, ...] = ()
    change: tuple[Change, ...] = ()
    delete: tuple[Ref, ...] = ()
    status: Object | None = None
    notes: tuple[Note, ...] = ()
    requeue: float | None = None


NOTHING = Decision()
"""All is as it should be."""
