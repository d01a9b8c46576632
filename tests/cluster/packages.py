"""Debian's packages that the node needs, installed when they are missing."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cluster.build import say
from cluster.cluster import ClusterError

NODE: Final[Mapping[str, str]] = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "conntrack": "conntrack",
    "busybox": "busybox-static",
    "openssl": "openssl",
    "nsenter": "util-linux",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}
"""Debian's package for each program."""

_POLICY: Final = Path("/usr/sbin/policy-rc.d")


def install(wanted: Mapping[str, str]) -> None:
    """Install the packages of those programs that are missing; start no service.

    Raises:
        ClusterError: apt could not.
    """
    missing = sorted({package for program, package in wanted.items() if not _there(program)})
    if not missing:
        return
    say(f"installing {', '.join(missing)}")
    with _no_services():
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-qq", *arguments],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise ClusterError(f"apt-get {arguments[0]}: {done.stderr.strip()[-2000:]}")


def _there(program: str) -> bool:
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return shutil.which(program, path=search) is not None


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian from starting what it installs, as a container's image does."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
