"""Builds the programs of the node from Go modules, once for each set of inputs."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cluster.cluster import ClusterError
from cluster.paths import cache

KUBERNETES: Final = "1.34.4"
HELM: Final = "helm.sh/helm/v3/cmd/helm@v3.19.2"
COREDNS: Final = "github.com/coredns/coredns@v1.13.1"
SOURCE: Final = Path(__file__).with_name("node")
APPLETS: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
"""The names by which the one binary is called."""

_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_VERSION: Final = "k8s.io/component-base/version"
FLAGS: Final = (
    "-trimpath",
    "-ldflags",
    (
        f"-s -w -X {_VERSION}.gitVersion=v{KUBERNETES} "
        f"-X {_VERSION}.gitMajor={_MAJOR} -X {_VERSION}.gitMinor={_MINOR}"
    ),
)


def digest(*parts: bytes) -> str:
    """Return a short name for what is made of some inputs."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def inputs() -> list[bytes]:
    """Return all that decides what is built."""
    sources = [(SOURCE / name).read_bytes() for name in ("go.mod", "go.sum", "main.go")]
    return [*sources, *(text.encode() for text in (*FLAGS, HELM, COREDNS))]


def programs() -> Path:
    """Return the folder with all programs; build them if it is not there.

    Raises:
        ClusterError: Go could not build them.
    """
    folder = cache() / "programs" / digest(*inputs())
    with locked(folder.parent):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as made:
                _build(Path(made) / "bin")
                (Path(made) / "bin").rename(folder)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: two builds or starts at once would spoil each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(folder: Path) -> None:
    folder.mkdir()
    _go("build", *FLAGS, "-o", str(folder / "node"), ".", what="Kubernetes", folder=folder)
    for applet in APPLETS:
        (folder / applet).symlink_to("node")
    for package, name in ((HELM, "helm"), (COREDNS, "coredns")):
        _go("install", "-trimpath", "-ldflags", "-s -w", package, what=name, folder=folder)


def _go(*arguments: str, what: str, folder: Path) -> None:
    began = time.monotonic()
    say(f"building {what} (once; some minutes)")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(folder), "GOFLAGS": ""}
    go = shutil.which("go") or "go"
    done = subprocess.run(
        [go, *arguments], cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"go {' '.join(arguments[:2])} failed:\n{done.stderr[-4000:]}")
    say(f"built {what} in {time.monotonic() - began:.0f} s")


def say(text: str) -> None:
    """Tell who waits what is being done."""
    print(f"cluster: {text}", file=sys.stderr, flush=True)
