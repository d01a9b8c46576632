"""Plans of Pipelines, compiled from the World and kept until something that they name changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from dspex.api.pipeline import Pipeline
from dspex.controllers.decision import Object
from dspex.controllers.key import Key
from dspex.controllers.world import World, generation_mark
from dspex.kube.kind import CONFIG_MAP, PIPELINE, POOL, SIGNATURE, Kind
from dspex.pipeline.compile import Compiled, compile_pipeline
from dspex.pipeline.context import Missing, Sources


@dataclass(frozen=True, slots=True)
class Compilation:
    """A compiled Pipeline.

    Attributes:
        compiled: Plan, findings, and what is missing.
        plan_digest: Digest of the plan; empty where there is none.
    """

    compiled: Compiled
    plan_digest: str


def compile_plan(world: World, namespace: str, name: str) -> Compilation | None:
    """Return the compiled Pipeline of a name; None if there is none, or none that fits its model.

    What the Pipeline names counts as read, whether or not it had to be compiled anew.

    Raises:
        Unread: A ConfigMap that it names was not fetched yet.
    """
    pipeline = world.model(PIPELINE, namespace, name)
    if not isinstance(pipeline, Pipeline):
        return None
    key = Key(PIPELINE, namespace, name)
    if key in world.memo:
        marks, compilation = world.memo[key]
        if all(_mark(world, read) == mark for read, mark in marks.items()):
            return cast("Compilation", compilation)
    _prefetch(world, namespace, pipeline)
    reading = _Reading(world, namespace)
    reading.note(key)
    compiled = compile_pipeline(pipeline, reading.sources())
    digest = compiled.plan.digest if compiled.plan is not None else ""
    compilation = Compilation(compiled, digest)
    world.memo[key] = (reading.marks, compilation)
    return compilation


def describe_missing(world: World, namespace: str, missing: tuple[Missing, ...]) -> str:
    """Say what a Pipeline waits for, in one line each; what is there but wrong is told apart."""
    lines = []
    for each in dict.fromkeys(missing):
        kind = {"Signature": SIGNATURE, "Pool": POOL, "Pipeline": PIPELINE}.get(each.kind)
        there = kind is not None and world.get(kind, namespace, each.name) is not None
        place = f" ({each.path})" if each.path else ""
        if there:
            lines.append(f"{each.kind} {each.name} is not valid: see its conditions{place}")
        elif each.key:
            lines.append(f"there is no key {each.key!r} in ConfigMap {each.name}{place}")
        else:
            lines.append(f"there is no {each.kind} {each.name}{place}")
    return "\n".join(lines)


class _Reading:
    """What a compilation looks up, with what it found there."""

    def __init__(self, world: World, namespace: str) -> None:
        self._world = world
        self._namespace = namespace
        self.marks: dict[Key, str] = {}

    def note(self, key: Key) -> None:
        """Remember how something stands that was looked up."""
        self.marks[key] = _mark(self._world, key)

    def sources(self) -> Sources:
        """Return what a Pipeline of the namespace may name."""
        world, namespace = self._world, self._namespace
        kinds: dict[str, Any] = {
            "signatures": _Noted(self, SIGNATURE, world.models(SIGNATURE, namespace)),
            "pools": _Noted(self, POOL, world.models(POOL, namespace)),
            "pipelines": _Noted(self, PIPELINE, world.models(PIPELINE, namespace)),
            "config_maps": _Noted(self, CONFIG_MAP, _Texts(world, namespace)),
        }
        return Sources(**kinds)

    def key(self, kind: Kind, name: str) -> Key:
        """Return the key of something in the namespace; an empty name is all of the kind."""
        return Key(kind, self._namespace, name)


class _Noted(Mapping[str, Any]):
    """Objects by name; what is looked up is noted."""

    def __init__(self, reading: _Reading, kind: Kind, within: Mapping[str, Any]) -> None:
        self._reading = reading
        self._kind = kind
        self._within = within

    def __getitem__(self, name: str) -> Any:
        self._reading.note(self._reading.key(self._kind, name))
        return self._within[name]

    def __iter__(self) -> Iterator[str]:
        self._reading.note(self._reading.key(self._kind, ""))
        return iter(self._within)

    def __len__(self) -> int:
        return len(self._within)


class _Texts(Mapping[str, Mapping[str, str]]):
    """The data of ConfigMaps; which there are is not known, as nobody watches them."""

    def __init__(self, world: World, namespace: str) -> None:
        self._world = world
        self._namespace = namespace

    def __getitem__(self, name: str) -> Mapping[str, str]:
        found = self._world.read(CONFIG_MAP, self._namespace, name)[name]
        if found is None:
            raise KeyError(name)
        return dict(found.get("data") or {})

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _mark(world: World, key: Key) -> str:
    """Return how something stands, so that a change shows; it counts as read."""
    if key.kind is CONFIG_MAP:
        if not key.name:
            return ""
        return _version(world.read(CONFIG_MAP, key.namespace, key.name)[key.name])
    if not key.name:
        return ",".join(sorted(world.models(key.kind, key.namespace)))
    found = world.get(key.kind, key.namespace, key.name)
    return "" if found is None else generation_mark(found)


def _version(item: Object | None) -> str:
    return "" if item is None else str(item["metadata"].get("resourceVersion", ""))


def _prefetch(world: World, namespace: str, pipeline: Pipeline) -> None:
    """Ask for all ConfigMaps at once instead of one after the other."""
    steps = (*pipeline.spec.steps, *pipeline.spec.finally_)
    sources = [step.template.source_from for step in steps if step.template is not None]
    names = {each.config_map_ref.name for each in sources if each is not None}
    if names:
        world.read(CONFIG_MAP, namespace, *sorted(names))
