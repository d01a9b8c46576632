"""What all tools of a worker share."""

import asyncio
from dataclasses import dataclass

from dspex_worker.threads import Threads
from dspex_worker.tools.redactor import Redactor


@dataclass(frozen=True, slots=True)
class Shared:
    """Given to each tool when it is built.

    Attributes:
        threads: Run what is not `async`.
        redactor: Takes secrets out of results and errors.
        loop: The worker's.
        timeout: Seconds of a call, where the Pool does not say.
    """

    threads: Threads
    redactor: Redactor
    loop: asyncio.AbstractEventLoop
    timeout: float
