"""Runs benchmarks and says whether they are good enough."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from performance.row import Row

Benchmark: TypeAlias = Callable[[], Sequence[Row]]

TRIES = 3
"""How often a benchmark whose gate is missed is run: noise misses one, a regression every one."""


def run(benchmarks: Mapping[str, Benchmark], *, tries: int = TRIES) -> list[Row]:
    """Run them one after the other; progress goes to stderr."""
    rows: list[Row] = []
    for name, benchmark in benchmarks.items():
        began = time.perf_counter()
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        rows += settled(benchmark, tries=tries)
        print(f"{time.perf_counter() - began:.1f} s", file=sys.stderr)
    return rows


def settled(benchmark: Benchmark, *, tries: int = TRIES) -> list[Row]:
    """Run one benchmark, again where a gate is missed; a row that passed once stays."""
    rows = list(benchmark())
    for _ in range(tries - 1):
        if all(row.passed for row in rows):
            break
        rows = [row if row.passed else again for row, again in zip(rows, benchmark(), strict=True)]
    return rows
