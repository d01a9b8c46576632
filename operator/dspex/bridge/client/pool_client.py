"""Sends the calls of one pool to its workers."""

import asyncio
import time
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec

from dspex.bridge.client.balancer import Balancer
from dspex.bridge.client.endpoint import Endpoint, Resolver
from dspex.bridge.client.replies import read_reply, unreadable
from dspex.bridge.client.token import Token
from dspex.bridge.protocol import EXECUTE_PATH, Answer, Call
from dspex.errors import PythonError, Reason

CONNECT_TIMEOUT: Final = 5.0
"""Seconds within which a worker must accept a connection."""

ANSWER_MARGIN: Final = 2.0
"""Seconds past a call's deadline in which the worker's own Timeout may still arrive."""

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Bytes of an answer that are read; what is longer is a ProtocolError."""

CONNECTION_TRIES: Final = 3
"""How often one call tries to reach one worker before it gives that worker up."""


class PoolClient:
    """A dispatcher for one pool, over one HTTP session with a connection pool for each worker.

    Use it as an async context manager, or call `close`.

    Args:
        resolver: Knows the pool's workers.
        pool: The Pool's name, for messages.
        token: Sent as a Bearer token, asked for with each call if it is a function; an empty one
            is not sent.
        patient: Whether a call goes on trying until its deadline. Without, a worker that could not
            be reached several times is given up, and so is the call when none is left.
        balancer: Chooses among the workers.
        connect_timeout: Seconds within which a worker must accept a connection.
        margin: Seconds past the deadline in which the worker's own answer is still waited for.
        max_answer_bytes: Longest answer that is read.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        pool: str = "",
        token: str | Token = "",
        patient: bool = False,
        balancer: Balancer | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        margin: float = ANSWER_MARGIN,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._resolver = resolver
        self._pool = pool
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self._token = token
        self._patient = patient
        self._balancer = balancer if balancer is not None else Balancer()
        self._connect_timeout = connect_timeout
        self._margin = margin
        self._max_answer_bytes = max_answer_bytes
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; calls that are still under way fail with WorkerLost."""
        if self._session is not None:
            await self._session.close()

    async def execute(self, call: Call) -> Answer:
        """Run one call on one of the pool's workers.

        A worker that can't be reached, or is about to leave, is gone round; a full one is left
        for another once. Cancelling the task drops the connection, on which the worker cancels.

        Raises:
            PythonError: With the worker's reason, or WorkerUnavailable (none could be reached),
                WorkerLost (the connection broke), QueueFull, ProtocolError (the answer can't be
                read), Timeout (nothing came within `call.timeout`).
        """
        return await _Attempt(self, call).run()

    def _authorization(self) -> dict[str, str]:
        token = self._token if isinstance(self._token, str) else self._token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _open_session(self) -> aiohttp.ClientSession:
        """Return the session, made in the running loop at the first call."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # No limits: the engine and the workers' queues bound the calls.
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
            )
        return self._session


class _UnreachedError(Exception):
    """The call was not begun anywhere: it may go to another worker."""


class _Attempt:
    """One call on its way: where it was refused, and what it may still try."""

    def __init__(self, client: PoolClient, call: Call) -> None:
        self._client = client
        self._balancer = client._balancer
        self._resolver = client._resolver
        self._patient = client._patient
        self._call = call
        self._deadline = time.monotonic() + call.timeout
        self._tries: dict[Endpoint, int] = {}
        self._full: dict[Endpoint, PythonError] = {}
        self._problem: Exception | None = None

    async def run(self) -> Answer:
        while True:
            endpoint = await self._next_worker()
            try:
                return await self._send(endpoint)
            except _UnreachedError as error:
                self._problem = error
                self._tries[endpoint] = self._tries.get(endpoint, 0) + 1
                self._balancer.failed(endpoint)
                self._resolver.report(endpoint)
            except PythonError as error:
                if error.reason is not Reason.QUEUE_FULL or self._full:
                    raise
                self._full[endpoint] = error

    async def _next_worker(self) -> Endpoint:
        """Choose a worker, waiting within the deadline while all that are left are at rest."""
        try:
            async with asyncio.timeout(self._left()):
                while True:
                    endpoints = [
                        endpoint
                        for endpoint in await self._resolver.workers()
                        if endpoint not in self._full
                        and (self._patient or self._tries.get(endpoint, 0) < CONNECTION_TRIES)
                    ]
                    if not endpoints:
                        raise self._give_up()
                    chosen = self._balancer.choose(endpoints)
                    if chosen is not None:
                        return chosen
                    await asyncio.sleep(self._balancer.rest(endpoints))
        except TimeoutError:
            raise self._give_up(within=self._call.timeout) from self._problem

    def _give_up(self, within: float | None = None) -> PythonError:
        """Make the error for a call that found no worker."""
        for full in self._full.values():
            return full
        message = f"no worker of pool {self._client._pool!r} could be reached"
        if within is not None:
            message += f" within {within:g} s"
        if self._problem is not None:
            message += f": {self._problem}"
        return PythonError(Reason.WORKER_UNAVAILABLE, message)

    async def _send(self, endpoint: Endpoint) -> Answer:
        left = self._left()
        body = msgspec.json.encode(msgspec.structs.replace(self._call, timeout=left))
        try:
            async with asyncio.timeout(left + self._client._margin):
                with self._balancer.in_flight(endpoint):
                    answer = await self._exchange(endpoint, body)
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.InvalidURL,
        ) as error:
            raise _UnreachedError(f"{endpoint.name}: {_describe(error)}") from error
        except aiohttp.ClientResponseError as error:
            raise unreadable(endpoint, f"did not speak HTTP: {error.message}") from error
        except aiohttp.ClientError as error:
            self._balancer.failed(endpoint)
            self._resolver.report(endpoint)
            raise _lost(endpoint, error) from error
        except TimeoutError as error:
            self._resolver.report(endpoint)
            raise self._timed_out(endpoint) from error
        return answer

    async def _exchange(self, endpoint: Endpoint, body: bytes) -> Answer:
        session = self._client._open_session()
        url = endpoint.address + EXECUTE_PATH
        headers = self._client._authorization()
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            content = await _read(response, endpoint, self._client._max_answer_bytes)
        self._balancer.answered(endpoint)
        try:
            return read_reply(response.status, response.headers, content, endpoint)
        except PythonError as error:
            if response.status == 503 and error.reason is Reason.WORKER_UNAVAILABLE:
                # It leaves (draining) and has begun nothing: as good as not reached.
                raise _UnreachedError(f"{endpoint.name}: {error.message}") from error
            raise

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _timed_out(self, endpoint: Endpoint) -> PythonError:
        return PythonError(
            Reason.TIMEOUT,
            f"worker {endpoint.name} did not answer within {self._call.timeout:g} s",
            worker=endpoint.name,
        )


async def _read(response: aiohttp.ClientResponse, sender: Endpoint, most: int) -> bytes:
    """Read a body up to a number of bytes, so that no answer fills the memory."""
    chunks = bytearray()
    async for chunk in response.content.iter_any():
        chunks += chunk
        if len(chunks) > most:
            response.close()
            raise unreadable(sender, f"sent an answer longer than {most} bytes")
    return bytes(chunks)


def _lost(endpoint: Endpoint, error: Exception) -> PythonError:
    return PythonError(
        Reason.WORKER_LOST,
        f"the connection to worker {endpoint.name} broke during the call: {_describe(error)}",
        worker=endpoint.name,
    )


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__
