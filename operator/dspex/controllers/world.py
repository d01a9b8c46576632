"""What the operator knows of the cluster: objects as last seen, and who has read which of them."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from dspex.api.base import Resource
from dspex.api.kinds import KINDS
from dspex.controllers.decision import Object
from dspex.controllers.key import Key
from dspex.kube.kind import CONFIG_MAP, PIPELINE_RUN, SECRET, Kind
from dspex.resources.names import RUN_LABEL

R = TypeVar("R", bound=Resource)

RAW: Final = Kind("", "Path", "")
"""Stands for a path of the API server that is no object, such as its public keys."""

WORKER: Final = Kind("", "Worker", "")
"""Stands for what a worker answers at /readyz, by `host:port`."""

PIPELINE_FIELD: Final = "spec.pipelineRef.name"
"""By this "label" PipelineRuns are found by their Pipeline; it needs no label on them."""

PREFIX: Final = "dspex.dev/"
"""Of the labels that objects are found by."""

MAX_GONE: Final = 1000
"""Objects that were deleted last: an answer about one of them may come late."""

_RESULTS: Final = frozenset({"steps", "outputs", "usage"})

Token = tuple[Kind, str, str]
"""Something that can be read: an object (`/name`), all of a kind (``), or a label's (`a=b`)."""


class Unread(Exception):  # noqa: N818 -- not an error: it asks for what it lacks
    """A controller wants to see what is not watched and was not fetched yet.

    Attributes:
        keys: What it lacks.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)
        super().__init__(", ".join(map(str, self.keys)))


class World:
    """Objects by kind, namespace and name.

    Controllers read, the watch and the executor write. What is returned must not be changed.
    """

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[str, dict[str, Object]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._marked: dict[Token, dict[str, Object]] = defaultdict(dict)
        self._foreign: dict[Key, Object | None] = {}
        self._models: dict[Key, tuple[str, Resource | None]] = {}
        self._readers: dict[Token, set[Key]] = defaultdict(set)
        self._read: dict[Key, set[Token]] = {}
        self._reading: set[Token] = set()
        self._written: dict[Key, dict[str, tuple[str, str]]] = defaultdict(dict)
        self._gone: dict[str, int] = {}
        self.memo: dict[Key, Any] = {}
        """What was computed for an object, such as a compiled plan; forgotten with the object."""

    # What controllers read.

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object of a watched kind, None if it is not there."""
        self._reading.add((kind, namespace, f"/{name}"))
        return self._in(kind, namespace).get(name)

    def list(self, kind: Kind, namespace: str) -> tuple[Object, ...]:
        """Return all objects of a watched kind in a namespace."""
        self._reading.add((kind, namespace, ""))
        return tuple(self._in(kind, namespace).values())

    def any(self, kind: Kind, namespace: str) -> bool:
        """Say whether there is any object of a watched kind in a namespace."""
        self._reading.add((kind, namespace, ""))
        return bool(self._in(kind, namespace))

    def find(self, kind: Kind, namespace: str, label: str, value: str) -> tuple[Object, ...]:
        """Return the objects of a watched kind with a label of ours (or by `PIPELINE_FIELD`)."""
        self._reading.add((kind, namespace, f"{label}={value}"))
        return self.marked(kind, namespace, label, value)

    def read(self, kind: Kind, namespace: str, *names: str) -> dict[str, Object | None]:
        """Return objects that are not watched, by name: ConfigMaps and Secrets that people made.

        Of a Secret, `data` has the keys alone, without values. They are looked at again every few
        seconds as long as somebody reads them.

        Raises:
            Unread: They were not fetched yet; the controller is asked again once they are.
        """
        keys = [Key(kind, namespace, name) for name in names]
        self._reading.update((kind, namespace, f"/{name}") for name in names)
        if lacking := [key for key in keys if key not in self._foreign]:
            raise Unread(lacking)
        return {key.name: self._foreign[key] for key in keys}

    def path(self, path: str) -> Any:
        """Return what a path of the API server answered, such as `/openid/v1/jwks`.

        Raises:
            Unread: It was not fetched yet.
        """
        answer = self.read(RAW, "", path)[path]
        return None if answer is None else answer["answer"]

    def worker(self, host: str, port: int) -> Any:
        """Return what a worker answers at /readyz, None where it does not.

        Raises:
            Unread: It was not asked yet.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        answer = self.read(WORKER, "", address)[address]
        return None if answer is None else answer["answer"]

    def model(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """Return an object's model, None if it is not there or does not fit it.

        It is kept for each generation: its status may be an old one.
        """
        found = self.get(kind, namespace, name)
        if found is None:
            return None
        key, mark = Key(kind, namespace, name), generation_mark(found)
        if self._models.get(key, ("",))[0] != mark:
            self._models[key] = (mark, _model(found))
        return self._models[key][1]

    def models(self, kind: Kind, namespace: str) -> Mapping[str, Resource]:
        """Return a namespace's models by name; only what is asked of it counts as read."""
        return _Models(self, kind, namespace)

    # What watch and executor do.

    def known(self, key: Key) -> Object | None:
        """Return an object without noting that it was read."""
        return self._in(key.kind, key.namespace).get(key.name)

    def marked(self, kind: Kind, namespace: str, label: str, value: str) -> tuple[Object, ...]:
        """Return what `find` does without noting that it was read."""
        return tuple(self._marked.get((kind, namespace, f"{label}={value}"), {}).values())

    def keys(self, kind: Kind) -> tuple[Key, ...]:
        """Return the names of all objects of a kind."""
        spaces = self._objects.get(kind, {})
        return tuple(Key(kind, space, name) for space, names in spaces.items() for name in names)

    def put(self, kind: Kind, item: Object) -> set[Key] | None:
        """Take in an object as it is now; return who has read what it changes.

        None stands for nothing new: this version is known, or a later one, or it is gone.
        """
        metadata = item["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        before = self._in(kind, namespace).get(name)
        if before is not None and not _newer(metadata, before["metadata"]):
            return None
        if _version(metadata) <= self._gone.get(metadata.get("uid", ""), -1):
            return None
        kept = trimmed(kind, item)
        tokens = _tokens(kind, kept)
        if before is not None:
            tokens |= self._unmark(kind, before)
            if before["metadata"].get("uid") != metadata.get("uid"):
                self._forget(Key(kind, namespace, name))
        self._objects[kind][namespace][name] = kept
        for token in _marks(kind, kept):
            self._marked[token][name] = kept
        return self._awake(tokens)

    def drop(self, key: Key, uid: str = "", version: int = 0) -> set[Key]:
        """Forget an object that is gone; return who has read it.

        Args:
            key: Its name.
            uid: Only this very one: a namesake may be there already; empty for any.
            version: resourceVersion of its end, so that what was written before is known as old.
        """
        before = self.known(key)
        if before is None or (uid and before["metadata"].get("uid") != uid):
            return set()
        del self._objects[key.kind][key.namespace][key.name]
        self._bury(before["metadata"], version)
        self._forget(key)
        return self._awake(self._unmark(key.kind, before))

    def wrote(self, key: Key, verb: str, mark: tuple[str, str]) -> None:
        """Remember what was written of an object, until it is gone."""
        if self.known(key) is not None:
            self._written[key][verb] = mark

    def written(self, key: Key, verb: str) -> tuple[str, str] | None:
        """Return what was remembered of an object, None for nothing."""
        return self._written.get(key, {}).get(verb)

    def put_foreign(self, key: Key, item: Object | None) -> set[Key]:
        """Take in what is not watched as it is now, None for nothing; return who has read it."""
        kept = None if item is None else trimmed(key.kind, item)
        if key in self._foreign and self._foreign[key] == kept:
            return set()
        self._foreign[key] = kept
        return self._awake({(key.kind, key.namespace, f"/{key.name}")})

    def foreign(self) -> tuple[Key, ...]:
        """Return what is not watched and still read by somebody; the rest is forgotten."""
        for key in (*self._foreign,):
            if not self._readers.get((key.kind, key.namespace, f"/{key.name}")):
                del self._foreign[key]
        return tuple(self._foreign)

    def begin(self) -> None:
        """Begin to note what is read."""
        self._reading = set()

    def end(self, reader: Key) -> None:
        """Keep what was read since `begin`: a change of it concerns the reader."""
        for token in self._read.get(reader, set()) - self._reading:
            self._readers[token].discard(reader)
            if not self._readers[token]:
                del self._readers[token]
        for token in self._reading:
            self._readers[token].add(reader)
        self._read[reader] = self._reading
        self._reading = set()

    def leave(self, reader: Key) -> None:
        """Forget what an object that is gone had read."""
        self.begin()
        self.end(reader)
        del self._read[reader]

    def _forget(self, key: Key) -> None:
        self._models.pop(key, None)
        self.memo.pop(key, None)
        self._written.pop(key, None)

    def _bury(self, metadata: Object, version: int) -> None:
        uid = metadata.get("uid", "")
        if uid:
            self._gone[uid] = max(version, _version(metadata))
        if len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]

    def _in(self, kind: Kind, namespace: str) -> dict[str, Object]:
        return self._objects.get(kind, {}).get(namespace, {})

    def _unmark(self, kind: Kind, item: Object) -> set[Token]:
        for token in _marks(kind, item):
            marked = self._marked.get(token, {})
            marked.pop(item["metadata"]["name"], None)
            if not marked:
                self._marked.pop(token, None)
        return _tokens(kind, item)

    def _awake(self, tokens: Iterable[Token]) -> set[Key]:
        return {reader for token in tokens for reader in self._readers.get(token, ())}


class _Models(Mapping[str, Resource]):
    """Models of one kind and namespace; looking one up notes that it was read, there or not."""

    def __init__(self, world: World, kind: Kind, namespace: str) -> None:
        self._world = world
        self._place = (kind, namespace)

    def __getitem__(self, name: str) -> Resource:
        found = self._world.model(*self._place, name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        names = [item["metadata"]["name"] for item in self._world.list(*self._place)]
        return iter([name for name in names if name in self])

    def __len__(self) -> int:
        return sum(1 for _ in iter(self))


def generation_mark(item: Object) -> str:
    """Return what changes with an object's spec, and when another one takes its name."""
    metadata = item["metadata"]
    return f"{metadata.get('uid', '')}/{metadata.get('generation', 0)}"


def fingerprint(item: Object) -> str:
    """Return what changes when anybody changes an object, but not with its status."""
    metadata = item["metadata"]
    kept = {name: metadata.get(name) for name in ("uid", "labels", "ownerReferences")}
    # Deployments get such annotations from their own controller.
    notes = metadata.get("annotations") or {}
    kept["annotations"] = {
        name: text for name, text in notes.items() if not name.startswith("deployment.kubernetes")
    }
    rest = {name: part for name, part in item.items() if name not in ("metadata", "status")}
    text = json.dumps([kept, rest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def trimmed(kind: Kind, item: Object) -> Object:
    """Return an object without what is large and never looked at."""
    metadata = {name: part for name, part in item["metadata"].items() if name != "managedFields"}
    kept = {**item, "metadata": metadata}
    if kind is CONFIG_MAP and RUN_LABEL in (metadata.get("labels") or {}):
        # A run's frozen plan: its runner reads it, the operator only its annotation.
        return {name: part for name, part in kept.items() if name not in ("data", "binaryData")}
    if kind is PIPELINE_RUN and "status" in item:
        # Of a run's results its runner writes, and people read, all; the operator none.
        status = {name: part for name, part in item["status"].items() if name not in _RESULTS}
        return {**kept, "status": status}
    if kind is SECRET:
        kept["data"] = dict.fromkeys(item.get("data") or {}, "")
        kept.pop("stringData", None)
    return kept


def _newer(metadata: Object, known: Object) -> bool:
    """Say whether what is seen is not known already; the watch may lag behind our own writes."""
    if metadata.get("uid") != known.get("uid"):
        return _age(metadata) >= _age(known)
    return _version(metadata) > _version(known)


def _age(metadata: Object) -> tuple[str, int]:
    # Created in the same second: the one whose versions are higher came later.
    return str(metadata.get("creationTimestamp", "")), _version(metadata)


def _version(metadata: Object) -> int:
    return int(metadata.get("resourceVersion") or 0)


def _tokens(kind: Kind, item: Object) -> set[Token]:
    """Return all that one reads who sees the object."""
    metadata = item["metadata"]
    namespace = metadata.get("namespace", "")
    one = (kind, namespace, f"/{metadata['name']}")
    return {one, (kind, namespace, ""), *_marks(kind, item)}


def _marks(kind: Kind, item: Object) -> set[Token]:
    """Return the labels that the object is found by."""
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    marks = {f"{name}={text}" for name, text in labels.items() if name.startswith(PREFIX)}
    if kind is PIPELINE_RUN:
        name = item.get("spec", {}).get("pipelineRef", {}).get("name", "")
        marks.add(f"{PIPELINE_FIELD}={name}")
    return {(kind, metadata.get("namespace", ""), mark) for mark in marks}


def _model(item: Object) -> Resource | None:
    known = {
        part: item[part] for part in ("apiVersion", "kind", "metadata", "spec") if part in item
    }
    try:
        return KINDS[item["kind"]].model.model_validate(known, by_alias=True, by_name=False)
    except ValidationError:
        return None
