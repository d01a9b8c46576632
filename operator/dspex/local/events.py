"""What happens to worker processes, for whoever shows a run to a person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    """Something happened to one worker process of a pool."""

    pool: str
    worker: str

    def describe(self) -> str:
        """Return the event in one line, for a person."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarting(WorkerEvent):
    """The process was started; `log` is the file that its output goes to."""

    pid: int
    log: str

    def describe(self) -> str:
        """Return the event in one line."""
        return f"worker {self.worker} is starting (pid {self.pid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady(WorkerEvent):
    """The process answers; `seconds` since its start."""

    seconds: float

    def describe(self) -> str:
        """Return the event in one line."""
        return f"worker {self.worker} is ready after {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDied(WorkerEvent):
    """The process is gone, and will be started again.

    Attributes:
        why: How it ended: `was killed by SIGKILL`, `ended with status 1`.
        restart_in: Seconds until the next start; None where it was given up.
        last_lines: The end of its log.
    """

    why: str
    restart_in: float | None
    last_lines: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the event in one line."""
        if self.restart_in is None:
            return f"worker {self.worker} {self.why} and was given up"
        return f"worker {self.worker} {self.why}; it is started again in {self.restart_in:.1f} s"


OnWorkerEvent: TypeAlias = Callable[[WorkerEvent], None]
