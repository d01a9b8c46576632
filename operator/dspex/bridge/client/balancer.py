"""Which worker a call goes to: the less loaded of two, round those that failed a moment ago."""

import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from dspex.bridge.client.endpoint import Endpoint

FIRST_BACKOFF: Final = 0.1
"""Seconds that a worker rests after its first failure; doubled with each that follows."""

LONGEST_BACKOFF: Final = 2.0
"""Seconds that a failing worker rests at most."""


@dataclass(slots=True)
class _Load:
    in_flight: int = 0
    failures: int = 0
    resting_until: float = 0.0


class Balancer:
    """Counts the calls in flight at each worker and keeps failing ones at rest for a while.

    Two random workers are compared, not all: with many clients, each of which sees its own calls
    alone, that spreads load nearly as well as full knowledge and never sends all to one worker.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sample: Callable[[Sequence[Endpoint], int], list[Endpoint]] = random.sample,
    ) -> None:
        self._clock = clock
        self._sample = sample
        self._loads: dict[Endpoint, _Load] = {}

    def choose(
        self, endpoints: Sequence[Endpoint], *, without: Collection[Endpoint] = ()
    ) -> Endpoint | None:
        """Choose a worker; None where every one is left out or at rest."""
        now = self._clock()
        free = [
            endpoint
            for endpoint in endpoints
            if endpoint not in without and self._load(endpoint).resting_until <= now
        ]
        if not free:
            return None
        candidates = self._sample(free, min(2, len(free)))
        return min(candidates, key=lambda endpoint: self._load(endpoint).in_flight)

    def rest(self, endpoints: Sequence[Endpoint]) -> float:
        """Return the seconds until the first of some workers has rested, 0 where one has."""
        now = self._clock()
        ends = [self._load(endpoint).resting_until for endpoint in endpoints]
        return max(0.0, min(ends, default=now) - now)

    @contextmanager
    def in_flight(self, endpoint: Endpoint) -> Iterator[None]:
        """Count one call at a worker while the block runs."""
        load = self._loads.setdefault(endpoint, _Load())
        load.in_flight += 1
        try:
            yield
        finally:
            load.in_flight -= 1
            self._forget_idle(endpoint, load)

    def failed(self, endpoint: Endpoint) -> None:
        """Put a worker at rest, longer with each failure in a row."""
        load = self._loads.setdefault(endpoint, _Load())
        load.failures += 1
        # 2 ** 30 is far past the cap; without the bound a long outage overflows the float.
        seconds = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(load.failures - 1, 30))
        load.resting_until = self._clock() + seconds

    def answered(self, endpoint: Endpoint) -> None:
        """Note that a worker answered, well or not: its failures in a row are over."""
        load = self._loads.get(endpoint)
        if load is not None:
            load.failures = 0
            load.resting_until = 0.0

    def _load(self, endpoint: Endpoint) -> _Load:
        return self._loads.get(endpoint, _Load())

    def _forget_idle(self, endpoint: Endpoint, load: _Load) -> None:
        """Drop what would else stay for ever of a worker that is gone."""
        if load.in_flight == 0 and load.failures == 0:
            self._loads.pop(endpoint, None)
