"""The pins of a hashed lock."""

import re
from dataclasses import dataclass

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;]+)(?: *;([^\\]*))?")


@dataclass(frozen=True, slots=True)
class Pin:
    """One distribution: its version, the marker that it is for, and the hashes of its files."""

    version: str
    marker: str
    hashes: frozenset[str]


def read_pins(text: str) -> dict[str, Pin]:
    """Return the pins of a lock by normalised name.

    Raises:
        ValueError: A line is neither a pin nor a hash.
    """
    pins: dict[str, Pin] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        words, *hashes = re.split(r"\s+--hash=", entry.strip())
        if not words:
            continue
        match = _PIN.fullmatch(words)
        if match is None:
            raise ValueError(f"neither a pin nor a hash: {entry.strip()[:80]!r}")
        name, version, marker = match.groups()
        pins[normal(name)] = Pin(version, (marker or "").strip(), frozenset(hashes))
    return pins


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
