"""A World on a desk: a test puts objects there, asks a controller, and carries its decision out."""

import copy
import datetime
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from dspex.controllers.decision import Decision
from dspex.controllers.execute import own_status
from dspex.controllers.key import Key
from dspex.controllers.world import WORKER, Unread, World
from dspex.kube.kind import CONFIG_MAP, SECRET, Kind
from fakes.items import Object

NAMESPACE = "shop"
NOW = datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.UTC)

Decide = Callable[[Object, World, datetime.datetime], Decision]


class Desk:
    """What is known of a cluster, and a reconciler that does one thing at a time.

    Attributes:
        world: What is known.
        now: The time of day.
        foreign: Answers for what nobody watches; None for all others.
    """

    def __init__(self) -> None:
        self.world = World()
        self.now = NOW
        self.foreign: dict[Key, Object | None] = {}
        self._version = 0
        self._made: Counter[tuple[Kind, str]] = Counter()

    @property
    def time(self) -> str:
        """The time as Kubernetes writes it."""
        return stamp(self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += datetime.timedelta(seconds=seconds)

    def put(self, item: Object) -> Object:
        """Put an object there, with what an API server adds; what is so already is no new version."""
        item = copy.deepcopy(item)
        kind, metadata = Kind.of(item), item["metadata"]
        metadata.setdefault("namespace", NAMESPACE)
        before = self.world.known(Key(kind, metadata["namespace"], metadata["name"]))
        known = before["metadata"] if before is not None else {}
        if before is not None and _content(item) == _content(before):
            return copy.deepcopy(before)
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        metadata.setdefault("uid", known.get("uid") or self._uid(kind, metadata["name"]))
        metadata.setdefault("creationTimestamp", known.get("creationTimestamp") or self.time)
        generation = known.get("generation", 0)
        changed = before is None or before.get("spec") != item.get("spec")
        metadata["generation"] = generation + changed
        self.world.put(kind, item)
        return item

    def get(self, kind: Kind, name: str) -> Object:
        """Return an object that is there."""
        found = self.world.known(Key(kind, NAMESPACE, name))
        assert found is not None, f"{kind.name} {name} is not there"
        return copy.deepcopy(found)

    def has(self, kind: Kind, name: str) -> bool:
        """Say whether an object is there."""
        return self.world.known(Key(kind, NAMESPACE, name)) is not None

    def change(self, kind: Kind, name: str, **parts: Any) -> Object:
        """Merge parts into an object: `spec={"suspend": True}`."""
        item = self.get(kind, name)
        merge(item, parts)
        return self.put(item)

    def drop(self, kind: Kind, name: str) -> None:
        """Take an object away."""
        self.world.drop(Key(kind, NAMESPACE, name))

    def source(self, kind: Kind, name: str, data: dict[str, str] | None) -> None:
        """Have somebody's Secret or ConfigMap there, or not (None)."""
        key = Key(kind, NAMESPACE, name)
        item = {"apiVersion": "v1", "kind": kind.name, "metadata": {"name": name}, "data": data}
        self.foreign[key] = None if data is None else item
        self.world.put_foreign(key, self.foreign[key])

    def secret(self, name: str, **data: str) -> None:
        """Have a Secret there."""
        self.source(SECRET, name, data)

    def config_map(self, name: str, **data: str) -> None:
        """Have a ConfigMap there that somebody made."""
        self.source(CONFIG_MAP, name, data)

    def worker(self, address: str, answer: Any) -> None:
        """Have a worker answer so at /readyz."""
        key = Key(WORKER, "", address)
        self.foreign[key] = {"metadata": {}, "answer": answer}
        self.world.put_foreign(key, self.foreign[key])

    def ask(self, decide: Decide, item: Object) -> Decision:
        """Ask a controller, again and again until it has read what it wants to."""
        metadata = item["metadata"]
        key = Key(Kind.of(item), metadata.get("namespace", NAMESPACE), metadata["name"])
        for _ in range(20):
            self.world.begin()
            try:
                return decide(copy.deepcopy(item), self.world, self.now)
            except Unread as lacking:
                missing = lacking.keys
            finally:
                self.world.end(key)
            for each in missing:
                self.world.put_foreign(each, self.foreign.get(each))
        raise AssertionError("it still lacks something")

    def awake(self, kind: Kind, name: str) -> set[str]:
        """Return the names of those that a new version of an object wakes."""
        readers = self.world.put(kind, self._newer(self.get(kind, name)))
        return {each.name for each in readers or ()}

    def do(
        self, item: Object, decision: Decision, owned: frozenset[str] | None = None
    ) -> Object | None:
        """Carry a decision about an object out; return the object, None if it is gone."""
        for each in decision.apply:
            self.put({**each, "status": self._status(each)})
        for each in decision.create:
            if not self.has(Kind.of(each), each["metadata"]["name"]):
                self.put(each)
        for change in decision.change:
            if self.has(change.kind, change.name):
                self.change(change.kind, change.name, **change.patch)
        for ref in decision.delete:
            self.drop(ref.kind, ref.name)
        kind, name = Kind.of(item), item["metadata"]["name"]
        if not self.has(kind, name):
            return None
        if decision.status is not None:
            there = self.get(kind, name)
            others = {
                part: value
                for part, value in (there.get("status") or {}).items()
                if owned is not None and part not in owned
            }
            self.put({**there, "status": {**others, **copy.deepcopy(decision.status)}})
        return self.get(kind, name)

    def _uid(self, kind: Kind, name: str) -> str:
        """Return the uid of a new object; one made anew has another than the one before."""
        self._made[kind, name] += 1
        before = self._made[kind, name] - 1
        return uid_of(kind, f"{name}/{before}" if before else name)

    def _status(self, item: Object) -> Object:
        key = Key(Kind.of(item), NAMESPACE, item["metadata"]["name"])
        return (self.world.known(key) or {}).get("status") or {}

    def _newer(self, item: Object) -> Object:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        return item


def _content(item: Object) -> Object:
    named = ("labels", "annotations", "deletionTimestamp")
    metadata = {name: part for name, part in item["metadata"].items() if name in named}
    rest = {name: part for name, part in item.items() if name != "metadata"}
    return {**rest, "metadata": metadata}


def stamp(moment: datetime.datetime) -> str:
    """Write a moment as Kubernetes does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def uid_of(kind: Kind, name: str) -> str:
    """Return the uid that an object gets on a Desk when it is made the first time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind.plural}/{name}"))


def merge(target: Object, patch: Object) -> None:
    """Merge a patch into an object as JSON merge patches do."""
    for name, part in patch.items():
        if part is None:
            target.pop(name, None)
        elif isinstance(part, dict) and isinstance(target.get(name), dict):
            merge(target[name], part)
        else:
            target[name] = copy.deepcopy(part)


def unchanged(item: Object, decision: Decision, owned: frozenset[str] | None = None) -> bool:
    """Say whether a decision would write no status."""
    return decision.status is None or own_status(item, owned) == decision.status


def condition(status: Object | None, kind: str) -> Object:
    """Return a condition of a status."""
    assert status is not None
    return next(each for each in status["conditions"] if each["type"] == kind)


def text_of(*decisions: Decision) -> str:
    """Return all that decisions would let anybody read."""
    return json.dumps([_parts(each) for each in decisions])


def notes(decision: Decision) -> list[tuple[str, bool]]:
    """Return reasons of a decision's Events, and whether each is a warning."""
    return [(str(each.reason), each.warning) for each in decision.notes]


def _parts(decision: Decision) -> list[Any]:
    said: Iterable[tuple[str, str]] = ((str(each.reason), each.message) for each in decision.notes)
    return [
        decision.apply,
        decision.create,
        [(each.name, each.patch) for each in decision.change],
        [each.name for each in decision.delete],
        decision.status,
        list(said),
    ]
