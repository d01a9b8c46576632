"""The hashed locks of the wheel's parts agree with pyproject.toml and with each other."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from distribution.extra import EXTRAS
from distribution.pins import Pin, normal, read_pins

ROOT = Path(__file__).parents[3]
NAMES = [extra.name for extra in EXTRAS]


def text(name: str) -> str:
    """Read a lock."""
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def project() -> dict[str, Any]:
    """Read the project's table."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def direct(name: str) -> list[Requirement]:
    """Return what a part of the wheel asks for itself, through other extras too."""
    extras: dict[str, list[str]] = project()["optional-dependencies"]
    found = [Requirement(line) for line in project()["dependencies"]]
    waiting = [] if name == "core" else [name]
    while waiting:
        for requirement in map(Requirement, extras[waiting.pop()]):
            if normal(requirement.name) == "dspex":
                waiting.extend(requirement.extras)
            else:
                found.append(requirement)
    return found


def test_every_extra_is_tried() -> None:
    """`make wheel` knows each extra of pyproject.toml, and the wheel without any."""
    assert set(NAMES) == {"core", *project()["optional-dependencies"]}


@pytest.mark.parametrize("name", NAMES)
def test_locks_hold_what_pyproject_asks_for(name: str) -> None:
    """Each direct dependency is pinned, to a version that its bounds allow."""
    pins = read_pins(text(name))
    for requirement in direct(name):
        pin = pins[normal(requirement.name)]
        assert requirement.specifier.contains(pin.version), requirement


@pytest.mark.parametrize("name", NAMES)
def test_tests_run_on_what_is_shipped(name: str) -> None:
    """Each pin is development's own, with the same files."""
    development = read_pins(text("dev"))
    for each, pin in read_pins(text(name)).items():
        assert (pin.version, pin.hashes) == (development[each].version, development[each].hashes)


@pytest.mark.parametrize("name", [*NAMES, "dev", "uv", "litellm"])
def test_locks_hold_hashes_and_no_addresses(name: str) -> None:
    """Each pin has the hashes of its files; where they come from is the installer's business."""
    lock = text(name)
    assert "://" not in lock
    assert "--index" not in lock
    for pin in read_pins(lock).values():
        assert pin.hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in pin.hashes)


@pytest.mark.parametrize("name", [*NAMES, "dev"])
def test_locks_leave_out_litellm(name: str) -> None:
    """It is 131 MB that nothing here imports."""
    assert "litellm" not in read_pins(text(name))


def test_the_image_with_litellm_adds_to_the_workers_lock() -> None:
    """What both locks pin is one version: the image installs one after the other."""
    worker, added = read_pins(text("worker")), read_pins(text("litellm"))
    assert "litellm" in added
    shared = worker.keys() & added.keys()
    assert {name: worker[name].version for name in shared} == {
        name: added[name].version for name in shared
    }


def test_pins_are_read_whole() -> None:
    """Name, version, marker and all hashes, over continued lines."""
    lock = "A.b_c==1.2 ; os_name == 'nt' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nd==3\n"
    assert read_pins(lock) == {
        "a-b-c": Pin("1.2", "os_name == 'nt'", frozenset({"sha256:aa", "sha256:bb"})),
        "d": Pin("3", "", frozenset()),
    }


@pytest.mark.parametrize("line", ["a>=1", "--index-url https://x", "git+https://x", "a==1 b==2"])
def test_what_is_no_pin_is_refused(line: str) -> None:
    """A lock holds pins and hashes and nothing else."""
    with pytest.raises(ValueError, match="neither a pin nor a hash"):
        read_pins(line)
