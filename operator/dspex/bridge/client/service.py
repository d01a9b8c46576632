"""Finds the workers behind a headless Service: one address for each pod that is ready."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from dspex.bridge.client.endpoint import Endpoint

_logger: Final = logging.getLogger("dspex.bridge")

REFRESH: Final = 3.0
"""Seconds that an answer of the DNS is good for."""

FIRST_WAIT: Final = 0.1
"""Seconds until the DNS is asked again where it knew no worker; doubled each time."""

LONGEST_WAIT: Final = 1.0
"""Seconds between two questions at most, while no worker is ready."""

Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host; raises OSError where there is none or nobody answers."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver for a host's addresses, without blocking the loop.

    Raises:
        OSError: There is no such host, or the DNS does not answer.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class ServiceResolver:
    """Knows the ready workers of one pool by the A and AAAA records of its headless Service.

    While the DNS is away the last known workers stand: most of them are still there.

    Args:
        host: `<service>.<namespace>.svc`.
        port: On which every worker listens.
        lookup: Asks the DNS.
        refresh: Seconds after which it is asked again.
    """

    def __init__(
        self, host: str, port: int, *, lookup: Lookup = look_up, refresh: float = REFRESH
    ) -> None:
        self._host = host
        self._port = port
        self._lookup = lookup
        self._refresh = refresh
        self._known: tuple[Endpoint, ...] = ()
        self._fresh_until = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._silent = False

    async def workers(self) -> Sequence[Endpoint]:
        """Return the workers; waits, without a limit of its own, while none is ready."""
        if self._known:
            if asyncio.get_running_loop().time() >= self._fresh_until:
                # Nobody waits for it: the workers that are known serve meanwhile.
                self._ask()
            return self._known
        wait = FIRST_WAIT
        while True:
            await asyncio.shield(self._ask())
            if self._known:
                return self._known
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    def report(self, endpoint: Endpoint) -> None:
        """Hear that a worker failed: its pod may be gone, and another may be there."""
        del endpoint
        self._fresh_until = float("-inf")

    async def close(self) -> None:
        """Drop a question that is still open."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _ask(self) -> "asyncio.Task[None]":
        """Ask the DNS, once for all who want to know."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._renew())
        return self._asking

    async def _renew(self) -> None:
        addresses: Sequence[str] | None = None
        silence: OSError | None = None
        try:
            addresses = await self._lookup(self._host, self._port)
        except OSError as error:
            # No such host: no worker is ready. Anything else: nobody could say.
            if isinstance(error, socket.gaierror) and error.errno in _NO_HOST:
                addresses = ()
            else:
                silence = error
        self._tell(silence)
        self._fresh_until = asyncio.get_running_loop().time() + self._refresh
        if addresses is not None:
            self._known = tuple(
                _endpoint(address, self._port) for address in sorted(set(addresses))
            )

    def _tell(self, silence: OSError | None) -> None:
        """Log that the DNS is away, and that it is back; once each."""
        if silence is not None and not self._silent:
            _logger.warning("the DNS can't be asked for %s: %s", self._host, silence)
        if silence is None and self._silent:
            _logger.info("the DNS answers again for %s", self._host)
        self._silent = silence is not None


_NO_HOST: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def _endpoint(address: str, port: int) -> Endpoint:
    shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return Endpoint(address=f"http://{shown}", name=shown)
