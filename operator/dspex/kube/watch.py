"""A watch: what changes of a kind from some version on, as the API server tells it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import msgspec

from dspex.kube.client import KubeClient, Object
from dspex.kube.errors import KubeError, error_of
from dspex.kube.kind import Kind

SECONDS: Final = 600
"""After which the API server ends a watch, so that it can spread them over its replicas."""

DELETED: Final = "DELETED"
BOOKMARK: Final = "BOOKMARK"
_ERROR: Final = "ERROR"


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch tells.

    Attributes:
        type: `ADDED`, `MODIFIED`, `DELETED`, or `BOOKMARK`, which tells of a version alone.
        item: The object as it is now, or was at its end; it says what it is.
    """

    type: str
    item: Object

    @property
    def version(self) -> str:
        """The resourceVersion from which another watch goes on."""
        return str(self.item["metadata"]["resourceVersion"])


async def changes(
    client: KubeClient, kind: Kind, namespace: str, selector: str, version: str
) -> AsyncGenerator[Change, None]:
    """Give what changes of a kind until the API server ends the watch.

    Args:
        client: The API server.
        kind: Which objects.
        namespace: Of the objects; empty for all.
        selector: Labels of the objects; empty for all. One that loses them is told as deleted.
        version: resourceVersion of a list, or of the last change: what came after it is told.

    Raises:
        ExpiredError: The version is too old: list anew.
        KubeError: The API server refused, could not be reached, or fell silent.
    """
    path = kind.path(namespace)
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(SECONDS),
        **({"labelSelector": selector} if selector else {}),
    }
    async with aclosing(client.lines(path, query)) as lines:
        async for line in lines:
            yield _change(line, f"GET {path}")


def _change(line: bytes, request: str) -> Change:
    try:
        told = msgspec.json.decode(line)
        change = Change(told["type"], told["object"])
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise KubeError(f"{request}: not an event of a watch: {line[:200]!r}") from error
    if change.type == _ERROR:
        raise error_of(int(change.item.get("code") or 500), change.item, request)
    return change
