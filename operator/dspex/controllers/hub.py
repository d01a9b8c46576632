"""Between the watch and the work: what is seen goes into the World, and wakes whom it concerns."""

from collections.abc import Iterable, Mapping
from typing import Final

from dspex.controllers.decision import Object
from dspex.controllers.key import Key
from dspex.controllers.queue import WorkQueue
from dspex.controllers.registration import Registration
from dspex.controllers.world import World
from dspex.kube.kind import NAMESPACE, PIPELINE_RUN, POOL, Kind

INHABITED: Final = frozenset({POOL, PIPELINE_RUN})
"""An object of these makes its namespace one that the operator looks after."""


class Hub:
    """Takes in what the watch sees and what the executor wrote.

    Args:
        world: What is known.
        queue: What is to be looked at.
        registrations: Of the kinds that have a controller.
    """

    def __init__(
        self, world: World, queue: WorkQueue, registrations: Mapping[Kind, Registration]
    ) -> None:
        self.world = world
        self.queue = queue
        self.registrations = registrations
        self._spaces: set[str] = set()

    def put(self, kind: Kind, item: Object, *, but: Key | None = None) -> None:
        """Take in an object; wake it and those who have read it.

        Args:
            kind: Its kind.
            item: The object.
            but: Whom not to wake: who wrote it, and knows.
        """
        readers = self.world.put(kind, item)
        if readers is None:
            return
        key = _key(kind, item)
        registration = self.registrations.get(kind)
        if registration is not None and key != but and not registration.done(item):
            self.queue.add(key)
        if kind in INHABITED and key.namespace not in self._spaces:
            self._spaces.add(key.namespace)
            if NAMESPACE in self.registrations:
                self.queue.add(Key(NAMESPACE, "", key.namespace))
        self.wake(readers - {key}, but=but)

    def drop(self, key: Key, uid: str = "", version: int = 0) -> None:
        """Forget an object that is gone; wake those who have read it.

        Args:
            key: Its name.
            uid: Only this very one; empty for any.
            version: resourceVersion of its end, where that is known.
        """
        if self.world.known(key) is None:
            return
        readers = self.world.drop(key, uid, version)
        if self.world.known(key) is None:
            self.world.leave(key)
            self.wake(readers - {key})

    def put_foreign(self, key: Key, item: Object | None) -> None:
        """Take in what is not watched; wake those who have read it."""
        self.wake(self.world.put_foreign(key, item))

    def wake(self, readers: Iterable[Key], *, but: Key | None = None) -> None:
        """Have objects looked at because something that they read has changed."""
        for reader in readers:
            registration = self.registrations.get(reader.kind)
            if registration is not None and reader != but:
                self.queue.add(reader, registration.lag)


def _key(kind: Kind, item: Object) -> Key:
    metadata = item["metadata"]
    return Key(kind, metadata.get("namespace", ""), metadata["name"])
