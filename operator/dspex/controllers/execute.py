"""Does what a controller decided; what is so already is not written."""

import hashlib
import json
import logging
from typing import Any, Final

from dspex.controllers.decision import Change, Decision, Object, Ref
from dspex.controllers.events import Recorder
from dspex.controllers.hub import Hub
from dspex.controllers.key import Key
from dspex.controllers.metrics import Metrics, phase
from dspex.controllers.registration import Registration
from dspex.controllers.world import fingerprint, trimmed
from dspex.kube.client import KubeClient
from dspex.kube.errors import ConflictError, NotFoundError
from dspex.kube.kind import Kind
from dspex.resources.names import MANAGED, MANAGED_BY, MANAGED_BY_LABEL

_ENDED: Final = frozenset({"Succeeded", "Failed", "Cancelled"})
_APPLY: Final = "apply"
_STATUS: Final = "status"

_logger = logging.getLogger(__name__)


class Executor:
    """Carries decisions out.

    Args:
        client: The API server; its manager is the operator's.
        hub: Hears of every object that was written, before the watch sees it.
        recorder: Says the notes.
        metrics: Counts writes and ended runs.
    """

    def __init__(self, client: KubeClient, hub: Hub, recorder: Recorder, metrics: Metrics) -> None:
        self._client = client
        self._hub = hub
        self._recorder = recorder
        self._metrics = metrics

    async def execute(self, key: Key, kind: Registration, item: Object, decision: Decision) -> None:
        """Carry a decision about an object out, in the order of the Decision's attributes.

        Args:
            key: The object's name.
            kind: Its registration.
            item: The object that was looked at.
            decision: What follows.

        Raises:
            KubeError: The API server refused something; what stands behind it was not done.
        """
        for each in decision.apply:
            await self._apply(each)
        for each in decision.create:
            await self._create(each)
        for change in decision.change:
            await self._change(change)
        for ref in decision.delete:
            await self._delete(ref)
        if decision.status is not None:
            await self.write_status(key, kind, item, decision.status)
        for note in decision.notes:
            self._recorder.say(item, note)

    async def write_status(
        self, key: Key, kind: Registration, item: Object, status: Object
    ) -> None:
        """Write an object's status, unless it is so.

        Raises:
            ConflictError: It says how a run ended, and the run has changed since it was looked at.
        """
        observed = own_status(item, kind.owned)
        if _by_type(observed) == _by_type(status):
            return
        # What the API server makes of a status need not be what it was given: say nothing twice.
        if self._hub.world.written(key, _STATUS) == (_digest(status), _digest(observed)):
            return
        metadata = item["metadata"]
        # With the uid, so that an object of the same name made since keeps its own status.
        names = {name: metadata[name] for name in ("name", "namespace", "uid") if name in metadata}
        if kind.run and phase({"status": status}) in _ENDED:
            # The runner's last word may be on its way to us: an end told without it would stay.
            names["resourceVersion"] = self._seen(key, item)
        body = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": names}
        try:
            written = await self._client.apply({**body, "status": status}, subresource="status")
        except NotFoundError:
            self._hub.drop(key, metadata.get("uid", ""))
            return
        self._count(key.kind, _STATUS)
        _log_change(kind, item, written)
        if kind.run:
            self._count_end(key, item, written)
        self._hub.put(key.kind, written, but=key)
        made = _digest(own_status(written, kind.owned))
        self._hub.world.wrote(key, _STATUS, (_digest(status), made))

    def _seen(self, key: Key, item: Object) -> str:
        """Return the version of an object up to which its status is the one that was looked at."""
        known = self._hub.world.known(key)
        same = known is not None and known.get("status") == item.get("status")
        return str((known if same and known is not None else item)["metadata"]["resourceVersion"])

    async def _apply(self, item: Object) -> None:
        key = _key(item)
        if (item["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) != MANAGED_BY:
            raise ValueError(f"{key} lacks the label {MANAGED}, by which it is watched")
        wanted = _digest(item)
        there = self._hub.world.known(key)
        if (
            there is not None
            and "deletionTimestamp" not in there["metadata"]
            and self._hub.world.written(key, _APPLY) == (wanted, fingerprint(there))
        ):
            return
        written = await self._client.apply(item)
        self._count(key.kind, _APPLY)
        self._hub.put(key.kind, written)
        self._hub.world.wrote(key, _APPLY, (wanted, fingerprint(trimmed(key.kind, written))))

    async def _create(self, item: Object) -> None:
        key = _key(item)
        if self._hub.world.known(key) is not None:
            return
        try:
            written = await self._client.create(item)
        except ConflictError as error:
            # One of its name is there, and the watch has not shown it yet.
            if error.reason != "AlreadyExists":
                raise
            return
        self._count(key.kind, "create")
        self._hub.put(key.kind, written)

    async def _change(self, change: Change) -> None:
        key = Key(change.kind, change.namespace, change.name)
        there = self._hub.world.known(key)
        if there is None or holds(there, change.patch):
            return
        try:
            written = await self._client.merge(
                change.kind, change.namespace, change.name, change.patch
            )
        except NotFoundError:
            self._hub.drop(key)
            return
        self._count(key.kind, "patch")
        self._hub.put(key.kind, written)

    async def _delete(self, ref: Ref) -> None:
        key = Key(ref.kind, ref.namespace, ref.name)
        there = self._hub.world.known(key)
        if there is None or "deletionTimestamp" in there["metadata"]:
            return
        await self._client.delete(ref.kind, ref.namespace, ref.name, uid=ref.uid)
        self._count(key.kind, "delete")

    def _count(self, kind: Kind, verb: str) -> None:
        self._metrics.writes.labels(kind.name, verb).inc()

    def _count_end(self, key: Key, before: Object, after: Object) -> None:
        state = phase(after)
        if state in _ENDED and phase(before) not in _ENDED:
            conditions = after["status"]["conditions"]
            reason = next(each["reason"] for each in conditions if each["type"] == "Succeeded")
            self._metrics.ended.labels(key.namespace, state, reason).inc()


def own_status(item: Object, owned: frozenset[str] | None) -> Object:
    """Return the part of an object's status that the operator writes."""
    observed = item.get("status") or {}
    return {key: part for key, part in observed.items() if owned is None or key in owned}


def holds(item: Any, patch: Any) -> bool:
    """Say whether a merge patch would change nothing."""
    if not isinstance(patch, dict):
        return bool(item == patch)
    if not isinstance(item, dict):
        return False
    return all(
        name not in item if part is None else name in item and holds(item[name], part)
        for name, part in patch.items()
    )


def _log_change(kind: Registration, before: Object, after: Object) -> None:
    """Log what an object has come to, once for each change of state or reason."""
    old, new = (_main_condition(kind, item) for item in (before, after))
    if new and any(old.get(part) != new.get(part) for part in ("status", "reason")):
        # A run's message may quote what its steps read and gave.
        message = "" if kind.run else f": {new.get('message')}"
        _logger.info("%s=%s, %s%s", new["type"], new["status"], new.get("reason"), message)


def _main_condition(kind: Registration, item: Object) -> Object:
    wanted = "Succeeded" if kind.run else "Ready"
    found = (item.get("status") or {}).get("conditions") or ()
    return next((each for each in found if each["type"] == wanted), {})


def _by_type(status: Object) -> Object:
    """Return a status whose conditions have no order: the API server keeps that of their making."""
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    return {**status, "conditions": conditions}


def _key(item: Object) -> Key:
    metadata = item["metadata"]
    return Key(Kind.of(item), metadata.get("namespace", ""), metadata["name"])


def _digest(item: Object) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
