"""The entry of the worker's command."""

import subprocess
import sys

import pytest

BLOCK = """
import sys
sys.modules[{name!r}] = None
from dspex_worker.command import main
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["prometheus_client"])
def test_a_missing_part_is_named_with_what_to_install(name: str) -> None:
    """No traceback; exit status 2."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCK.format(name=name), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"the worker needs {name}, which is not installed\n  remedy: pip install 'dspex[worker]'\n"
    )
