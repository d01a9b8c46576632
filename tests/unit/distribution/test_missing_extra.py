"""The `dspex` command where the wheel was installed without the extra `cli`."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "says"),
    [("click", "remedy: pip install 'dspex[cli]'"), ("dspex.cli.app", "ModuleNotFoundError")],
)
def test_a_missing_part_is_named_with_its_remedy(module: str, says: str) -> None:
    """A part of the extra is no traceback but what to install; another module is a fault."""
    program = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv = ['dspex', '--help']; "
        "from dspex.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if module == "click" else 1)
    assert says in done.stderr
    assert ("Traceback" in done.stderr) is (module != "click")
