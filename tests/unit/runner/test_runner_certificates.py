"""The system's certificates, which a runner reads only for plug-ins."""

import os
import subprocess
import sys

import aiohttp.connector
import pytest

from dspex.runner.certificates import load_bundle, without_bundle


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set is set again, what was not is not."""
    monkeypatch.setenv("SSL_CERT_FILE", "/some/file")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with without_bundle():
        assert os.environ["SSL_CERT_FILE"] == os.devnull
    assert os.environ["SSL_CERT_FILE"] == "/some/file"
    assert "SSL_CERT_DIR" not in os.environ


def test_a_plug_in_has_the_certificates_that_it_would_have_had() -> None:
    """In a process that began without them."""
    code = """
import aiohttp.connector as c
from dspex.runner.certificates import load_bundle
before = len(c._SSL_CONTEXT_VERIFIED.get_ca_certs())
load_bundle()
print(before, len(c._SSL_CONTEXT_VERIFIED.get_ca_certs()))
"""
    script = f"import dspex.runner.__main__\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    load_bundle()
    usual = len(aiohttp.connector._SSL_CONTEXT_VERIFIED.get_ca_certs())
    assert (before, after) == (0, usual)
