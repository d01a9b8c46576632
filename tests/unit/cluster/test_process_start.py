"""When a process of the cluster counts as ended."""

import subprocess
import sys
from pathlib import Path

from cluster.processes import started, until

LEADER_GONE = """
import sys, threading
threading.Thread(target=sys.stdin.read).start()
import ctypes
ctypes.CDLL(None).pthread_exit(None)
"""


def state(pid: int) -> str:
    """Return the kernel's letter for a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_process_lives_until_its_last_thread_has_ended() -> None:
    """A killed server's port is free only then, though its first thread is a zombie before."""
    with subprocess.Popen([sys.executable, "-c", LEADER_GONE], stdin=subprocess.PIPE) as process:
        since = started(process.pid)
        assert since is not None
        assert until(lambda: state(process.pid) == "Z")
        assert started(process.pid) == since
        process.kill()
        assert until(lambda: started(process.pid) is None)


def test_a_process_that_is_not_there_never_started() -> None:
    """No process has the pid 0."""
    assert started(0) is None
