"""A token in a file that the kubelet renews."""

import os
from pathlib import Path

import pytest

from dspex.bridge.client import TokenFile


def write(path: Path, text: str, moment: int) -> None:
    """Write a file with a time of its own, so that no clock is too coarse."""
    path.write_text(text)
    os.utime(path, ns=(moment, moment))


def test_the_token_stands_without_the_lines_end(tmp_path: Path) -> None:
    """A header could not hold it."""
    write(tmp_path / "token", " one\n", 1)
    assert TokenFile(tmp_path / "token")() == "one"


def test_a_file_that_is_not_there_yet_gives_an_empty_token(tmp_path: Path) -> None:
    """Which is not sent; the token is there as soon as the file is."""
    token = TokenFile(tmp_path / "token")
    assert token() == ""
    write(tmp_path / "token", "one", 1)
    assert token() == "one"


def test_a_file_is_read_again_only_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call costs a stat and no more."""
    reads: list[Path] = []
    original = Path.read_text

    def counted(path: Path) -> str:
        reads.append(path)
        return original(path)

    monkeypatch.setattr(Path, "read_text", counted)
    file = tmp_path / "token"
    write(file, "one", 1)
    token = TokenFile(file)
    assert [token() for _ in range(3)] == ["one"] * 3
    assert len(reads) == 1
    write(file, "two", 2)
    assert [token() for _ in range(3)] == ["two"] * 3
    assert len(reads) == 2


def test_a_swapped_link_counts_even_with_the_same_time(tmp_path: Path) -> None:
    """The kubelet points a link at another folder; files of both may have one time."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "token", name, 1)
    link = tmp_path / "data"
    link.symlink_to("a")
    token = TokenFile(link / "token")
    assert token() == "a"
    link.unlink()
    link.symlink_to("b")
    assert token() == "b"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_the_last_token_stands_while_the_file_can_not_be_read(
    tmp_path: Path, content: bytes | None
) -> None:
    """Gone for a moment, or no text: the next good one is taken again."""
    file = tmp_path / "token"
    write(file, "one", 1)
    token = TokenFile(file)
    assert token() == "one"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert token() == "one"
    write(file, "two", 3)
    assert token() == "two"
