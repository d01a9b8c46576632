"""The base of the images: Python on Debian, from a registry or from Debian's packages."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from cluster.build import locked, say
from cluster.cluster import ClusterError
from cluster.packages import install
from cluster.paths import cache

VARIABLE: Final = "DSPEX_IMAGE_BASE"
"""Names a base image to be used as it is."""

MADE: Final = "localhost/dspex-base:bookworm-3"
REGISTRY: Final = "docker.io/library/python:3.11-slim-bookworm"
PACKAGES: Final = "python3,python3-venv,python3-pip,ca-certificates,libgomp1"
TOOLS: Final = {"buildah": "buildah", "debootstrap": "debootstrap"}


def base() -> str:
    """Return the name of the base image; make it where no registry has it.

    Raises:
        ClusterError: It can be had in no way.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return given
    install(TOOLS)
    with locked(cache().parent / "images"):
        for name in (MADE, REGISTRY):
            if _buildah("inspect", "--type", "image", name).returncode == 0:
                return name
        if _buildah("pull", "--quiet", REGISTRY, seconds=60).returncode == 0:
            return REGISTRY
        _make()
    return MADE


def mirror(sources: str) -> str:
    """Return Debian's mirror that a machine's apt sources name: the one that ends in /debian.

    Raises:
        ClusterError: They name none.
    """
    found = re.findall(
        r"^(?:deb\s+|URIs:\s*)(?:\[[^]]*\]\s*)?(\S+/debian)/?\s", sources, re.MULTILINE
    )
    if not found:
        raise ClusterError("no Debian mirror in this machine's apt sources")
    return str(found[0])


def _make() -> None:
    say("making the base of the images from Debian's packages (once; about a minute)")
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    address = mirror("".join(file.read_text() + "\n" for file in files if file.is_file()))
    with tempfile.TemporaryDirectory(prefix="dspex-base-") as folder:
        root = Path(folder) / "root"
        _checked(
            "debootstrap",
            "--variant=minbase",
            f"--include={PACKAGES}",
            "bookworm",
            str(root),
            address,
        )
        for name in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
            subprocess.run(["find", str(root / name), "-type", "f", "-delete"], check=False)
        (root / "etc/apt/sources.list").write_text("")
        # As Docker's own Python image has it.
        (root / "usr/bin/python").symlink_to("python3")
        container = _checked("buildah", "from", "scratch").strip()
        try:
            _checked("buildah", "copy", "--quiet", container, str(root), "/")
            _checked("buildah", "commit", "--quiet", container, MADE)
        finally:
            _buildah("rm", container)


def _buildah(*arguments: str, seconds: float = 600) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["buildah", *arguments], capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(late.cmd, 124, "", "timed out")


def _checked(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(command[:2])}: {(done.stderr + done.stdout)[-2000:]}")
    return done.stdout
