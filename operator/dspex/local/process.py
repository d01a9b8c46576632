"""One worker process: started, watched, and never left behind."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import aiohttp

from dspex.bridge.client import Endpoint
from dspex.errors import ConfigurationError, DspexError, PythonError, Reason
from dspex.local.logs import read_findings, read_tail

WORKER_COMMAND: Final = (sys.executable, "-m", "dspex_worker")
"""What starts a worker; `--config` and the rest follow."""

LAST_LINES: Final = 20
"""Lines of a log that an error shows."""

BAD_CONFIGURATION: Final = 2
"""Exit status of a worker that its configuration keeps from getting ready."""

_FIRST_POLL: Final = 0.02
_SLOWEST_POLL: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start a worker process.

    Attributes:
        name: The worker's name.
        config: Its configuration file.
        environment: Its whole environment.
        directory: Its current directory; modules and tools are importable from there.
        log: File that its output is appended to.
        command: What starts it.
    """

    name: str
    config: Path
    environment: Mapping[str, str]
    directory: Path
    log: Path
    command: Sequence[str] = WORKER_COMMAND

    def last_lines(self) -> tuple[str, ...]:
        """Return the end of the log."""
        return read_tail(self.log, LAST_LINES)


class WorkerProcess:
    """A child process in a session of its own.

    Its standard input is a pipe that nobody writes to: when this process ends, however it ends,
    the kernel closes the pipe and the worker ends too. A terminal's Ctrl-C does not reach it.
    """

    def __init__(
        self, launch: Launch, process: asyncio.subprocess.Process, pipes: "_Pipes", log_begin: int
    ) -> None:
        self.launch = launch
        self.started = time.monotonic()
        self._process = process
        self._pipes = pipes
        self._log_begin = log_begin
        self._drain: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, launch: Launch) -> Self:
        """Start the process; it is not ready yet.

        Raises:
            PythonError: With WorkerUnavailable, where the system can't start it.
        """
        pipes = await _Pipes.open()
        try:
            with launch.log.open("ab") as log:
                log_begin = log.tell()
                process = await asyncio.create_subprocess_exec(
                    *launch.command,
                    *("--config", str(launch.config), "--port", "0"),
                    *("--name", launch.name, "--exit-with-parent"),
                    stdin=pipes.child_stdin,
                    stdout=pipes.child_stdout,
                    stderr=log,
                    env=dict(launch.environment),
                    cwd=launch.directory,
                    start_new_session=True,
                )
        except OSError as error:
            pipes.close()
            message = f"worker {launch.name} can't be started: {error}"
            raise PythonError(Reason.WORKER_UNAVAILABLE, message, worker=launch.name) from error
        except BaseException:
            pipes.close()
            raise
        pipes.close_child_ends()
        return cls(launch, process, pipes, log_begin)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its session and process group."""
        return self._process.pid

    async def until_ready(self, seconds: float) -> Endpoint:
        """Wait until the worker has said where it listens and answers that it is ready.

        Raises:
            ConfigurationError: What the worker found wrong about its configuration.
            PythonError: With WorkerUnavailable and the log's last lines, where it ends before
                that for another reason, or takes longer.
        """
        ready = asyncio.create_task(self._announce_and_answer())
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                return ready.result()
            if ended.done():
                raise self._failure(f"{self.describe_end()} before it was ready")
            raise self._failure(f"was not ready within {seconds:g} s")
        finally:
            await _cancel(ready, ended)

    async def wait(self) -> str:
        """Wait until the process has ended and say how."""
        await self._process.wait()
        return self.describe_end()

    async def answers(self, address: str, seconds: float) -> bool:
        """Say whether the worker answers that it is ready within some seconds; no if it ends."""
        ready = asyncio.create_task(_poll_ready(address))
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return ready.done() and not ended.done()
        finally:
            await _cancel(ready, ended)

    def describe_end(self) -> str:
        """Say how the process ended: `was killed by SIGKILL`, `ended with status 1`."""
        status = self._process.returncode
        if status is None:
            return "still runs"
        if status >= 0:
            return f"ended with status {status}"
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    async def stop(self, grace: float) -> None:
        """End the process and all that it started: SIGTERM, then after `grace` seconds SIGKILL.

        Does so at once where this task is cancelled meanwhile.
        """
        try:
            if self._process.returncode is None:
                self._signal(signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(grace):
                        await self._process.wait()
        finally:
            # The group outlives its leader if the worker's own children did.
            self.kill()
            await self._process.wait()
            self._pipes.close()
            if self._drain is not None:
                await _cancel(self._drain)

    def kill(self) -> None:
        """Send SIGKILL to the whole process group, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _announce_and_answer(self) -> Endpoint:
        endpoint = Endpoint(self._read_address(await self._first_line()), self.launch.name)
        self._drain = asyncio.create_task(self._keep_reading())
        await _poll_ready(endpoint.address)
        return endpoint

    async def _first_line(self) -> bytes:
        try:
            line = await self._pipes.output.readline()
        except ValueError as error:  # longer than the reader's limit
            raise self._failure("printed an endless line instead of its address") from error
        if not line:
            # Its end follows at once, and says more than a closed pipe.
            await self._process.wait()
            raise self._failure(f"{self.describe_end()} before it was ready")
        return line

    def _read_address(self, line: bytes) -> str:
        try:
            announced = json.loads(line)
            address = announced["address"]
        except (ValueError, TypeError, KeyError) as error:
            text = line.decode("utf-8", "replace").strip()[:200]
            raise self._failure(f"printed {text!r} instead of its address") from error
        return str(address)

    async def _keep_reading(self) -> None:
        """Append what the worker prints to its log: a full pipe would stop it."""
        with self.launch.log.open("ab") as log:
            while chunk := await self._pipes.output.read(2**16):
                log.write(chunk)
                log.flush()

    def _failure(self, what: str) -> DspexError:
        if self.exit_status == BAD_CONFIGURATION:
            findings = read_findings(self.launch.log, self._log_begin)
            if findings:
                return ConfigurationError(*findings)
        lines = self.launch.last_lines()
        message = f"worker {self.launch.name} {what}"
        if lines:
            message += "; its last lines:\n" + "\n".join(f"  {line}" for line in lines)
        return PythonError(Reason.WORKER_UNAVAILABLE, message, worker=self.launch.name)


async def _poll_ready(address: str) -> None:
    """Ask `/readyz` until it answers 200; without an end of its own."""
    pause = _FIRST_POLL
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{address}/readyz", allow_redirects=False) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(pause)
            pause = min(_SLOWEST_POLL, pause * 1.5)


async def _cancel(*tasks: "asyncio.Task[object]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Pipes:
    """The child's standard input and output.

    Own pipes and not asyncio's: those count a process as running for as long as anybody, such as
    a child of the worker, holds its output open.
    """

    def __init__(self) -> None:
        self.child_stdin, self._keep_alive = os.pipe()
        self._read_end, self.child_stdout = os.pipe()
        self._open = {self.child_stdin, self._keep_alive, self.child_stdout}
        self.output = asyncio.StreamReader(limit=2**16)
        self._transport: asyncio.ReadTransport | None = None

    @classmethod
    async def open(cls) -> Self:
        pipes = cls()
        read_end = os.fdopen(pipes._read_end, "rb", 0)
        protocol = asyncio.StreamReaderProtocol(pipes.output)
        try:
            loop = asyncio.get_running_loop()
            pipes._transport, _ = await loop.connect_read_pipe(lambda: protocol, read_end)
        except BaseException:
            read_end.close()
            pipes.close()
            raise
        return pipes

    def close_child_ends(self) -> None:
        self._close(self.child_stdin, self.child_stdout)

    def close(self) -> None:
        self._close(*self._open)
        if self._transport is not None:
            self._transport.close()

    def _close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor in self._open:
                self._open.discard(descriptor)
                os.close(descriptor)
