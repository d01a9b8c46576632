"""What the worker counts, in a registry of its own."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from dspex.bridge.protocol import Usage
from dspex_worker.gate import Gate

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 600)


class Metrics:
    """Counters of calls, times and tokens; labels are closed sets, never values of a user.

    Args:
        pool: The Pool's name, a label of all.
        gate: Its running and waiting calls are gauges.
        stuck: Returns how many threads are stuck, by what they run.
    """

    def __init__(self, pool: str, gate: Gate, stuck: Callable[[], Mapping[str, int]]) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._pool = pool
        self._calls = Counter(
            "dspex_worker_calls",
            "Calls by their end: Succeeded or a reason.",
            ["pool", "result"],
            registry=self.registry,
        )
        self._tokens = Counter(
            "dspex_worker_tokens",
            "Tokens by kind: prompt or completion.",
            ["pool", "kind"],
            registry=self.registry,
        )
        self._model_calls = Counter(
            "dspex_worker_model_calls", "Model calls.", ["pool"], registry=self.registry
        )
        self._seconds = Histogram(
            "dspex_worker_seconds",
            "Seconds of a call by part: queue, execute or model.",
            ["pool", "part"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        for name, text, read in (
            ("active", "Calls that run.", lambda: gate.active),
            ("queued", "Calls that wait.", lambda: gate.queued),
        ):
            gauge = Gauge(f"dspex_worker_{name}", text, ["pool"], registry=self.registry)
            gauge.labels(pool).set_function(read)

        threads = Gauge(
            "dspex_worker_stuck_threads",
            "Threads at work for calls that were given up, by what they run: module or tool.",
            ["pool", "kind"],
            registry=self.registry,
        )
        for kind in ("module", "tool"):
            threads.labels(pool, kind).set_function(functools.partial(_of_kind, stuck, kind))

    def ended(self, result: str, usage: Usage) -> None:
        """Count a call that ended, and what it used."""
        self._calls.labels(self._pool, result).inc()
        self._model_calls.labels(self._pool).inc(usage.calls)
        self._tokens.labels(self._pool, "prompt").inc(usage.prompt_tokens)
        self._tokens.labels(self._pool, "completion").inc(usage.completion_tokens)

    def took(self, *, queue: float, execute: float, model: float) -> None:
        """Observe where a call's time went, in seconds."""
        for part, seconds in (("queue", queue), ("execute", execute), ("model", model)):
            self._seconds.labels(self._pool, part).observe(seconds)

    def render(self) -> bytes:
        """Return all in Prometheus' text format."""
        return generate_latest(self.registry)


def _of_kind(stuck: Callable[[], Mapping[str, int]], kind: str) -> int:
    return stuck().get(kind, 0)
