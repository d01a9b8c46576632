"""An operator in a thread of its own, as it has a process of its own in a cluster."""

import asyncio
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from dspex.controllers.operator import Operator
from dspex.controllers.registration import Registration
from dspex.controllers.settings import Settings
from dspex.kube.config import ClusterConfig
from dspex.kube.kind import Kind


class OperatorThread:
    """Runs an operator; use it as a context manager, which stops it at the end.

    Args:
        config: Where the API server is.
        kinds: The controllers by kind; the real ones if not given.
        identity: Of this operator.
        namespaces: Those that are watched; empty for all.
        elect: Whether it takes the Lease.

    Attributes:
        identity: Of this operator.
        operator: The operator, once it runs.
        code: Its exit code, once it has ended.
    """

    def __init__(
        self,
        config: ClusterConfig,
        kinds: Mapping[Kind, Registration] | None = None,
        *,
        identity: str = "first",
        namespaces: tuple[str, ...] = (),
        elect: bool = True,
    ) -> None:
        self.identity = identity
        self._config = config
        self._kinds = kinds
        self._settings = Settings(
            identity=identity,
            namespaces=namespaces,
            elect=elect,
            host="127.0.0.1",
            port=0,
            webhook_port=0,
            certificates="",
        )
        self._thread = threading.Thread(target=self._run, name=f"operator {identity}")
        self._began = threading.Event()
        self._error: BaseException | None = None
        self.operator: Operator
        self.code: int | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._began.wait(30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.join()

    @property
    def address(self) -> str:
        """URL of its own port."""
        host, port = self.operator.address
        return f"http://{host}:{port}"

    def get(self, path: str) -> tuple[int, str]:
        """Ask its port; return status and text."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def until(self, holds: Callable[[], bool], within: float = 30.0) -> None:
        """Wait until something is so that nobody tells of.

        Raises:
            TimeoutError: It was not so in time.
        """
        ends = time.monotonic() + within
        while not holds():
            if time.monotonic() > ends:
                raise TimeoutError("not within the time")
            time.sleep(0.02)

    def lead(self) -> None:
        """Wait until it leads and has listed all kinds."""
        self.until(lambda: "\ndspex_leader 1.0\n" in self.get("/metrics")[1])
        self.until(lambda: self.get("/readyz")[0] == 200)

    def stop(self) -> None:
        """Tell it to end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.operator.stop.set)

    def join(self, within: float = 30.0) -> int:
        """Wait until it has ended; return its exit code, or raise what it raised."""
        self._thread.join(within)
        assert not self._thread.is_alive(), "the operator did not end"
        if self._error is not None:
            raise self._error
        assert self.code is not None
        return self.code

    def _run(self) -> None:
        try:
            self.code = asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 -- raised again by `join`
            self._error = error
            self._began.set()

    async def _main(self) -> int:
        self._loop = asyncio.get_running_loop()
        self.operator = Operator(self._settings, self._config, self._kinds)
        running = asyncio.ensure_future(self.operator.run())
        while not (self.operator.address[1] or running.done()):
            await asyncio.sleep(0)
        self._began.set()
        return await running
