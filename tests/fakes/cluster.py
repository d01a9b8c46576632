"""A cluster in memory: objects as an API server keeps them, and the events that a watch shows.

What the operator leans on is as in Kubernetes: uids, generations, resourceVersions and refusals of
stale ones, server-side apply that takes away what is left out and writes nothing that is so,
children that go with their owner, watches that break off and versions too old for them. Not here:
schemas, rights, admission, finalizers. `handle` answers a request; no network is involved.
"""

import copy
import dataclasses
import datetime
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dspex.kube.kind import KINDS, NAMESPACE, Kind

Object: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[Kind, str, str]

OURS = "dspex.dev/v1alpha1"
APPLY = "application/apply-patch+yaml"
CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
"""Nobody asks for one; but kopf looks for the kind before it begins."""


class Refusal(Exception):  # noqa: N818 -- an answer, as the API server gives it
    """Why a request is not done."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def body(self) -> Object:
        """The Status that is answered."""
        return {
            "kind": "Status",
            "code": self.status,
            "reason": self.reason,
            "message": str(self),
        }


@dataclass(frozen=True)
class Ask:
    """A request, and with what status it was answered.

    Attributes:
        method: In capitals.
        path: Without the query.
        query: The query.
        body: The JSON that was sent.
        content: Its content type.
        accept: What is wanted.
        token: Who asks: the header Authorization.
        status: The answer's; 0 until it is there.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: str = ""
    accept: str = ""
    token: str = ""
    status: int = 0

    @property
    def writes(self) -> bool:
        """Whether it wants to change something."""
        return self.method != "GET"


@dataclass(frozen=True)
class Seen:
    """What a watch shows: an object before and after a change."""

    version: int
    kind: Kind
    before: Object | None
    after: Object | None


class Cluster:
    """Objects by kind, namespace and name; used from several threads.

    Attributes:
        objects: What is there; change it by the methods alone.
        asked: Every request, in order.
        changed: Held for every change, and told of it.
        served: Kinds that there are; those of dspex.dev may come later.
        answers: What paths answer that are no objects.
        refuse: Looks at each request first, and may raise a Refusal.
        listeners: Called after each change.
    """

    def __init__(self, served: Iterable[Kind] = (*KINDS, CRD)) -> None:
        self.objects: dict[Place, Object] = {}
        self.asked: list[Ask] = []
        self.changed = threading.Condition()
        self.served = set(served)
        self.answers: dict[str, Any] = {}
        self.refuse: Callable[[Ask], None] = lambda _: None
        self.listeners: list[Callable[[], None]] = []
        self.oldest = 0
        self._version = 1000
        self._events: list[Seen] = []
        self._applied: dict[tuple[Place, str, str], Object] = {}

    # For tests.

    def add(self, item: Object) -> Object:
        """Put an object there as it is given, status and all; return it as it is kept."""
        with self.changed:
            return self._keep(_place(item), item)

    def edit(self, kind: Kind, namespace: str, name: str, patch: Object) -> Object:
        """Change an object as a person does, by a merge patch."""
        with self.changed:
            place = (kind, namespace, name)
            new = copy.deepcopy(self._there(place))
            _merge(new, patch)
            return self._keep(place, new)

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Take an object away, with what it owns."""
        with self.changed:
            self._remove((kind, namespace, name))

    def item(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, None if it is not there."""
        with self.changed:
            return copy.deepcopy(self.objects.get((kind, namespace, name)))

    def condition(self, kind: Kind, namespace: str, name: str, type_: str) -> Object:
        """Return a condition of an object, an empty one if there is none."""
        found = (self.item(kind, namespace, name) or {}).get("status", {}).get("conditions", [])
        return next((each for each in found if each["type"] == type_), {})

    def until(self, holds: Callable[[], object], within: float = 30.0) -> None:
        """Wait until something is so; it is looked at after each change and each request.

        Raises:
            TimeoutError: It was not so in time.
        """
        with self.changed:
            if not self.changed.wait_for(holds, within):
                lately = [f"{each.method} {each.path} {each.status}" for each in self.asked[-20:]]
                raise TimeoutError("\n".join(["not within the time; the last requests:", *lately]))

    def writes(self, *, but: Iterable[Kind] = ()) -> list[Ask]:
        """Return the requests that wanted to change something, apart from those to some kinds."""
        with self.changed:
            roots = [f"/{kind.plural}" for kind in but]
            return [
                each
                for each in self.asked
                if each.writes and not any(root in each.path for root in roots)
            ]

    def compact(self) -> None:
        """Forget what happened so far: a watch that wants to go on from then is refused."""
        with self.changed:
            self.oldest = self._version

    # For clients.

    def handle(self, ask: Ask) -> tuple[int, Any]:
        """Answer a request with a status and JSON."""
        with self.changed:
            try:
                self.refuse(ask)
                status, answer = self._answer(ask)
            except Refusal as refusal:
                status, answer = refusal.status, refusal.body
            self.note(ask, status)
            return status, copy.deepcopy(answer)

    def note(self, ask: Ask, status: int) -> None:
        """Write down a request and its answer's status."""
        with self.changed:
            self.asked.append(dataclasses.replace(ask, status=status))
            self.changed.notify_all()

    def find(self, path: str) -> tuple[Kind, str, str, str]:
        """Return kind, namespace, name and subresource of a path.

        Raises:
            Refusal: There is no such kind.
        """
        for kind in self.served:
            root = kind.path().removesuffix(kind.plural)
            rest = path.removeprefix(root).split("/") if path.startswith(root) else []
            namespace = ""
            if len(rest) > 2 and rest[0] == "namespaces":
                namespace, rest = rest[1], rest[2:]
            if rest and rest[0] == kind.plural:
                name, subresource = [*rest[1:], "", ""][:2]
                return kind, namespace, name, subresource
        raise Refusal(404, "NotFound", "the server could not find the requested resource")

    def since(self, version: int, kind: Kind, namespace: str, selector: str) -> list[Object]:
        """Return what a watch shows of a kind after a version.

        Raises:
            Refusal: The version is too old.
        """
        with self.changed:
            if version < self.oldest:
                raise Refusal(410, "Expired", f"too old resource version: {version}")
            seen = [each for each in self._events if each.kind == kind and each.version > version]
            shown = (_shown(each, namespace, selector) for each in seen)
            return copy.deepcopy([each for each in shown if each is not None])

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self._version

    def _answer(self, ask: Ask) -> tuple[int, Any]:
        if ask.path in self.answers:
            return 200, self.answers[ask.path]
        if (found := self._discovery(ask.path)) is not None:
            return 200, found
        kind, namespace, name, subresource = self.find(ask.path)
        place = (kind, namespace, name)
        if ask.method == "GET":
            return 200, self._there(place) if name else self._list(ask, kind, namespace)
        if ask.method == "POST":
            return 201, self._create(kind, namespace, ask.body)
        if ask.method == "PATCH":
            return 200, self._patch(ask, place, subresource)
        if ask.method == "PUT":
            return 200, self._replace(place, ask.body)
        return 200, self._delete(place, ask.body or {})

    def _list(self, ask: Ask, kind: Kind, namespace: str) -> Object:
        items = list(self._matching(kind, namespace, ask.query.get("labelSelector", "")))
        metadata = {"resourceVersion": str(self._version)}
        if "limit" in ask.query:
            first = int(ask.query.get("continue") or 0)
            end = first + int(ask.query["limit"])
            if end < len(items):
                metadata["continue"] = str(end)
            items = items[first:end]
        head = {"apiVersion": kind.version, "kind": f"{kind.name}List"}
        if "PartialObjectMetadataList" in ask.accept:
            # As the API server has it: null where there is none.
            bare = [{"metadata": each["metadata"]} for each in items]
            return {**head, "metadata": metadata, "items": bare or None}
        return {**head, "metadata": metadata, "items": items}

    def _matching(self, kind: Kind, namespace: str, selector: str) -> Iterator[Object]:
        for (each, space, _), item in self.objects.items():
            if each == kind and namespace in ("", space) and selects(selector, item):
                yield item

    def _there(self, place: Place) -> Object:
        if place not in self.objects:
            raise Refusal(404, "NotFound", f'{place[0].plural} "{place[2]}" not found')
        return self.objects[place]

    def _create(self, kind: Kind, namespace: str, body: Object) -> Object:
        place = (kind, namespace, body["metadata"]["name"])
        if place in self.objects:
            raise Refusal(409, "AlreadyExists", f'{kind.plural} "{place[2]}" already exists')
        return self._keep(place, {name: part for name, part in body.items() if name != "status"})

    def _patch(self, ask: Ask, place: Place, subresource: str) -> Object:
        if ask.content == APPLY:
            return self._apply(place, ask.query["fieldManager"], subresource, ask.body)
        new = copy.deepcopy(self._there(place))
        patch = {"status": ask.body.get("status", {})} if subresource else ask.body
        _same(self.objects[place], ask.body)
        _merge(new, patch)
        return self._keep(place, new)

    def _apply(self, place: Place, manager: str, subresource: str, body: Object) -> Object:
        if subresource or body["metadata"].get("uid"):
            _same(self._there(place), body)
        new = copy.deepcopy(self.objects.get(place, {"metadata": {}}))
        kept = ("labels", "annotations", "ownerReferences", "name", "namespace")
        metadata = {name: part for name, part in body["metadata"].items() if name in kept}
        part = {**body, "metadata": metadata}
        if subresource:
            part = {subresource: body.get(subresource, {})}
        owner = (place, manager, subresource)
        _take_away(new, self._applied.get(owner, {}), part)
        _lay_over(new, part)
        self._applied[owner] = copy.deepcopy(part)
        return self._keep(place, new)

    def _replace(self, place: Place, body: Object) -> Object:
        _same(self._there(place), body)
        return self._keep(place, body)

    def _delete(self, place: Place, options: Object) -> Object:
        item = self._there(place)
        _same(item, {"metadata": options.get("preconditions", {})})
        self._remove(place)
        return item

    def _keep(self, place: Place, item: Object) -> Object:
        """Store an object as a new version, unless it is so already."""
        before = self.objects.get(place)
        if before is not None and _content(item) == _content(before):
            return before
        self._version += 1
        kind, namespace, _ = place
        own = (before or item)["metadata"]
        generation = own.get("generation", 0 if before is not None else 1)
        changed = before is not None and _spec(before) != _spec(item)
        metadata = {
            **item["metadata"],
            **({"namespace": namespace} if namespace else {}),
            "uid": own.get("uid") or f"uid-{self._version}",
            "creationTimestamp": own.get("creationTimestamp") or _now(),
            "generation": generation + changed,
            "resourceVersion": str(self._version),
        }
        head = {"apiVersion": kind.version, "kind": kind.name}
        stored = copy.deepcopy({**item, **head, "metadata": metadata})
        self.objects[place] = stored
        self._tell(Seen(self._version, kind, before, stored))
        return stored

    def _remove(self, place: Place) -> None:
        gone = self.objects.pop(place)
        for owner in [each for each in self._applied if each[0] == place]:
            del self._applied[owner]
        self._version += 1
        metadata = {**gone["metadata"], "resourceVersion": str(self._version)}
        last = {**gone, "metadata": metadata}
        self._tell(Seen(self._version, place[0], last, None))
        uid = gone["metadata"]["uid"]
        for child, item in list(self.objects.items()):
            owners = item["metadata"].get("ownerReferences") or ()
            if child in self.objects and uid in [each["uid"] for each in owners]:
                self._remove(child)

    def _tell(self, seen: Seen) -> None:
        self._events.append(seen)
        self.changed.notify_all()
        for listener in self.listeners:
            listener()

    def _discovery(self, path: str) -> Object | None:
        versions = sorted({kind.version for kind in self.served})
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/apis":
            groups = [each.split("/") for each in versions if "/" in each]
            return {"groups": [_group(name, version) for name, version in groups]}
        version = path.removeprefix("/apis/") if path != "/api/v1" else "v1"
        kinds = [kind for kind in self.served if kind.version == version]
        return {"resources": [_resource(kind) for kind in kinds]} if kinds else None


def selects(selector: str, item: Object) -> bool:
    """Say whether an object has the labels that a selector names; only `a=b` is known here."""
    labels = item["metadata"].get("labels") or {}
    wanted = [each.partition("=") for each in selector.split(",") if each]
    return all(labels.get(name) == value for name, _, value in wanted)


def _place(item: Object) -> Place:
    metadata = item["metadata"]
    return Kind.of(item), metadata.get("namespace", ""), metadata["name"]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _same(there: Object, given: Object) -> None:
    """Refuse a request that means another object, or an older version of it."""
    for name in ("uid", "resourceVersion"):
        wanted = given.get("metadata", {}).get(name)
        if wanted and wanted != there["metadata"][name]:
            raise Refusal(409, "Conflict", f"{name} is {there['metadata'][name]}, not {wanted}")


def _content(item: Object) -> str:
    own = ("uid", "creationTimestamp", "generation", "resourceVersion", "name", "namespace")
    metadata = {name: part for name, part in item["metadata"].items() if name not in own and part}
    rest = {name: part for name, part in item.items() if name not in ("kind", "apiVersion")}
    return json.dumps({**rest, "metadata": metadata}, sort_keys=True)


def _spec(item: Object) -> Object:
    return {name: part for name, part in item.items() if name not in ("metadata", "status")}


def _shown(seen: Seen, namespace: str, selector: str) -> Object | None:
    """Return a change as a watch of some objects shows it; None where it shows nothing."""

    def watched(item: Object | None) -> bool:
        if item is None or namespace not in ("", item["metadata"].get("namespace", "")):
            return False
        return selects(selector, item)

    if watched(seen.after):
        kind = "MODIFIED" if watched(seen.before) else "ADDED"
        return {"type": kind, "object": seen.after}
    return {"type": "DELETED", "object": seen.before} if watched(seen.before) else None


def _merge(target: Object, patch: Object) -> None:
    for name, part in patch.items():
        if part is None:
            target.pop(name, None)
        elif isinstance(part, dict) and isinstance(target.get(name), dict):
            _merge(target[name], part)
        else:
            target[name] = copy.deepcopy(part)


def _lay_over(target: Object, part: Object) -> None:
    for name, value in part.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _lay_over(target[name], value)
        elif name == "conditions":
            # A list-map: what is there keeps its place.
            known = {each["type"]: each for each in target.get(name, ())}
            target[name] = list((known | {each["type"]: each for each in value}).values())
        else:
            target[name] = copy.deepcopy(value)


def _take_away(target: Object, before: Object, part: Object) -> None:
    """Take away what a manager applied before and leaves out now."""
    for name, value in before.items():
        if name not in part:
            target.pop(name, None)
        elif isinstance(value, dict) and isinstance(target.get(name), dict):
            _take_away(target[name], value, part[name])
        elif name == "conditions":
            left = {each["type"] for each in value} - {each["type"] for each in part[name]}
            target[name] = [each for each in target[name] if each["type"] not in left]


def _group(name: str, version: str) -> Object:
    known = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [known], "preferredVersion": known}


def _resource(kind: Kind) -> Object:
    return {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "kind": kind.name,
        "namespaced": kind not in (NAMESPACE, CRD),
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }
