"""The token that a call carries: one that stays, or one that the kubelet renews in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Token: TypeAlias = Callable[[], str]
"""Returns the present token; an empty one is not sent."""


class TokenFile:
    """Reads a token from a file, anew when the file has changed.

    Args:
        path: The file. While it can't be read the last token stands, at first an empty one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""
        self._read: tuple[int, int] | None = None

    def __call__(self) -> str:
        """Return the present token."""
        try:
            found = self._path.stat()
            # The kubelet swaps a link to a new folder: another file, with another time.
            mark = (found.st_ino, found.st_mtime_ns)
            if mark != self._read:
                self._token = self._path.read_text().strip()
                self._read = mark
        except (OSError, UnicodeDecodeError):
            pass
        return self._token
