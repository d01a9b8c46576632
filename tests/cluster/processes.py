"""The cluster's processes: each starts in the cluster's cgroup, so that all of them are found."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cluster.network import ENTER
from cluster.settings import CGROUP

HIERARCHIES: Final = Path("/sys/fs/cgroup")
_OUTLIVING: Final[list["subprocess.Popen[bytes]"]] = []
"""What was started here and runs on: Python warns of a process that it forgets."""

PATIENCE: Final = 10.0
"""Seconds that a process has to end after SIGTERM, and the kernel after SIGKILL."""


class Processes:
    """Starts and ends the components; their pids stand in a file beside their logs.

    Args:
        state: Folder of that file and of `logs/`.
    """

    def __init__(self, state: Path) -> None:
        self._file = state / "processes.json"
        self._logs = state / "logs"

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a component in the network namespace and the cgroup; it outlives this process."""
        self._logs.mkdir(exist_ok=True)
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*ENTER, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_join_cgroup,
            )
        _OUTLIVING.append(process)
        self._keep({**self._kept(), name: [process.pid, started(process.pid)]})

    def alive(self, name: str) -> bool:
        """Say whether the process that was started is still the one with its pid."""
        pid, since = self._kept().get(name, (0, None))
        return pid > 0 and since is not None and started(pid) == since

    def pid(self, name: str) -> int:
        """Return a component's pid, 0 if it does not run."""
        return self._kept()[name][0] if self.alive(name) else 0

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one component and wait until it has."""
        if not self.alive(name):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._kept()[name][0], number)
        if not until(lambda: not self.alive(name)):
            self.end(name, signal.SIGKILL)

    def log(self, name: str) -> Path:
        """Return where a component's log is."""
        return self._logs / f"{name}.log"

    def _kept(self) -> dict[str, tuple[int, int | None]]:
        if not self._file.exists():
            return {}
        kept: dict[str, tuple[int, int | None]] = json.loads(self._file.read_text())
        return kept

    def _keep(self, kept: dict[str, object]) -> None:
        self._file.write_text(json.dumps(kept))


def started(pid: int) -> int | None:
    """Return when a process started, in the kernel's ticks; None for none, or one that has ended.

    Of a killed process the first thread is a zombie while others still hold its port.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ended = fields[0] == "Z" and int(fields[17]) <= 1
    return None if ended else int(fields[19])


def hierarchies() -> list[Path]:
    """Return the cluster's cgroup in every hierarchy (one for cgroup v2)."""
    if (HIERARCHIES / "cgroup.controllers").exists():
        return [HIERARCHIES / CGROUP]
    return [
        folder / CGROUP
        for folder in sorted(HIERARCHIES.iterdir())
        if folder.is_dir() and not folder.is_symlink() and (folder / "cgroup.procs").exists()
    ]


def make_cgroups() -> None:
    """Make the cluster's cgroup, in which its processes and its pods' will be."""
    for folder in hierarchies():
        (folder / "system").mkdir(parents=True, exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # A cpuset takes no process before it has processors and memory.
            for each in (folder, folder / "system"):
                if (each / name).exists() and not (each / name).read_text().strip():
                    (each / name).write_text((each.parent / name).read_text())


def members(of: str = "") -> list[int]:
    """Return the pids of all processes in the cluster's cgroups.

    Args:
        of: Only those of cgroups with this name, a container's; empty for all.
    """
    found: set[int] = set()
    for folder in hierarchies():
        for file in folder.rglob(f"{of}/cgroup.procs" if of else "cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in file.read_text().split())
    return sorted(found)


def kill_members(of: str = "") -> None:
    """Kill whatever is in the cluster's cgroups, or in those of one name, until nothing is."""

    def none_left() -> bool:
        for pid in members(of):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not members(of)

    until(none_left)


def remove_cgroups() -> None:
    """Remove the cluster's cgroups, the innermost first."""
    for folder in hierarchies():
        until(functools.partial(_removed, folder))


def _removed(folder: Path) -> bool:
    for each in sorted((*folder.rglob("*/"), folder), key=lambda path: -len(path.parts)):
        with contextlib.suppress(OSError):
            if each.is_dir():
                each.rmdir()
    return not folder.exists()


def mounts(below: Path) -> Iterator[Path]:
    """Yield the mount points below a folder, the innermost first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [Path(line.split()[1].encode().decode("unicode_escape")) for line in lines]
    yield from sorted(
        (point for point in points if point.is_relative_to(below)),
        key=lambda point: -len(point.parts),
    )


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until something holds; say whether it does."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _join_cgroup() -> None:
    for folder in hierarchies():
        (folder / "system" / "cgroup.procs").write_text(str(os.getpid()))
