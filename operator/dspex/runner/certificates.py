"""Keeps a runner from reading the system's bundle of certificates unless it may need them.

aiohttp reads it when it is imported, which takes as long as importing all the rest. A runner talks
to its API server, whose certificate is mounted, and to workers over http; only a plug-in may want
to talk to somebody else.
"""

import contextlib
import os
import ssl
from collections.abc import Iterator
from typing import Final

_VARIABLES: Final = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


@contextlib.contextmanager
def without_bundle() -> Iterator[None]:
    """Make contexts of TLS find no certificates by default while the block runs."""
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(_VARIABLES)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def load_bundle() -> None:
    """Give aiohttp's own context what it would have read at its import."""
    from aiohttp import connector

    context = getattr(connector, "_SSL_CONTEXT_VERIFIED", None)
    if isinstance(context, ssl.SSLContext):
        context.load_default_certs()
