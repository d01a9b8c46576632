"""The process of an MCP server that speaks over its standard input and output."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from typing import Final

from dspex_worker.tools.guard import ToolError

MAX_MESSAGE: Final = 32 * 1024 * 1024
"""Bytes of one message; a server that sends more is ended."""
TAIL: Final = 2_000
"""Characters of what it wrote last to standard error, for the message of a failed start."""
PATIENCE: Final = 0.5
"""Seconds that a server has to end in once its input is closed, and again after SIGTERM."""
_POLL: Final = 0.01

# The kernel ends the server with the worker, also where nothing of the worker runs any more. The
# wrapper becomes the server: no process more.
_DIE_WITH_PARENT: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""

_INHERITED: Final = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    }
)


class Child:
    """A server's process, in a process group of its own, which ends as a whole."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._tail = ""
        self._errors = asyncio.create_task(self._keep_tail())

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> "Child":
        """Start it.

        Raises:
            ToolError: There is no such program, or the system can't start it.
        """
        program = shutil.which(command[0], path=environment.get("PATH"))
        if program is None:
            raise ToolError(f"there is no program {command[0]!r}")
        try:
            process = await asyncio.create_subprocess_exec(
                *_dying_with_parent([program, *command[1:]]),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=dict(environment),
                limit=MAX_MESSAGE,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{command[0]!r} can't be started: {error}") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id, and its group's."""
        return self._process.pid

    async def read(self) -> bytes:
        """Return its next line; empty at the end.

        Raises:
            ToolError: The line is too long.
        """
        assert self._process.stdout  # noqa: S101 for the type checker
        try:
            return await self._process.stdout.readline()
        except ValueError as error:
            size = MAX_MESSAGE // 2**20
            raise ToolError(f"it sent a message of more than {size} MiB") from error

    async def write(self, line: bytes) -> None:
        """Send it a line.

        Raises:
            OSError: It reads no more.
        """
        assert self._process.stdin  # noqa: S101 for the type checker
        self._process.stdin.write(line)
        await self._process.stdin.drain()

    async def how_it_ended(self) -> str:
        """Say how it ended, and what it wrote last."""
        await self._exited(PATIENCE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(self._errors)
        lines = self._tail.strip().splitlines()
        last = f": {lines[-1].strip()}" if lines else ""
        code = self._process.returncode
        if code is None:
            return f"its process closed its output{last}"
        if code >= 0:
            return f"its process ended with status {code}{last}"
        return f"its process was killed by {_signal_name(-code)}{last}"

    async def stop(self) -> None:
        """End the whole group: by closing its input, by SIGTERM, by SIGKILL."""
        assert self._process.stdin  # noqa: S101 for the type checker
        try:
            self._process.stdin.close()
            if not await self._exited(PATIENCE):
                self._signal(signal.SIGTERM)
                await self._exited(PATIENCE)
        finally:
            # Children that it left behind, too.
            self._signal(signal.SIGKILL)
            await self._exited(PATIENCE)
            self._errors.cancel()
            # A stranger may still hold the pipes; asyncio would keep them open and complain.
            transport = getattr(self._process, "_transport", None)
            if transport is not None:
                transport.close()

    async def _exited(self, seconds: float) -> bool:
        # Not wait(), which also waits until nobody holds the pipes any more.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._process.returncode is None:
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_POLL)
        return True

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _keep_tail(self) -> None:
        assert self._process.stderr  # noqa: S101 for the type checker
        while chunk := await self._process.stderr.read(2**14):
            self._tail = (self._tail + chunk.decode("utf-8", "replace"))[-TAIL:]


def _dying_with_parent(command: Sequence[str]) -> Sequence[str]:
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def child_environment(
    own: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a server sees: where programs and certificates are, and what the Pool gives it.

    Neither the model's key nor the worker's token nor the Pool's own `env` is among it. The
    worker's Python is the first on the path.

    Args:
        own: The server's `env`.
        environment: The worker's.
    """
    made = {
        name: value
        for name, value in environment.items()
        if name.upper() in _INHERITED or name.startswith(("LC_", "XDG_"))
    }
    folders = [os.path.dirname(sys.executable), made.get("PATH", os.defpath)]  # noqa: PTH120
    return {**made, "PATH": os.pathsep.join(folders), **own}
