"""The environment of a worker process: little of the parent's, so that a run does not depend on it.

In a cluster a worker sees what its Pool says and nothing else; here it also gets what a program
needs to find its files, its certificates and the way to the network.
"""

import os
from collections.abc import Mapping
from typing import Final

TOKEN: Final = "DSPEX_WORKER_TOKEN"  # noqa: S105 -- a variable's name
API_KEY: Final = "DSPEX_MODEL_API_KEY"

_NAMES: Final = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    }
)

# PIP_ because the embedded model is fetched by pip, from wherever the person's pip looks;
# COVERAGE_ so that who measures the coverage of their own modules sees what ran in workers.
_PREFIXES: Final = ("DSPEX_", "LC_", "XDG_", "PIP_", "COVERAGE_")


def worker_environment(
    *,
    token: str,
    api_key: str = "",
    pool: Mapping[str, str] | None = None,
    parent: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the environment of one worker process.

    Args:
        token: What callers must send; made anew for each run.
        api_key: The model's API key; empty sets none, whatever the parent has.
        pool: The Pool's `env`, resolved; it overrides the parent's, never token and key.
        parent: The environment of this process.
    """
    environment = {name: value for name, value in parent.items() if _is_inherited(name)}
    environment |= pool or {}
    environment.pop(API_KEY, None)
    if api_key:
        environment[API_KEY] = api_key
    environment[TOKEN] = token
    return environment


def _is_inherited(name: str) -> bool:
    return name.upper() in _NAMES or name.startswith(_PREFIXES)
