"""The real command line as a process: what it prints, how it ends, and what it leaves behind.

    async with Scene(tmp_path) as scene:
        command = await scene.start("run", "-f", "pipeline.yaml")
        await command.says("step started")
        command.interrupt()
        ran = await command.end(within=10)

A scene marks every process by its environment, and holds at its end that none is left and that
no temporary file is.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from fakes.command_line import Ran, dspex_command

MARK: Final = "DSPEX_TEST_MARK"
"""Workers inherit variables of this prefix, and so does all that they start."""

DSPEX: Final = (str(Path(sys.executable).with_name("dspex")),)
LONG: Final = 60.0
"""Seconds within which anything here has to happen, on a machine that has other work too."""


def marked(mark: str) -> list[int]:
    """Return the processes that have the mark in their environment; zombies have none."""
    entry = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def worker_pid(words: str, worker: str) -> int:
    """Return the process that a run said it had started last under a worker's name."""
    return int(re.findall(rf"worker {worker} is starting \(pid (\d+)\)", words)[-1])


def processor_time(pid: int) -> float:
    """Return the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def eventually(condition: Any, within: float = LONG) -> None:
    """Ask until something is true; for what nobody tells of."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


@dataclass
class Command:
    """A process of the command line.

    Attributes:
        out: What it has printed so far.
        err: What it has said so far.
    """

    process: asyncio.subprocess.Process
    out: str = ""
    err: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _readers: list["asyncio.Task[None]"] = field(default_factory=list)

    def listen(self) -> None:
        """Begin to read what it prints."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            asyncio.create_task(self._read("out", self.process.stdout)),
            asyncio.create_task(self._read("err", self.process.stderr)),
        ]

    async def says(self, words: str, *, count: int = 1) -> None:
        """Wait until standard error holds some words; fails where it ends without them."""
        async with asyncio.timeout(LONG):
            while self.err.count(words) < count:
                assert not all(reader.done() for reader in self._readers), self.err
                self._changed.clear()
                await self._changed.wait()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal as it comes in life: Ctrl-C to the whole group, others to it alone."""
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGINT:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    async def end(self, *, within: float = LONG) -> Ran:
        """Wait for its end."""
        async with asyncio.timeout(within):
            await asyncio.gather(*self._readers)
            status = await self.process.wait()
        assert "Traceback" not in self.err, self.err
        return Ran(status, self.out, self.err)

    async def _read(self, name: str, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(2**16):
            setattr(self, name, getattr(self, name) + chunk.decode("utf-8", "replace"))
            self._changed.set()
        self._changed.set()


class Scene:
    """Processes of one test, in a folder of their own.

    Attributes:
        folder: Current directory of all processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._temporary = folder / "temporary"
        self._commands: list[Command] = []

    async def __aenter__(self) -> Self:
        self._temporary.mkdir(parents=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        left = self.processes
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for command in self._commands:
            await asyncio.gather(*command._readers)
            await command.process.wait()
        if error is None:
            assert left == [], "processes are left"
            assert list(self._temporary.iterdir()) == [], "temporary files are left"

    @property
    def processes(self) -> list[int]:
        """What runs of all that this scene started, at any remove."""
        return marked(self._mark)

    def forgive_files(self) -> None:
        """Take away what a command that was killed could not."""
        for entry in self._temporary.iterdir():
            for file in entry.iterdir():
                file.unlink()
            entry.rmdir()

    def write(self, text: str, name: str = "manifests.yaml") -> Path:
        """Write a file."""
        file = self.folder / name
        file.write_text(text)
        return file

    async def start(
        self,
        *arguments: Any,
        env: Mapping[str, str] | None = None,
        program: tuple[str, ...] = DSPEX,
    ) -> Command:
        """Start the command line."""
        process = await asyncio.create_subprocess_exec(
            *program,
            *map(str, arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            start_new_session=True,
            env={
                **os.environ,
                MARK: self._mark,
                "TMPDIR": str(self._temporary),
                **(env or {}),
            },
        )
        command = Command(process)
        command.listen()
        self._commands.append(command)
        return command

    async def run(self, *arguments: Any, within: float = LONG, **options: Any) -> Ran:
        """Start the command line and wait for its end."""
        command = await self.start(*arguments, **options)
        return await command.end(within=within)

    async def start_scripted(self, *arguments: Any, script: str) -> Command:
        """Start the command line with workers that play a script (`fakes.worker`)."""
        return await self.start(
            program=tuple(dspex_command(*arguments)), env={"DSPEX_FAKE_SCRIPT": script}
        )


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it runs."""
        return time.monotonic() - self._began
