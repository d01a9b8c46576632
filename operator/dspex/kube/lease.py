"""Leader election by a Lease, as Kubernetes' own components have it."""

import asyncio
import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dspex.kube.client import KubeClient
from dspex.kube.errors import ConflictError, KubeError
from dspex.kube.kind import LEASE

_MICRO: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_logger = logging.getLogger(__name__)

Clock = Callable[[], datetime.datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a leader's word holds; seconds.

    Attributes:
        duration: A lease not renewed for so long may be taken by another.
        renew: The leader renews so often; others look so often.
        deadline: A leader that could not renew for so long stops leading.
    """

    duration: float = 15.0
    renew: float = 2.0
    deadline: float = 10.0


TERMS: Final = Terms()


def utc_now() -> datetime.datetime:
    """Return the time of day."""
    return datetime.datetime.now(datetime.UTC)


class Election:
    """One candidate for one Lease.

    Whether another's lease has run out is measured by this process' own clock since it last saw
    the lease change: clocks of two machines are never compared.

    Args:
        client: The API server.
        namespace: Where the Lease is.
        name: Of the Lease.
        identity: Of this candidate.
        terms: How long things hold.
        clock: Stamps the Lease.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        identity: str,
        *,
        terms: Terms = TERMS,
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._terms = terms
        self._clock = clock
        self._seen: tuple[str, float] | None = None

    async def acquire(self) -> None:
        """Return as soon as this candidate leads."""
        while not await self._try():
            await asyncio.sleep(self._terms.renew)

    async def hold(self) -> None:
        """Renew; return when leadership is lost: taken, or not renewed within the deadline."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < self._terms.deadline:
            await asyncio.sleep(self._terms.renew)
            if await self._try():
                renewed = loop.time()
            elif self._seen is not None and self._seen[0].split("/")[0] != self._identity:
                return

    async def release(self) -> None:
        """Give the Lease up, so that a standby need not wait until it runs out."""
        try:
            lease = await self._client.find(LEASE, self._namespace, self._name)
            spec = (lease or {}).get("spec") or {}
            if lease is not None and spec.get("holderIdentity") == self._identity:
                await self._client.replace({**lease, "spec": {**spec, "holderIdentity": ""}})
        except KubeError as error:
            _logger.warning("the lease was not given up: %s", error)

    async def _try(self) -> bool:
        try:
            lease = await self._client.find(LEASE, self._namespace, self._name)
            if lease is None:
                await self._client.create(self._new())
                return True
            if not self._free(lease.get("spec") or {}):
                return False
            await self._client.replace(self._taken(lease))
        except ConflictError:
            return False
        except KubeError as error:
            _logger.warning("the lease was not renewed: %s", error)
            return False
        return True

    def _free(self, spec: dict[str, Any]) -> bool:
        holder = spec.get("holderIdentity", "")
        now = asyncio.get_running_loop().time()
        mark = f"{holder}/{spec.get('renewTime', '')}"
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, now)
        lasts = float(spec.get("leaseDurationSeconds") or self._terms.duration)
        return holder in ("", self._identity) or now - self._seen[1] > lasts

    def _taken(self, lease: dict[str, Any]) -> dict[str, Any]:
        spec = dict(lease.get("spec") or {})
        now = self._clock().strftime(_MICRO)
        if spec.get("holderIdentity") != self._identity:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        spec |= {"holderIdentity": self._identity, "renewTime": now, **self._duration()}
        return {**lease, "spec": spec}

    def _new(self) -> dict[str, Any]:
        now = self._clock().strftime(_MICRO)
        times = {"acquireTime": now, "renewTime": now, "leaseTransitions": 0}
        return {
            "apiVersion": LEASE.version,
            "kind": LEASE.name,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {"holderIdentity": self._identity, **times, **self._duration()},
        }

    def _duration(self) -> dict[str, int]:
        return {"leaseDurationSeconds": round(self._terms.duration)}
