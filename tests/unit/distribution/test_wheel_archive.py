"""What `make wheel` finds in a wheel."""

import zipfile
from pathlib import Path

import pytest

from distribution.archive import ENTRY_POINTS, problems

FILES = {
    "dspex/__init__.py": "",
    "dspex/py.typed": "",
    "dspex/api/pool.py": "",
    "dspex_worker/__init__.py": "",
    "dspex_worker/py.typed": "",
    "dspex-1.dist-info/METADATA": "License-Expression: Apache-2.0\nRequires-Python: >=3.11\n",
    "dspex-1.dist-info/entry_points.txt": ENTRY_POINTS,
    "dspex-1.dist-info/licenses/LICENSE": "be free",
    "dspex-1.dist-info/RECORD": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with these sources and some bytecode."""
    for name in FILES:
        if ".dist-info" in name:
            continue
        package, rest = name.split("/", 1)
        folder = "operator" if package == "dspex" else "worker-image"
        path = tmp_path / folder / package / rest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "operator/dspex/pool.cpython-311.pyc").touch()
    (tmp_path / "LICENSE").write_text("be free")
    return tmp_path


def wheel(root: Path, files: dict[str, str]) -> Path:
    """Write a wheel."""
    path = root / "dspex-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_a_whole_wheel_is_right(root: Path) -> None:
    """Every source file, the licence and the commands, no bytecode: nothing to say."""
    assert problems(wheel(root, FILES), root) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("dspex/py.typed", "dspex/py.typed is not in the wheel"),
        ("dspex_worker/__init__.py", "dspex_worker/__init__.py is not in the wheel"),
        ("dspex-1.dist-info/licenses/LICENSE", "LICENSE is not in the wheel"),
        ("dspex-1.dist-info/entry_points.txt", "the commands are None"),
        ("dspex-1.dist-info/METADATA", "METADATA does not say"),
    ],
)
def test_what_is_missing_is_found(root: Path, name: str, problem: str) -> None:
    """Whatever of it is left out is named."""
    files = {each: content for each, content in FILES.items() if each != name}
    assert any(line.startswith(problem) for line in problems(wheel(root, files), root))


@pytest.mark.parametrize("name", ["tests/test_x.py", "dspex/api/__pycache__/pool.pyc", "setup.py"])
def test_what_should_not_be_there_is_found(root: Path, name: str) -> None:
    """Tests, bytecode and strangers are named."""
    assert problems(wheel(root, {**FILES, name: ""}), root) == [
        f"{name} should not be in the wheel"
    ]
