"""A client of the API server for JSON objects: the few verbs that operator and runner need."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import aiohttp
import msgspec

from dspex.kube.config import ClusterConfig
from dspex.kube.errors import ConflictError, KubeError, NotFoundError, error_of
from dspex.kube.kind import Kind

Object: TypeAlias = dict[str, Any]

REQUEST_TIMEOUT: Final = 30.0
"""Seconds that one request may take."""

PAGE: Final = 500
"""Objects of one page of a list."""

SILENCE: Final = 150.0
"""Seconds without a byte after which a watch counts as dead; bookmarks come about once a minute."""

_JSON: Final = "application/json"
_MERGE: Final = "application/merge-patch+json"
_NAMES: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_APPLY: Final = "application/apply-patch+yaml"
_CLOSED: Final = "the client is not open: use it in `async with`"


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        items: Objects; each says what it is.
        version: resourceVersion of the whole list: a watch goes on from there.
    """

    items: list[Object]
    version: str


class KubeClient:
    """One connection pool to one API server; use it as an async context manager.

    Every verb raises `KubeError` or its more exact kind.

    Args:
        config: Where the server is.
        manager: Field manager of what it writes.
    """

    def __init__(self, config: ClusterConfig, *, manager: str) -> None:
        self._config = config
        self._manager = manager
        self._session: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        self.requests: dict[tuple[str, int], int] = {}
        """How many requests were made, by method and HTTP status (0: no answer)."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._config.trust or True, limit=32),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT),
        )
        # Watches stay open: they must not take the places of the others.
        self._streams = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._config.trust or True, limit=0),
            timeout=aiohttp.ClientTimeout(connect=REQUEST_TIMEOUT, sock_read=SILENCE),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in (self._session, self._streams):
            if session is not None:
                await session.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return an object."""
        return await self._ask("GET", kind.path(namespace, name))

    async def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, or None if it is not there."""
        try:
            return await self.get(kind, namespace, name)
        except NotFoundError:
            return None

    async def pages(
        self, kind: Kind, namespace: str = "", selector: str = ""
    ) -> "AsyncIterator[Page]":
        """Give the objects of a kind, page by page; there is one page at least."""
        said = {"apiVersion": kind.version, "kind": kind.name}
        async for answer in self._pages(kind, namespace, selector, _JSON):
            # The API server leaves out in lists of its own kinds what they are.
            items = [{**said, **item} for item in answer.get("items") or ()]
            yield Page(items, (answer.get("metadata") or {}).get("resourceVersion", ""))

    async def names(self, kind: Kind, namespace: str = "") -> "dict[tuple[str, str], str]":
        """Return the uids of the objects of a kind by namespace and name; nothing else is sent."""
        found = {}
        async for answer in self._pages(kind, namespace, "", _NAMES):
            # Null, not an empty list, where there is none and only metadata was asked for.
            for item in answer.get("items") or ():
                each = item["metadata"]
                found[each.get("namespace", ""), each["name"]] = each.get("uid", "")
        return found

    async def _pages(
        self, kind: Kind, namespace: str, selector: str, accept: str
    ) -> "AsyncIterator[Object]":
        query = {"limit": str(PAGE), **({"labelSelector": selector} if selector else {})}
        while True:
            answer = await self._ask("GET", kind.path(namespace), query=query, accept=accept)
            yield answer
            query["continue"] = (answer.get("metadata") or {}).get("continue", "")
            if not query["continue"]:
                return

    async def lines(self, path: str, query: Mapping[str, str]) -> "AsyncGenerator[bytes, None]":
        """Give the lines of an answer as they come, each of any length, until the server ends it.

        A last line without its end is left out.
        """
        if self._streams is None:
            raise RuntimeError(_CLOSED)
        status, rest = 0, b""
        try:
            async with self._streams.get(
                self._config.server + path, headers=self._config.headers(), params=dict(query)
            ) as reply:
                status = reply.status
                if status >= 400:
                    raise error_of(status, _decoded(await reply.read()), f"GET {path}")
                async for chunk in reply.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreached("GET", path, error) from error
        finally:
            self._count("GET", status)

    async def create(self, item: Object) -> Object:
        """Create an object."""
        kind = Kind.of(item)
        path = kind.path(item["metadata"].get("namespace", ""))
        return await self._ask("POST", path, item, _JSON, {"fieldManager": self._manager})

    async def apply(self, item: Object, *, subresource: str = "") -> Object:
        """Apply an object server-side, whole: fields that it leaves out are given up."""
        metadata = item["metadata"]
        path = Kind.of(item).path(metadata.get("namespace", ""), metadata["name"], subresource)
        query = {"fieldManager": self._manager, "force": "true"}
        return await self._ask("PATCH", path, item, _APPLY, query)

    async def merge(
        self, kind: Kind, namespace: str, name: str, patch: Mapping[str, Any], subresource: str = ""
    ) -> Object:
        """Change parts of an object by a merge patch; an empty one reads it."""
        path = kind.path(namespace, name, subresource)
        return await self._ask("PATCH", path, patch, _MERGE, {"fieldManager": self._manager})

    async def replace(self, item: Object) -> Object:
        """Replace an object; its resourceVersion must be the present one."""
        metadata = item["metadata"]
        path = Kind.of(item).path(metadata.get("namespace", ""), metadata["name"])
        return await self._ask("PUT", path, item, _JSON, {"fieldManager": self._manager})

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str = "") -> None:
        """Delete an object and, in the background, what it owns; one that is gone is no error.

        Args:
            kind: Of the object.
            namespace: Of the object.
            name: Of the object.
            uid: Delete it only if it is this one; empty for any.
        """
        body: Object = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self._ask("DELETE", kind.path(namespace, name), body, _JSON)
        except NotFoundError:
            return
        except ConflictError:
            if not uid:
                raise

    async def raw(self, path: str) -> Any:
        """Return what a path answers, as JSON."""
        return await self._ask("GET", path, accept="*/*")

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content: str = _JSON,
        query: Mapping[str, str] | None = None,
        accept: str = _JSON,
    ) -> Object:
        if self._session is None:
            raise RuntimeError(_CLOSED)
        status = 0
        try:
            async with self._session.request(
                method,
                self._config.server + path,
                data=None if body is None else json.dumps(body),
                headers={**self._config.headers(), "Content-Type": content, "Accept": accept},
                params=dict(query or {}),
            ) as reply:
                status = reply.status
                text = await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreached(method, path, error) from error
        finally:
            self._count(method, status)
        answer = _decoded(text)
        if status >= 400:
            raise error_of(status, answer, f"{method} {path}")
        return answer if isinstance(answer, dict) else {}

    def _count(self, method: str, status: int) -> None:
        self.requests[method, status] = self.requests.get((method, status), 0) + 1


def _unreached(method: str, path: str, error: Exception) -> KubeError:
    return KubeError(f"{method} {path}: {type(error).__name__}: {error}")


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, msgspec.DecodeError):
        return {"message": text[:500].decode(errors="replace")}
