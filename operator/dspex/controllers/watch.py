"""Watching, by kopf: which kinds, and the few lines that hand over what it sees.

It watches what people write. Of runs, Jobs and pods there are dozens of events a run, and kopf
takes milliseconds for each: those are for reflectors.

kopf watches and nothing else: no handler of the kinds that write annotations and finalizers, no
peering, no Events, and none of its indices: while it fills them, each object that it has seen wakes
the handlers of all others, which takes minutes where there are thousands.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import aiohttp
import kopf

from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.kube.config import ClusterConfig
from dspex.kube.kind import (
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    JOB,
    NETWORK_POLICY,
    PIPELINE,
    PIPELINE_RUN,
    POD,
    POOL,
    ROLE_BINDING,
    SERVICE,
    SERVICE_ACCOUNT,
    SIGNATURE,
    Kind,
)

_IDENTITY: Final[Any] = "dspex"

WRITTEN: Final = (SIGNATURE, POOL, PIPELINE)
"""Kinds that people write: kopf watches them, all objects there are."""

CHILDREN: Final = (
    DEPLOYMENT,
    JOB,
    POD,
    SERVICE,
    CONFIG_MAP,
    SERVICE_ACCOUNT,
    ROLE_BINDING,
    NETWORK_POLICY,
    DISRUPTION_BUDGET,
)
"""Kinds of which the objects with our label are watched; the API server leaves the others out."""

REFLECTED: Final = (PIPELINE_RUN, *CHILDREN)
"""Kinds that reflectors watch."""

ROUNDS: Final = 50
"""How often a watch that has to end is cancelled, a tenth of a second apart."""


async def watch(
    hub: Hub,
    config: ClusterConfig,
    namespaces: tuple[str, ...],
    *,
    began: Callable[[], None],
    relisted: Callable[[Kind], None],
    stop: asyncio.Event,
) -> None:
    """Watch until told to stop.

    Args:
        hub: Takes in what is seen.
        config: Where the API server is.
        namespaces: Those that are watched; empty for all.
        began: Is told that kopf runs: from then on it has taken SIGTERM and SIGINT.
        relisted: Is told of a kind that is listed: a deletion since it was last seen was not.
        stop: Set to end it.
    """
    registry = kopf.OperatorRegistry()
    for kind in WRITTEN:
        _register(registry, kind, hub)
    lists = _Lists(namespaces, relisted)

    @kopf.on.login(registry=registry)
    async def enter(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=config.server, aiohttp_session=_session(config, lists))

    before = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=settings(),
        # kopf would name itself by the user, and a container's user has no name.
        identity=_IDENTITY,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )
    began()
    try:
        await kopf.run_tasks(tasks, ignored=_Everybody())
    finally:
        await _end_rest(before)


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings: it writes nothing."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    made.scanning.disabled = True
    made.persistence.diffbase_storage = NoDiffs()
    made.persistence.progress_storage = NoProgress()
    made.queueing.idle_timeout = 0.5
    made.watching.server_timeout = 600
    return made


class NoDiffs(kopf.DiffBaseStorage):
    """Keeps nothing of an object: no handler asks what has changed in it."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return nothing to compare, which also spares a copy of each object."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return that nothing is kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers: there are none that have any."""

    def fetch(self, **_: Any) -> None:
        """Return that nothing is kept."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""

    def purge(self, **_: Any) -> None:
        """Remove nothing."""

    def touch(self, **_: Any) -> None:
        """Write nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return what was given."""
        return essence


def _register(
    registry: kopf.OperatorRegistry,
    kind: Kind,
    hub: Hub,
) -> None:
    group, version = _group(kind), kind.version.rpartition("/")[2]
    where: Mapping[str, Any] = {"group": group, "version": version, "plural": kind.plural}

    @kopf.on.event(registry=registry, id=f"see-{kind.plural}", **where)
    async def see(event: kopf.RawEvent, **_: Any) -> None:
        item: Any = event["object"]
        if event["type"] != "DELETED":
            hub.put(kind, dict(item))
            return
        metadata = item["metadata"]
        key = Key(kind, metadata.get("namespace", ""), metadata["name"])
        hub.drop(key, metadata.get("uid", ""), int(metadata.get("resourceVersion") or 0))


class _Everybody(Collection[asyncio.Task[Any]]):
    """All tasks there are: at its end kopf waits for those that are not in here, and cancels them.

    It would take the connections of our own port for its own, and wait five seconds for them.
    """

    def __contains__(self, _: object) -> bool:
        return True

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(asyncio.all_tasks())

    def __len__(self) -> int:
        return len(asyncio.all_tasks())


async def _end_rest(before: set[asyncio.Task[Any]]) -> None:
    """End the watches that kopf leaves behind when one of them has failed.

    Each may let a cancellation pass while it is between two requests, so there are several. kopf
    gives names to its tasks; all others have those that asyncio numbers them by.
    """
    for _ in range(ROUNDS):
        after = asyncio.all_tasks() - before
        rest = [task for task in after if not task.get_name().startswith("Task-")]
        if not rest:
            return
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=0.1)


class _Lists:
    """Notices the lists of each kind, also those that come back empty: kopf tells of no list."""

    def __init__(self, namespaces: tuple[str, ...], relisted: Callable[[Kind], None]) -> None:
        spaces = namespaces or ("",)
        self._kinds = {kind.path(space): kind for kind in WRITTEN for space in spaces}
        self._relisted = relisted

    async def note(self, _: object, __: object, ended: aiohttp.TraceRequestEndParams) -> None:
        """Take notice of an answer to kopf."""
        kind = self._kinds.get(ended.url.path)
        if kind is None or "watch" in ended.url.query or ended.response.status != 200:
            return
        self._relisted(kind)


def _session(config: ClusterConfig, lists: _Lists) -> aiohttp.ClientSession:
    """Return a session that says with each request who one is: a pod's token is renewed."""

    async def sign(_: object, __: object, request: aiohttp.TraceRequestStartParams) -> None:
        request.headers.update(config.headers())

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(sign)
    trace.on_request_end.append(lists.note)
    connector = aiohttp.TCPConnector(ssl=config.trust or True, limit=0)
    return aiohttp.ClientSession(connector=connector, trace_configs=[trace])


def _group(kind: Kind) -> str:
    return kind.version.rpartition("/")[0]
