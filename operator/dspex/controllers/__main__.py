"""`python -m dspex.controllers`: the operator."""

import asyncio
import sys
from typing import Final

from dspex.controllers.leadership import take_signals
from dspex.controllers.logs import set_up_logs
from dspex.controllers.operator import Operator
from dspex.controllers.settings import read_settings
from dspex.errors import ConfigurationError
from dspex.kube.config import load_config

_DEEPEST: Final = 60_000
"""Levels of Python calls. The API server takes objects nested 10,000 deep, and kopf reads each line
of a watch with json.loads, which counts two for a level: one such object must not end the watch."""


async def _run() -> int:
    settings = read_settings()
    set_up_logs(settings.log_level)
    operator = Operator(settings, load_config())
    take_signals(operator.stop)
    return await operator.run()


def main() -> int:
    """Run the operator until a signal ends it; return the exit code."""
    sys.setrecursionlimit(_DEEPEST)
    try:
        return asyncio.run(_run())
    except (ConfigurationError, FileNotFoundError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
