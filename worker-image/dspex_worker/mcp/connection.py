"""The session with one MCP server: opened, kept, and opened again when it is lost."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp_types import CONNECTION_CLOSED, CallToolResult, Implementation

import dspex
from dspex_worker.log import logger
from dspex_worker.tools.guard import ToolError

MAX_PAGES: Final = 100
"""Pages of a list of tools."""
CLOSING: Final = 3.0
"""Seconds that the end of a session may take."""
MOMENT: Final = 0.2
"""Seconds in which the reason of a loss follows the loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient a connection is; all in seconds.

    Attributes:
        start: Within which an HTTP server must be reachable when the worker starts.
        handshake: For the handshake and the list of tools.
        first_pause: Before a lost session is opened again, doubled with each failure.
        longest_pause: Before it is at most.
        wait: That a call waits for a session that is being opened again.
    """

    start: float = 20.0
    handshake: float = 20.0
    first_pause: float = 0.2
    longest_pause: float = 10.0
    wait: float = 5.0


TIMING: Final = Timing()


class Session:
    """One session, as long as it lasts.

    Attributes:
        client: None until the handshake is done.
        ended: Holds why it ended.
        open: Whether it takes calls.
        status: The last HTTP status of 400 and above; 0 for none.
        unknown: Whether the server said that it does not know the session.
    """

    def __init__(self) -> None:
        self.client: Client | None = None
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.open = True
        self.status = 0
        self.unknown = False

    def close(self) -> None:
        """Take no more calls: it ends, and why is not known yet."""
        self.open = False

    def lose(self, reason: str) -> None:
        """Say why it ended; the first reason counts."""
        self.open = False
        if not self.ended.done():
            self.ended.set_result(reason)

    def refuse(self, status: int, unknown: bool) -> None:
        """Keep what the server's HTTP said."""
        self.status = status
        self.unknown = self.unknown or unknown


Transport = Callable[[Session], AbstractAsyncContextManager[Any]]


@dataclass
class Connection:
    """Holds a session with a server, in a task of its own.

    Attributes:
        name: The server's name in the Pool.
        transport: Opens a way to it.
        timing: How patient to be.
        tools: What the server offered when the worker started.
    """

    name: str
    transport: Transport
    timing: Timing = TIMING
    tools: tuple[mcp_types.Tool, ...] = ()
    _session: Session | None = None
    _problem: str = ""
    _available: asyncio.Event = field(default_factory=asyncio.Event)
    _keeper: "asyncio.Task[None] | None" = None
    _abandoned: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def start(self) -> None:
        """Open the first session; `tools` are there then.

        Raises:
            ToolError: It can't be opened; an HTTP server that can't be reached has some time.
        """
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(opened), name=f"mcp {self.name}")
        try:
            await opened
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the session, and the server's process."""
        if self._keeper is not None:
            self._keeper.cancel()
            done, _ = await asyncio.wait({self._keeper}, timeout=CLOSING)
            if not done:
                logger.warning("an MCP session does not end", extra={"server": self.name})
                self._keeper.cancel()

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool.

        Raises:
            ToolError: The server can't be reached, is lost meanwhile, or refuses the call.
        """
        session = await self._open_session()
        try:
            return await self._over(session, tool, arguments)
        except ToolError:
            if not session.unknown:
                raise
        # It was refused for its session alone, so it was not done.
        self._forget(session, "the server knows the session no more")
        return await self._over(await self._open_session(), tool, arguments)

    async def _open_session(self) -> Session:
        if self._session is not None and not self._session.open:
            self._session = None
            self._available.clear()
        if self._session is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.timing.wait):
                    await self._available.wait()
        if self._session is None:
            raise ToolError(f"The MCP server {self.name} can't be reached: {self._problem}")
        return self._session

    async def _over(self, session: Session, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        assert session.client is not None  # noqa: S101 for the type checker
        session.status = 0
        task = asyncio.ensure_future(_ended(session.client.call_tool(tool, arguments)))
        try:
            futures: set[asyncio.Future[Any]] = {task, session.ended}
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                # The SDK tells the server that nobody waits any more.
                self._abandoned.add(task)
                task.add_done_callback(self._abandoned.discard)
                task.cancel()
        result, error = task.result() if task.done() else (None, None)
        if result is not None:
            return result
        if isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
            await asyncio.wait({session.ended}, timeout=MOMENT)
        if session.ended.done():
            raise ToolError(
                f"The MCP server {self.name} was lost during the call, which may have been done: "
                f"{session.ended.result()}"
            )
        raise ToolError(f"The MCP server {self.name} refused the call: {_told(error, session)}")

    async def _keep(self, opened: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self.timing.start, self.timing.first_pause
        while True:
            session = Session()
            error = await self._hold(session, opened)
            reason = session.ended.result()
            self._forget(session, reason)
            if not opened.done():
                if not _may_come_up(error) or loop.time() >= deadline:
                    opened.set_exception(ToolError(reason))
                    return
            else:
                # What it wrote last may hold what it was asked.
                why = reason.partition(": ")[0]
                logger.warning("an MCP server was lost", extra={"server": self.name, "why": why})
            if session.client is not None:
                pause = self.timing.first_pause
            await asyncio.sleep(pause)
            pause = min(self.timing.longest_pause, 2 * pause)

    async def _hold(self, session: Session, opened: "asyncio.Future[None]") -> BaseException | None:
        """Hold a session until it ends; returns the error that ended it, if there was one."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(self.timing.handshake):
                    client = await stack.enter_async_context(self._client(session))
                    tools = await _list(client)
                session.client = client
                self._take(session, tools)
                if not opened.done():
                    opened.set_result(None)
                await asyncio.shield(session.ended)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                session.lose("the worker ends")
                raise
            session.lose("the connection broke")
            return error
        except TimeoutError as error:
            session.lose(f"no answer within {self.timing.handshake:g} s")
            return error
        except Exception as error:  # noqa: BLE001 whatever it is, it is tried again
            leaf = _leaf(error)
            if isinstance(leaf, MCPError) and leaf.code == CONNECTION_CLOSED:
                await asyncio.wait({session.ended}, timeout=2 * MOMENT)
            session.lose(_told(leaf, session))
            return leaf
        return None

    def _client(self, session: Session) -> Client:
        return Client(
            self.transport(session),
            cache=None,
            client_info=Implementation(name="dspex", version=dspex.__version__),
        )

    def _take(self, session: Session, tools: tuple[mcp_types.Tool, ...]) -> None:
        if not self.tools:
            self.tools = tools
        elif missing := {each.name for each in self.tools} - {each.name for each in tools}:
            logger.warning(
                "an MCP server came back without some of its tools",
                extra={"server": self.name, "missing": sorted(missing)},
            )
        self._session = session
        self._available.set()

    def _forget(self, session: Session, reason: str) -> None:
        session.lose(reason)
        self._problem = reason
        if self._session is session:
            self._session = None
            self._available.clear()


async def _ended(
    call: Coroutine[Any, Any, CallToolResult],
) -> tuple[CallToolResult | None, BaseException | None]:
    try:
        return await call, None
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return None, error
    except Exception as error:  # noqa: BLE001 whatever it is, the model is told
        return None, _leaf(error)


async def _list(client: Client) -> tuple[mcp_types.Tool, ...]:
    tools: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return tuple(tools)
    raise ToolError(f"its list of tools has more than {MAX_PAGES} pages")


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _may_come_up(error: BaseException | None) -> bool:
    """Say whether a server may only not be there yet, as one of the same release may."""
    return isinstance(error, httpx2.TransportError)


def _told(error: BaseException | None, session: Session) -> str:
    if session.status and isinstance(error, MCPError):
        return f"HTTP {session.status}"
    if isinstance(error, (ToolError, MCPError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
