"""An API server for runners: their run, their data, and the policies that fence them.

Like the real one it counts resourceVersions and refuses stale ones, takes away what a server-side
apply leaves out, and admits a status only from the pod that holds the run's epoch. It knows nothing
of schemas or rights. The pod that asks is named by its bearer token: `<pod name>/<pod uid>`.
"""

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

GROUP = "/apis/dspex.dev/v1alpha1"


@dataclass
class Write:
    """A request that changed something: when, who asked, what, and what came of it."""

    pod: str
    method: str
    path: str
    item: dict[str, Any]


class ApiServer:
    """Holds objects of one namespace; use it as an async context manager.

    Attributes:
        objects: What is there, by plural and name.
        requests: Pod, method, path and status of every request.
        writes: Every change, in order.
        changed: Told of every change.
        down: While True, every connection is broken before an answer.
        before: Called before a request is looked at; may return an answer of its own.
    """

    def __init__(self, namespace: str = "shop") -> None:
        self.namespace = namespace
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests: list[tuple[str, str, str, int]] = []
        self.writes: list[Write] = []
        self.changed = asyncio.Condition()
        self.down = False
        self.before: Callable[[web.Request, Any], web.Response | None] | None = None
        self.address = ""
        self._version = 100
        self._applied: dict[tuple[str, str], dict[str, Any]] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def add_run(self, name: str, uid: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        """Create a run as a person would."""
        run = {
            "apiVersion": "dspex.dev/v1alpha1",
            "kind": "PipelineRun",
            "metadata": {"name": name, "namespace": self.namespace, "uid": uid},
            "spec": spec or {"pipelineRef": {"name": "main"}},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
        }
        self._store(("pipelineruns", name), run)
        return run

    def change(self, name: str, **spec: Any) -> None:
        """Change a run's spec as a person would."""
        run = copy.deepcopy(self.objects["pipelineruns", name])
        run["spec"] |= spec
        self._store(("pipelineruns", name), run)

    def touch(self, name: str) -> None:
        """Write to a run as the operator does: its version moves, the runner's part stays."""
        run = copy.deepcopy(self.objects["pipelineruns", name])
        run["status"]["observedGeneration"] = run["status"].get("observedGeneration", 0) + 1
        self._store(("pipelineruns", name), run)

    def status(self, name: str) -> dict[str, Any]:
        """Return a run's status."""
        status: dict[str, Any] = self.objects["pipelineruns", name].get("status", {})
        return status

    def named(self, plural: str) -> dict[str, dict[str, Any]]:
        """Return the objects of a kind by name."""
        return {name: item for (kind, name), item in self.objects.items() if kind == plural}

    async def until(self, holds: Callable[[], bool], within: float = 60.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(holds)

    async def _answer(self, request: web.Request) -> web.Response:
        pod = request.headers.get("Authorization", "").removeprefix("Bearer ")
        body = json.loads(await request.read() or b"{}")
        if self.down:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        answer = self.before(request, body) if self.before is not None else None
        if answer is None:
            answer = self._handle(request, pod, body)
        self.requests.append((pod, request.method, request.path, answer.status))
        async with self.changed:
            self.changed.notify_all()
        return answer

    def _handle(self, request: web.Request, pod: str, body: dict[str, Any]) -> web.Response:
        prefix = f"{GROUP}/namespaces/{self.namespace}/"
        plural, _, rest = request.path.removeprefix(prefix).partition("/")
        name, _, subresource = rest.partition("/")
        if request.method == "POST" and not rest:
            return self._create(pod, request.path, plural, body)
        if request.method != "PATCH":
            return refusal(403, "Forbidden", f"cannot {request.method} {plural}")
        return self._patch(request, pod, (plural, name), subresource, body)

    def _create(self, pod: str, path: str, plural: str, body: dict[str, Any]) -> web.Response:
        key = (plural, body["metadata"]["name"])
        if key in self.objects:
            return refusal(409, "AlreadyExists", f"{key[1]} already exists")
        item = {**body, "metadata": {**body["metadata"], "uid": f"uid-of-{key[1]}"}}
        return web.json_response(self._store(key, item, pod, "POST", path), status=201)

    def _patch(
        self,
        request: web.Request,
        pod: str,
        key: tuple[str, str],
        subresource: str,
        body: dict[str, Any],
    ) -> web.Response:
        old = self.objects.get(key)
        if old is None:
            return refusal(404, "NotFound", f"{key[1]} not found")
        metadata = body.get("metadata", {})
        for field_, present in (
            ("resourceVersion", old["metadata"]["resourceVersion"]),
            ("uid", old["metadata"]["uid"]),
        ):
            if metadata.get(field_, present) != present:
                return refusal(409, "Conflict", f"{key[1]}: {field_} is {present}")
        part = {"status": body.get("status", {})} if subresource == "status" else body
        new = copy.deepcopy(old)
        if request.content_type == "application/apply-patch+yaml":
            owner = (key[1], request.query["fieldManager"])
            before = self._applied.get(owner, {})
            _remove(new, before, part)
            self._applied[owner] = copy.deepcopy(part)
        _merge(new, {name: value for name, value in part.items() if name != "metadata"})
        why = _policy(pod, old, new) if key[0] == "pipelineruns" else None
        if why is not None:
            return refusal(403, "Forbidden", why)
        if new == old:
            return web.json_response(old)
        return web.json_response(self._store(key, new, pod, "PATCH", request.path))

    def _store(
        self,
        key: tuple[str, str],
        item: dict[str, Any],
        pod: str = "",
        method: str = "",
        path: str = "",
    ) -> dict[str, Any]:
        self._version += 1
        stored = copy.deepcopy(item)
        stored["metadata"]["resourceVersion"] = str(self._version)
        self.objects[key] = stored
        self.writes.append(Write(pod, method, path, stored))
        return stored


@dataclass
class Pod:
    """A pod of a run: what the kubelet would give to its process."""

    run: str
    uid: str
    number: int
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name, as a Job gives it."""
        return f"{self.run[:36]}-{self.uid[-12:]}-abc{self.number:02d}"

    @property
    def pod_uid(self) -> str:
        """Its uid."""
        return f"pod-{self.number}"

    @property
    def token(self) -> str:
        """Its token, by which this API server knows it."""
        return f"{self.name}/{self.pod_uid}"

    @property
    def environment(self) -> dict[str, str]:
        """What the Job's template sets."""
        return {
            "DSPEX_RUN_NAME": self.run,
            "DSPEX_RUN_NAMESPACE": "shop",
            "DSPEX_RUN_UID": self.uid,
            "POD_NAME": self.name,
            "POD_UID": self.pod_uid,
            **self.fields,
        }


def refusal(status: int, reason: str, message: str) -> web.Response:
    """Make the Status that the API server answers with."""
    body = {"kind": "Status", "reason": reason, "message": message, "code": status}
    return web.json_response(body, status=status)


def _policy(pod: str, old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """Judge as the chart's policy for a run's status does."""
    before, after = old.get("status", {}), new.get("status", {})
    if before == after:
        return None
    uid = pod.partition("/")[2]
    was, now = before.get("runner") or {}, after.get("runner") or {}
    if now.get("podUID") != uid:
        return "status.runner.podUID must be the uid of the pod that writes"
    epoch, held = now.get("epoch", 0), was.get("epoch", 0)
    if not (epoch > held or (epoch == held and was.get("podUID") == uid)):
        return f"the run was claimed by another pod: epoch {held} stands, this is {epoch}"
    if before.get("conditions") != after.get("conditions"):
        return "conditions are the operator's to write"
    return None


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict) and key != "outputs":
            _merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


def _remove(target: dict[str, Any], before: dict[str, Any], now: dict[str, Any]) -> None:
    """Take away what a manager applied before and leaves out now."""
    for key, value in before.items():
        if key not in now:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(now[key], dict) and key in target:
            _remove(target[key], value, now[key])
